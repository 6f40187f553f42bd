/** The door of the segment layer: immutable files of rows, and what became of their rows since. */
export { FilterCache } from './columns/filter-cache.js';
export type { FilterRows } from './columns/filter-masks.js';
export { deletionsBytes, encodeDeletions, openDeletions, type Deletions } from './deletions.js';
export type { Expiries } from './expiries.js';
export type { SegmentSection } from './footer.js';
export { compareBytes, idAt } from './id-blocks.js';
export type { LeafBlock } from './leaves/leaf-blocks.js';
export { LoadRoom } from './load-room.js';
export { portableDeflate } from './portable-deflate.js';
export type { RawChunk } from './raw-rows.js';
export type { ResidentLoad, ResidentLoadOptions } from './resident-load.js';
export { residentRoom } from './resident-range.js';
export { rowMaps, type RowMaps } from './row-maps.js';
export type { IdRun } from './segment-ids.js';
export { SegmentReader, type SegmentReaderOptions } from './segment-reader.js';
export { ranksOfRows, SegmentCheck } from './segment-check.js';
export { footerOfTail } from './segment-tail.js';
export type { CheckedIds, SegmentFault } from './segment-check.js';
export {
  SegmentWriter,
  type ResidentSection,
  type SegmentEnd,
  type SegmentRef,
  type SegmentWriterOptions,
} from './segment-writer.js';
