/** Segments as reads see them: open files, indexes in memory, what the log says over them, how hard to search. */
export { findRows } from './find-rows.js';
export { tryWithRoom, withRoom } from './room.js';
export { canBeProbed, CentroidDistances, planLeaves, probeCost, probeLeaves } from './leaf-probe.js';
export type { ProbedFile, ProbeHits, ProbePlan, ProbeRequest, Room } from './leaf-probe.js';
export { SHARE_MOST } from './cover-curve.js';
export type { Cover } from './cover-curve.js';
export { chooseProbe, PROBE_ROOM, wantedRecall, worstCompared } from './probe-curve.js';
export type { Compared, ProbeCurve, ProbePoint } from './probe-curve.js';
export { BOUNDED_ROOM, chooseEffort } from './recall-curve.js';
export type { Effort, RecallCurve, RecallPoint, ScanPoint } from './recall-curve.js';
export { attachIndex, hasCoarseCodes, hasScalarCodes, indexBytes } from './index-loader.js';
export type { LoadedIndex } from './index-loader.js';
export type { LiveSegment, SegmentFile } from './segment-file.js';
export { SegmentOverlay } from './segment-overlay.js';
export { placeOf, SegmentStore } from './segment-store.js';
export type {
  BegunSearch,
  Candidates,
  Estimated,
  IndexSearch,
  SearchGroup,
  SearchThreads,
  SharedIndex,
  ThreadedIndex,
} from './search-threads.js';
export type { SegmentPlace } from './segment-store.js';
