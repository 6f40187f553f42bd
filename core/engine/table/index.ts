/** A collection's state: the unfolded log over the segments of a head. */
export { Table } from './table.js';
export type { LocatedRow, SegmentRecord } from './table.js';
export { segmentMatches } from './segment-matches.js';
export type { SegmentMatches } from './segment-matches.js';
export { Turns } from './turns.js';
export { walkSegments } from './walk-segments.js';
export type { WalkedRow } from './walk-segments.js';
