/**
 * What a compaction takes: which segments are merged with the log's rows, and when there is work at all. Pure: from
 * numbers of a head to a plan.
 *
 * Geometric: segments are taken from the smallest up while each is at most twice of what was taken before it. A row is
 * thereby rewritten only into a segment half as large again as the one it leaves, so that write amplification and the
 * number of segments both grow with the logarithm of the rows.
 */
import { limits, tierLimits } from '../../base/limits.js';
import type { Tier, Work } from '../../base/limits.js';
import { codeSizes, projectedOutputsMost } from '../../index/index.js';
import type { CollectionSchema } from '../../log/index.js';
import { codingFor } from './coding.js';

const GROWTH = 2;
/** A segment of which a larger share is dead is rewritten by itself. */
const DEAD_SHARE_MAX = 0.25;
/** More segments than these are merged whatever their sizes: each costs every query. */
const SEGMENTS_MAX = 16;

const PIECE_BYTES = limits.rangePages * limits.pageBytes;
/** Passes over all inputs in their own order: ranges and leaves in pieces of a quarter, ids, the sample, and those of calibration. */
const WHOLE_READS = 10;
/** Of a job whatever it merges: heads and their copies, jobs, beats, the window. */
const HEAD_REQUESTS = 40;
/** Of a leaf at least, on average: so many rows share a centroid. */
const LEAF_ROWS = 80;
/** Of a handler's memory, in which an index is built: logs, other indexes and pages are there, too. */
const BUILD_SHARE = 0.5;
/** What a build takes whatever the number of rows: scratch of searches, and the rows that are coded next. */
const BUILD_BYTES = 4_194_304;
/** Of each segment of a head: its tail, its deletions as they are and as they will be. */
const SEGMENT_REQUESTS = 3;

export interface SegmentSize {
  readonly key: string;
  readonly rows: number;
  /** Rows that are not dead. */
  readonly live: number;
  /** Of the whole object. */
  readonly bytes: number;
  readonly graph: boolean;
  /** Another job has it. */
  readonly taken: boolean;
}

/** What an index is made by. */
export interface IndexPlan extends Pick<CollectionSchema, 'dimension' | 'metric' | 'quantization'> {
  /** Neighbours per row above level 0. */
  readonly m: number;
}

/** Who compacts. */
export interface Handler {
  readonly tier: Tier;
  /** Its memory budget. */
  readonly memoryBytes: number;
}

export interface PolicyInput extends IndexPlan {
  readonly tier: Tier;
  /** What is made has to fit both tiers. */
  readonly handler: Handler;
  /** Rows of the log that a fold would write; 0 where nothing is folded. */
  readonly logRows: number;
  readonly segments: readonly SegmentSize[];
}

/** Of a row: both maps of rows and ranks, expiries, level 0 and the rest. */
function graphBytesOf(m: number): number {
  return (2 * m + 1) * 4 + Math.ceil((m + 1) * 4 * 0.1) + 8 + 8;
}

/** Of a row: sq8 codes and terms, and those that a walk may have of its own. */
function sq8BytesOf({ dimension, metric }: IndexPlan): number {
  const { stride, termBytes } = codeSizes({ kind: 'sq8' }, { dimension, metric });
  const projected = projectedOutputsMost(dimension);
  return stride + termBytes + (projected === 0 ? 0 : projected + 4);
}

function codeBytesOf(plan: IndexPlan): number {
  const coding = codingFor(plan);
  if (coding.kind === 'sq8') return sq8BytesOf(plan);
  const { stride, termBytes, paramBytes } = codeSizes(coding, plan);
  return stride + termBytes + (coding.kind === 'rabitq' ? Math.ceil(paramBytes / LEAF_ROWS) : 0);
}

/** What rows are coded by, however many they are: other codings have little of it, or some for so many rows. */
function bookBytesOf(plan: IndexPlan): number {
  const coding = codingFor(plan);
  return coding.kind === 'pq' ? (plan.dimension + 1) * codeSizes(coding, plan).paramBytes : 0;
}

/** Bytes of the index of a segment in memory. */
export function residentBytesOf(rows: number, plan: IndexPlan): number {
  return rows * (codeBytesOf(plan) + graphBytesOf(plan.m)) + bookBytesOf(plan);
}

/** Bytes of the memory that it is built in: with the codes that a graph is built on, and the lengths of all links. */
export function buildBytesOf(rows: number, plan: IndexPlan): number {
  const { m } = plan;
  const own = codingFor(plan).kind === 'sq8' ? 0 : codeBytesOf(plan);
  const links = m * 8 + Math.ceil(m * 4 * 0.1);
  // A byte for visits, a bit for what may be answered.
  return rows * (sq8BytesOf(plan) + own + graphBytesOf(m) + links + 2) + bookBytesOf(plan) + BUILD_BYTES;
}

