/**
 * The nearest rows of a segment whose index is not in memory, out of the few leaves that the query is near: their blocks are read in
 * one wave, and scanned. What is found are candidates in the order of estimates, with all that it takes to name them.
 */
import { andThen } from '../../base/awaitable.js';
import type { Awaitable } from '../../base/awaitable.js';
import { countBits, hasBit, sliceBits } from '../../base/bitmap.js';
import { limits } from '../../base/limits.js';
import { LeafScan } from '../../index/index.js';
import type { ArenaPool, Metric } from '../../kernel/index.js';
import type { LeafBlock } from '../../segment/index.js';
import type { PageReading } from '../../store/index.js';
import { leavesThatCover } from './cover-curve.js';
import type { Cover } from './cover-curve.js';
import { PROBE_ROOM, worstCompared } from './probe-curve.js';
import type { Compared, ProbeCost, ProbeEffort } from './probe-curve.js';
import type { Estimated } from './search-threads.js';
import type { SegmentFile } from './segment-file.js';

/** Of a segment: its index of leaves is there. */
export type ProbedFile = SegmentFile & { readonly leafIndex: NonNullable<SegmentFile['leafIndex']> };

export function canBeProbed(file: SegmentFile): file is ProbedFile {
  return file.leafIndex !== undefined;
}

export interface ProbeRequest {
  readonly query: Float32Array;
  readonly effort: ProbeEffort;
  /** Rows that may be answered, and how many; absent: all. */
  readonly allowed: Uint8Array | undefined;
  readonly count: number;
}

/** Makes room for what is acquired: `Residency.inRoom`. */
export type Room = <T>(make: (pool: ArenaPool) => T) => T;

/** Which leaves are read. */
export interface ProbePlan {
  readonly leaves: readonly number[];
  readonly bytes: number;
  /** Candidates that are compared exactly: so many on average. */
  readonly rerank: number;
  readonly compared: Compared;
}

export interface ProbeHits {
  /** In the order of their estimated distances. */
  readonly rows: Uint32Array;
  readonly ranks: Uint32Array;
  readonly estimated: Estimated;
  readonly visited: number;
  /** Checksums of the pages that hold their vectors. */
  readonly sums: ReadonlyMap<number, number>;
  /** Of one of the rows. Throws `corrupt`. */
  readonly idOf: (row: number) => string;
}

/** What a probe of this segment takes. */
export function probeCost(file: ProbedFile, requestsParallel: number): ProbeCost {
  const { leafIndex, dimension } = file;
  const { offset, length } = leafIndex.range(leafIndex.leaves - 1);
  return {
    leafBytes: (offset + length) / leafIndex.leaves,
    rowBytes: 4 * dimension + limits.pageBytes,
    requestBytes: limits.requestBytes / requestsParallel,
  };
}

/**
 * How far one query is from the centroids of segments: measured once of each, however often leaves are planned. It depends on nothing
 * else, so that what was measured before the state was known holds for any state.
 */
export class CentroidDistances {
  readonly #query: Float32Array;
  readonly #measured = new Map<ProbedFile, Float32Array>();

  constructor(query: Float32Array) {
    this.#query = query;
  }

