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

/**
 * The leaves that a probe reads: the nearest with rows that may be answered, and of a filter so many that as many rows are compared as
 * without one; in any case so many that k are. Undefined where the query is so far away that distances say nothing.
 */
export function planLeaves(
  file: ProbedFile,
  distances: Float32Array,
  { effort, allowed, count }: Omit<ProbeRequest, 'query'>,
): ProbePlan | undefined {
  const { leafIndex, rows } = file;
  if (!distances.every(Number.isFinite)) return undefined;
  const nearest = distances.reduce((least, distance) => Math.min(least, distance), Infinity);
  const near = leavesWithin(distances, nearest + effort.reach);
  const most = effort.reach === Infinity ? effort.leaves : effort.leaves * PROBE_ROOM;
  const unfiltered = Math.min(near.length, most);
  // As many rows as there would be without a filter, or all; and k, which small leaves far from all others do not hold.
  const average = allowed === undefined ? 0 : Math.ceil((unfiltered * rows) / leafIndex.leaves);
  const wanted = Math.min(count, Math.max(average, effort.compared.k));
  const nearRows = near.reduce((sum, leaf) => sum + leafIndex.rowsIn(leaf), 0);
  const areEnough = allowed === undefined && nearRows >= wanted;
  const order = areEnough ? near : leavesWithin(distances, Infinity);
  const leaves: number[] = [];
  let bytes = 0;
  let held = 0;
  for (const leaf of order) {
    if (leaves.length >= unfiltered && held >= wanted) break;
    const own = allowedIn(file, leaf, allowed);
    if (own === 0) continue;
    leaves.push(leaf);
    held += own;
    bytes += leafIndex.range(leaf).length;
  }
  return { leaves, bytes };
}

/** The nearest first. Of thousands few are so near. */
function leavesWithin(distances: Float32Array, most: number): readonly number[] {
  const leaves: number[] = [];
  for (let leaf = 0; leaf < distances.length; leaf++) if (distances[leaf]! <= most) leaves.push(leaf);
  return leaves.sort((a, b) => distances[a]! - distances[b]! || a - b);
}

function allowedIn({ leafIndex }: ProbedFile, leaf: number, allowed: Uint8Array | undefined): number {
  const rows = leafIndex.rowsIn(leaf);
  return allowed === undefined ? rows : countBits(sliceBits(allowed, leafIndex.firstRow(leaf), rows));
}

/** Cost: one wave of page reads. Throws `memory_budget_exceeded`, `corrupt`, or `unavailable` (`object_gone`). */
export function probeLeaves(
  room: Room,
  file: ProbedFile,
  { query, effort, allowed }: ProbeRequest,
  { leaves }: ProbePlan,
  reading: PageReading,
): Awaitable<ProbeHits> {
  return andThen(file.leafBlocks(leaves, reading), (blocks) => {
    const { compared } = effort;
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
