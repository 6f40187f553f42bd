/**
 * From the resident part of a segment to an index that can be searched.
 */
import { corrupt } from '../../base/errors.js';
import { codingOf, indexSectionKinds, isCoarse, SearchIndex } from '../../index/index.js';
import type { DirectoryOptions, IndexSection, IndexShape } from '../../index/index.js';
import { arenaChecksums, PAYLOAD_OFFSET } from '../../kernel/index.js';
import type { Arena, Metric } from '../../kernel/index.js';
import type { ResidentLoad, ResidentLoadOptions } from '../../segment/index.js';
import type { SearchThreads, ThreadedIndex } from './search-threads.js';
import type { SegmentFile } from './segment-file.js';

/** As much of a segment as its index is made of. */
export type IndexedFile = Pick<
  SegmentFile,
  'rows' | 'dimension' | 'metric' | 'numbers' | 'leafStarts' | 'residentBytes' | 'residentSections' | 'ref'
>;

function shapeOf({ dimension, metric, rows }: IndexedFile): IndexShape {
  // That it is the collection's metric was checked when the file was opened.
  return { dimension, metric: metric as Metric, rows };
}

/**
 * Payload bytes of the arena that an index and its searches take, where so many threads search it beside the caller's own: as the footer
 * says; what cannot be is refused at the end.
 */
export function indexBytes(file: IndexedFile, threads = 0): number {
  const { numbers, leafStarts } = file;
  return (
    file.residentBytes + SearchIndex.scratchBytes({ shape: shapeOf(file), numbers, leafStarts }, threads)
  );
}

export function beginLoad(
  file: SegmentFile,
  arena: Arena,
  options: Pick<ResidentLoadOptions, 'alone' | 'room' | 'parallel'>,
): ResidentLoad {
  const target = arena.u8.subarray(PAYLOAD_OFFSET, PAYLOAD_OFFSET + file.residentBytes);
  return file.residentLoad(target, { crc32cPages: arenaChecksums(arena), ...options });
}

/** An index and, of every row, its rank. */
export interface LoadedIndex {
  readonly index: SearchIndex;
  /** A view of the arena. */
  readonly rankOfRow: Uint32Array;
  /** Where other threads search it too. */
  readonly threaded?: ThreadedIndex | undefined;
}

/** What the segment says of its index. Throws `corrupt` where it says nothing. */
export function directoryOf(file: IndexedFile): DirectoryOptions {
  const { residentBytes, residentSections, numbers, leafStarts, ref } = file;
  const { key } = ref;
  if (residentBytes === 0)
    throw corrupt({ key, offset: 0, expected: 'an index', found: 'a segment without one' });
  const sections = residentSections.filter(({ kind }) =>
    (indexSectionKinds as readonly string[]).includes(kind),
  ) as readonly IndexSection[];
  return { shape: shapeOf(file), sections, numbers, leafStarts, regionBytes: residentBytes, key };
}

/** Checks everything that the kernels follow. Requires: a complete load. Throws `corrupt`. */
export function attachIndex(file: IndexedFile, arena: Arena, threads?: SearchThreads): LoadedIndex {
  const { residentSections } = file;
  const { key } = file.ref;
  const directory = directoryOf(file);
  const ranks = residentSections.find(({ kind }) => kind === 'rankOfRow');
  if (ranks === undefined)
    throw corrupt({ key, offset: 0, expected: 'a section rankOfRow', found: 'a segment without one' });
  const index = SearchIndex.attach(arena, directory);
  const at = PAYLOAD_OFFSET + ranks.offset;
  return {
    index,
    rankOfRow: arena.u32.subarray(at / 4, at / 4 + file.rows),
    threaded: threads?.attach({ arena, directory, ranks: at }),
  };
}

/** Its codes divide the range of each dimension evenly: a few values far from all others leave little to tell near rows apart by. */
export function hasScalarCodes({ numbers }: Pick<IndexedFile, 'numbers'>): boolean {
  return codingOf(numbers).kind === 'sq8';
}

/** What its codes say of the order of near rows is little. */
export function hasCoarseCodes({ numbers }: Pick<IndexedFile, 'numbers'>): boolean {
  return isCoarse(codingOf(numbers));
}