  /** By leaf. Throws `memory_budget_exceeded`. */
  of(room: Room, file: ProbedFile): Float32Array {
    const known = this.#measured.get(file);
    if (known !== undefined) return known;
    const distances = withScan(room, file, (scan) => {
      scan.prepare(this.#query);
      return scan.centroidDistances();
    });
    this.#measured.set(file, distances);
    return distances;
  }
}

export interface LeavesWanted extends Omit<ProbeRequest, 'query'> {
  readonly covers: readonly Cover[];
}

/** Rows are far where so many times as many others are about as near as neighbours were for which a probe was measured. */
const FAR = 1.5;
/** Of far rows estimates are off by more, and more are about as far: what slack and candidates are multiplied with at most. */
const SLACK_MOST = 3;
const CANDIDATES_MOST = 8;

/**
 * The leaves that a probe reads: those within reach. Where more neighbours are wanted than that was measured for, or as far away as more
 * are because a filter lets few rows by, so many that as large a share of them lies there. In any case so many that k rows that may be
 * answered do. Undefined where the query is so far away that distances say nothing.
 */
export function planLeaves(
  file: ProbedFile,
  distances: Float32Array,
  { effort, allowed, count, covers }: LeavesWanted,
): ProbePlan | undefined {
  const { leafIndex, rows } = file;
  const { neighbours, reached, compared } = effort;
  if (!distances.every(Number.isFinite)) return undefined;
  const nearest = distances.reduce((least, distance) => Math.min(least, distance), Infinity);
  const near = leavesWithin(distances, nearest + effort.reach).slice(0, effort.leaves * PROBE_ROOM);
  const k = Math.min(count, compared.k);
  const nearRows = near.reduce((sum, leaf) => sum + leafIndex.rowsIn(leaf), 0);
  const areEnough = allowed === undefined && nearRows >= k && k <= neighbours;
  const order = areEnough ? near : leavesWithin(distances, Infinity);
  const allowedIn = countsOfAllowed(file, allowed);
  const rank = areEnough ? k : rankOfFarthest(file, { order, allowedIn, k, count });
  const isFar = k > neighbours || rank > neighbours * FAR;
  const ofRank = { rank, share: reached, rows, leaves: leafIndex.leaves };
  const covering = Math.max(near.length, isFar ? leavesThatCover(covers, ofRank) : 0);
  const leaves: number[] = [];
  let [bytes, held] = [0, 0];
  for (const [place, leaf] of order.entries()) {
    if (place >= covering && held >= k) break;
    const own = allowedIn(leaf);
    if (own === 0) continue;
    leaves.push(leaf);
    held += own;
    bytes += leafIndex.range(leaf).length;
  }
  const farther = isFar ? Math.max(1, rank / Math.max(k, neighbours)) : 1;
  const candidates = Math.min(CANDIDATES_MOST, Math.cbrt(farther));
  return {
    ...{ leaves, bytes },
    rerank: Math.ceil(effort.rerank * candidates),
    compared: {
      k: compared.k,
      slack: compared.slack * Math.min(SLACK_MOST, Math.sqrt(farther)),
      most: Math.min(limits.indexHits, Math.ceil(compared.most * candidates)),
    },
  };
}

type CountOfLeaf = (leaf: number) => number;

/** How many rows of a leaf may be answered, counted once. */
function countsOfAllowed({ leafIndex }: ProbedFile, allowed: Uint8Array | undefined): CountOfLeaf {
  if (allowed === undefined) return (leaf) => leafIndex.rowsIn(leaf);
  const counts = new Int32Array(leafIndex.leaves).fill(-1);
  return (leaf) => {
    if (counts[leaf]! < 0)
      counts[leaf] = countBits(sliceBits(allowed, leafIndex.firstRow(leaf), leafIndex.rowsIn(leaf)));
    return counts[leaf]!;
  };
}

/** A filter that had nothing to do with the query would let by this many of the nearest rows, and up to the second are looked at; */
const USUAL_LEAST = 8;
const USUAL_MOST = 32;
/** where it lets by less than this share of what is usual, the rows that may be answered lie elsewhere. */
const FEW = 1 / 4;

interface FarthestWanted {
  /** All leaves, the nearest first. */
  readonly order: readonly number[];
  readonly allowedIn: CountOfLeaf;
  readonly k: number;
  readonly count: number;
}

/**
 * How many rows of the segment are about as near as the k-th that may be answered. Where these lie anywhere, by how many they are, with
 * a deviation of chance; or by how many rows are in nearer leaves, if that is more. Where they lie elsewhere: all, because which of the
 * leaves far away are nearest says little of which rows are.
 */
function rankOfFarthest(
  { leafIndex, rows }: ProbedFile,
  { order, allowedIn, k, count }: FarthestWanted,
): number {
  const share = Math.max(1, count) / rows;
  const usual = (k + Math.sqrt(k) * (1 - share)) / share;
  if (usual >= rows) return rows;
  let [held, before, rank] = [0, 0, 0];
  for (const leaf of order) {
    const isLooked = before * share <= USUAL_MOST;
    if (held >= k && !isLooked) break;
    const own = allowedIn(leaf);
    const inLeaf = leafIndex.rowsIn(leaf);
    if (held < k) rank = before + inLeaf * Math.min(1, (k - held) / Math.max(1, own));
    held += own;
    before += inLeaf;
    const expected = before * share;
    if (isLooked && expected >= USUAL_LEAST && held < expected * FEW) return rows;
  }
  return Math.max(usual, rank);
}

/** The nearest first. Of thousands few are so near. */
function leavesWithin(distances: Float32Array, most: number): readonly number[] {
  const leaves: number[] = [];
  for (let leaf = 0; leaf < distances.length; leaf++) if (distances[leaf]! <= most) leaves.push(leaf);
  return leaves.sort((a, b) => distances[a]! - distances[b]! || a - b);
}

/** Cost: one wave of page reads. Throws `memory_budget_exceeded`, `corrupt`, or `unavailable` (`object_gone`). */
export function probeLeaves(
  room: Room,
  file: ProbedFile,
  { query, allowed }: ProbeRequest,
  { leaves, compared }: ProbePlan,
  reading: PageReading,
): Awaitable<ProbeHits> {
  return andThen(file.leafBlocks(leaves, reading), (blocks) => {
    const best = new BestEstimates(compared.most);
    let visited = 0;
    withScan(room, file, (scan) => {
      scan.prepare(query);
      scan.beginLeaves();
      blocks.forEach((block, at) => {
        const distances = scan.leafDistances(block.scanned, block.rows, block.guests.length);
        best.add(distances, { at, block, allowed });
        visited += distances.length;
      });
    });
    const found = worthComparing(best.list(), compared);
    // Of the units of this segment.
    const unit = file.leafIndex.centroids.factor ** 2;
    const rowsFound = Uint32Array.from(found, ({ row }) => row);
    const placeOf = new Map(found.map((place, n) => [rowsFound[n]!, place]));
    const idsOf = new Map<number, readonly Uint8Array[]>();
    const sums = new Map<number, number>();
    for (const { at, i } of found) blocks[at]!.addSums(i, sums);
    return {
      rows: rowsFound,
      estimated: {
        distances: Float64Array.from(found, ({ distance }) => distance / unit),
        compared: { ...compared, slack: compared.slack / unit },
      },
      ranks: Uint32Array.from(found, ({ at, i }) => blocks[at]!.rank(i, file.rows)),
      visited,
      sums,
      idOf: (row) => {
        const { at, i } = placeOf.get(row)!;
        const block = blocks[at]!;
        const ids = idsOf.get(at) ?? file.idsOfLeaf(block);
        idsOf.set(at, ids);
        return block.textOf(ids[i]!);
      },
    };
  });
}

function withScan<T>(
  room: Room,
  { dimension, metric, leafIndex }: ProbedFile,
  use: (scan: LeafScan) => T,
): T {
  // That it is the collection's metric was checked when the file was opened.
  const { centroids } = leafIndex;
  const scan = room((pool) => new LeafScan(pool, { dimension, metric: metric as Metric, centroids }));
  try {
    return use(scan);
  } finally {
    scan.release();
  }
}

interface Estimate {
  readonly row: number;
  /** Block, and which of its rows: one of two where a row is the guest of another leaf that is near, too. */
  readonly at: number;
  readonly i: number;
  readonly distance: number;
}

/** Those that are worth an exact comparison. */
function worthComparing(found: readonly Estimate[], compared: Compared): readonly Estimate[] {
  const worst = worstCompared(
    found.map(({ distance }) => distance),
    compared,
  );
  return found.filter(({ distance }) => distance <= worst);
}

/** The nearest so many out of leaves that come one after another. */
class BestEstimates {
  readonly #most: number;
  #found: Estimate[] = [];
  #worst = Infinity;

  constructor(most: number) {
    this.#most = most;
  }

  add(
    distances: Float32Array,
    {
      at,
      block,
      allowed,
    }: { readonly at: number; readonly block: LeafBlock; readonly allowed: Uint8Array | undefined },
  ): void {
    for (let i = 0; i < distances.length; i++) {
      const distance = distances[i]!;
      // What is no number is farther than all else.
      if (!(distance < this.#worst) && this.#worst < Infinity) continue;
      const row = block.rowAt(i);
      if (allowed !== undefined && !hasBit(allowed, row)) continue;
      this.#found.push({ row, at, i, distance: Number.isNaN(distance) ? Infinity : distance });
    }
    if (this.#found.length > this.#most) this.#cut();
  }

  list(): readonly Estimate[] {
    this.#cut();
    return this.#found;
  }

  /** Each row once, with the nearer of its estimates. */
  #cut(): void {
    const seen = new Set<number>();
    this.#found = this.#found
      .sort((a, b) => a.distance - b.distance || a.row - b.row || a.at - b.at)
      .filter(({ row }) => seen.size < seen.add(row).size);
    this.#found.length = Math.min(this.#found.length, this.#most);
    if (this.#found.length === this.#most) this.#worst = this.#found.at(-1)!.distance;
  }
}