/** Rows of a log that one fold may take. */
export function foldRowsMost(input: IndexPlan & Pick<PolicyInput, 'tier' | 'handler'>): number {
  const { residentBytes, buildBytes } = roomOf(input);
  const fits = (bytes: number, of: (rows: number, plan: IndexPlan) => number): number =>
    (bytes - of(0, input)) / (of(1, input) - of(0, input));
  return Math.floor(Math.min(fits(residentBytes, residentBytesOf), fits(buildBytes, buildBytesOf)));
}

/** What is made may be resident on either tier, and who makes it has memory to build it. */
function roomOf({ tier, handler }: Pick<PolicyInput, 'tier' | 'handler'>): {
  readonly residentBytes: number;
  readonly buildBytes: number;
} {
  const { residentBytes, buildBytes } = tierLimits[handler.tier];
  const own = Math.max(tierLimits.edge.buildBytes, BUILD_SHARE * handler.memoryBytes);
  return {
    residentBytes: Math.min(tierLimits[tier].residentBytes, residentBytes),
    buildBytes: Math.min(buildBytes, own),
  };
}

/** The keys of the segments to merge, in the order in which they were chosen. */
export function chooseInputs(input: PolicyInput): readonly string[] {
  const { residentBytes, buildBytes } = roomOf(input);
  const { mergeBytes, mergeInputs } = tierLimits[input.handler.tier];
  const fits = (rows: number, bytes: number): boolean =>
    residentBytesOf(rows, input) <= residentBytes &&
    buildBytesOf(rows, input) <= buildBytes &&
    bytes <= mergeBytes;
  const idle = input.segments
    .filter(({ taken, live, bytes }) => !taken && fits(live, bytes))
    .sort((a, b) => a.live - b.live);
  // Left by writers' minor folds: too many rows to be scanned by every query, so they get a graph before all else.
  const ungraphed = idle.filter(({ graph, live }) => !graph && live >= limits.flatRows);
  const free = [...ungraphed, ...idle.filter((segment) => !ungraphed.includes(segment))];
  // One segment comes back for all that are taken.
  const needed = input.segments.length + 1 - SEGMENTS_MAX;
  const chosen: SegmentSize[] = [];
  let rows = input.logRows;
  let bytes = 0;
  for (const segment of free) {
    const first = rows === 0;
    const grows =
      first || segment.live <= GROWTH * rows || chosen.length < needed || ungraphed.includes(segment);
    if (!grows || chosen.length === mergeInputs) break;
    if (!fits(rows + segment.live, bytes + segment.bytes)) break;
    chosen.push(segment);
    rows += segment.live;
    bytes += segment.bytes;
  }
  const alone = chosen.length === 1 && input.logRows === 0 && ungraphed.length === 0;
  const worthwhile = chosen.length > 0 && !alone;
  if (worthwhile) return chosen.map(({ key }) => key);
  const decayed = free.find(({ rows: all, live }) => all - live > all * DEAD_SHARE_MAX);
  return decayed === undefined ? [] : [decayed.key];
}

export interface JobSize {
  readonly dimension: number;
  /** Of the log, as many as are folded. */
  readonly logRows: number;
  readonly logBytes: number;
  readonly inputs: readonly Pick<SegmentSize, 'live' | 'bytes'>[];
  /** Segments of the head, with the inputs. */
  readonly segments: number;
}

/** What a job takes at most, where it reads with few requests (`PageReading`); but for the root, which is put with what is left. */
export function workOf({ dimension, logRows, logBytes, inputs, segments }: JobSize): Work {
  const inputBytes = inputs.reduce((sum, { bytes }) => sum + bytes, 0);
  const rows = inputs.reduce((sum, { live }) => sum + live, logRows);
  // Of which one piece is written, and from all over the inputs read, at a time.
  const pieces = Math.ceil((inputBytes + logBytes) / PIECE_BYTES);
  const perRead = Math.ceil(inputBytes / PIECE_BYTES) + inputs.length;
  const reads = inputs.length === 0 ? 0 : (pieces + WHOLE_READS) * perRead;
  return {
    numbers: rows * (dimension + limits.rowNumbers),
    bytes: WHOLE_READS * inputBytes + 2 * (inputBytes + logBytes),
    requests: HEAD_REQUESTS + SEGMENT_REQUESTS * segments + reads + pieces,
  };
}

export interface LogSize {
  readonly tier: Tier;
  readonly slots: number;
  readonly bytes: number;
}

/**
 * Whether a writer folds by itself, flat, because no compactor came: the log must stay within what memory holds and a
 * cold open bears. With too many segments it does not, and the log's own limit holds writers back.
 */
export function wantsMinorFold({ tier, slots, bytes }: LogSize, segments: number): boolean {
  if (segments >= SEGMENTS_MAX * 4) return false;
  const { foldAt } = tierLimits[tier];
  return slots >= foldAt.slots || bytes >= foldAt.bytes;
}
