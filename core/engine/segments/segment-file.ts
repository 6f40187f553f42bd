/**
 * What is read of a segment, and a segment as a head names it.
 */
import type { SegmentEntry } from '../../log/index.js';
import type { Deletions, Expiries, SegmentReader } from '../../segment/index.js';
import type { ProbeCurve } from './probe-curve.js';
import type { RecallCurve } from './recall-curve.js';

/** The public side of a reader: whoever closes it is the store of segments. */
export type SegmentFile = Pick<
  SegmentReader,
  | 'rows'
  | 'dimension'
  | 'metric'
  | 'numbers'
  | 'curve'
  | 'leafStarts'
  | 'leafIndex'
  | 'leafBlocks'
  | 'idsOfLeaf'
  | 'expiries'
  | 'residentBytes'
  | 'residentSections'
  | 'residentLoad'
  | 'residentBytesAt'
  | 'readResident'
  | 'readIdsAhead'
  | 'ref'
  | 'possibleIds'
  | 'findRanks'
  | 'idsOfRanks'
  | 'rowsOfRanks'
  | 'ranksOfRows'
  | 'idsFrom'
  | 'documents'
  | 'prepareDocuments'
  | 'filterRows'
  | 'vectors'
  | 'tryCopyVectors'
  | 'seqs'
  | 'rawChunks'
>;

/** A segment as a head names it, open: the file may be shared with other heads, the deletions are this one's. */
export interface LiveSegment {
  readonly entry: SegmentEntry;
  readonly file: SegmentFile;
  readonly deletions: Deletions | undefined;
  /** Of the file's own, undefined where it holds none that makes sense. */
  readonly recallCurve: RecallCurve | undefined;
  /** What probes of its leaves were measured to find, likewise. */
  readonly probeCurve: ProbeCurve | undefined;
  readonly expiries: Expiries;
}
