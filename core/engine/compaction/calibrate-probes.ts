/**
 * Measures what probes of a segment's leaves find (core/engine/segments/probe-curve.ts): rows are asked, the leaves that they are
 * nearest to scanned, and the first of the estimates held against the truth, as the exact order of these would answer. A row is no
 * answer to itself; that it had a part in the centroid of its leaf is one in hundreds.
 *
 * The truth of a query is the exact order of the best rows of a wide walk, or of a scan where that takes less.
 */
import { lowerBound, upperBound } from '../../base/ascending.js';
import type { EncodedLeaf, LeafScan } from '../../index/index.js';
import { PROBE_ROOM, worstCompared } from '../segments/index.js';
import type { Compared, ProbePoint } from '../segments/index.js';
import { boundedMean } from './confidence.js';
import { RankedRows } from './ranked-rows.js';
import type { Ranked } from './ranked-rows.js';
import type { Candidates, Width } from './calibrate.js';

const KS: readonly number[] = [1, 10, 100];
const LEAVES: readonly number[] = [
  ...[1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128],
  ...[160, 192, 224, 256, 320, 384, 448, 512],
];
const FACTORS: readonly number[] = [1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 5, 6, 8, 12, 16, 24, 32];
const RERANK_MOST = 800;
/** Estimates that are kept of a query. */
const BEST_MOST = RERANK_MOST * PROBE_ROOM;
/** The slack with which so many candidates are compared is found by halving what it may be so often. */
const HALVINGS = 12;
const REACH_HALVINGS = 20;
const TRUTH_EF = 1_000;
const TRUTH_ROWS = 150;
/** Points of less recall are not kept, nor those that promise hardly more than one that takes less. */
const WORTH_PROMISING = 0.5;
const WORTH_MORE = 0.0005;
/** More leaves than those by which this much of so many neighbours is found need not be measured for them. */
const GOOD_ENOUGH = 0.999;

export interface ProbeCalibration {
  readonly queries: number;
  readonly scansFast: boolean;
  walk(query: number, width: Width): Candidates;
  /** The nearest `count` of every code. */
  scan(query: number, count: number): Candidates;
  distances(wanted: readonly Candidates[]): Promise<readonly Float32Array[]>;
  breathe(): Promise<void>;
  /** The row that is asked. */
  rowOf(query: number): number;
  vectorOf(query: number): Float32Array;
  readonly leaves: readonly EncodedLeaf[];
  readonly leafStarts: Uint32Array;
  readonly leafScan: LeafScan;
}

export async function calibrateProbes(port: ProbeCalibration): Promise<readonly ProbePoint[]> {
  const asked = await askedQueries(port);
  const points: MeasuredPoint[] = [];
  const leaves = port.leaves.length;
  const ranking = new RankedRows(port.leaves.reduce((sum, { rows }) => sum + rows, 0));
  const farthest = asked.reduce((most, { farther }) => Math.max(most, farther.at(-1) ?? 0), 0);
  let open = KS;
  for (const level of LEAVES) {
    const wanted = Math.min(level, leaves);
    const most = wanted * PROBE_ROOM;
    const reach = reachFor(asked, { wanted, most, farthest });
    for (const query of asked) {
      await port.breathe();
      query.probe(port, ranking, { reach, most });
    }
    const stillOpen: number[] = [];
    for (const k of open) {
      await port.breathe();
      const measured = pointsOf(asked, k, { leaves: wanted, reach });
      points.push(...measured);
      if (measured.every(({ recall }) => recall < GOOD_ENOUGH)) stillOpen.push(k);
    }
    open = stillOpen;
    if (wanted === leaves || open.length === 0) break;
  }
  return undominated(points);
}

/**
 * Within it are so many leaves on average: more of a query that lies between many, fewer of one that lies in the middle of one. Counted as
 * they are read, no more than `most` of a query: one of the few that are near everything would else be given what all others lack.
 */
export function reachFor(
  asked: readonly Pick<AskedQuery, 'farther'>[],
  { wanted, most, farthest }: { readonly wanted: number; readonly most: number; readonly farthest: number },
): number {
  let [low, high] = [0, farthest];
  for (let halving = 0; halving < REACH_HALVINGS; halving++) {
    const middle = (low + high) / 2;
    const within = ({ farther }: Pick<AskedQuery, 'farther'>): number =>
      Math.min(most, upperBound(farther, middle));
    if (areFewer(asked, wanted * asked.length, within)) low = middle;
    else high = middle;
  }
  return shortened(high);
}

interface MeasuredPoint extends ProbePoint {
  readonly recall: number;
}

/** By ascending numbers of candidates, up to one that finds about as much as the most of them: what lies between would not be kept. */
function pointsOf(
  asked: readonly AskedQuery[],
  k: number,
  within: Pick<ProbePoint, 'leaves' | 'reach'>,
): readonly MeasuredPoint[] {
  const reached = asked.reduce((sum, query) => sum + query.reached(k), 0) / asked.length;
  const probe = { ...within, reached: Math.floor(reached * 1e4) / 1e4 };
  const depths = [...new Set(FACTORS.map((factor) => Math.min(Math.ceil(factor * k), RERANK_MOST)))];
  const deepest = pointOf(asked, { k, ...probe, rerank: depths.pop()! });
  const points: MeasuredPoint[] = [];
  for (const rerank of depths) {
    const point = pointOf(asked, { k, ...probe, rerank });
    points.push(point);
    if (point.lower > deepest.lower - WORTH_MORE) break;
  }
  return [...points, deepest];
}

function pointOf(asked: readonly AskedQuery[], probe: Omit<ProbePoint, 'slack' | 'lower'>): MeasuredPoint {
  const { k, rerank } = probe;
  const slack = slackFor(asked, k, rerank);
  const compared = { k, slack, most: rerank * PROBE_ROOM };
  const recalls = new Float64Array(asked.length);
  for (const [i, query] of asked.entries()) recalls[i] = query.recall(compared);
  const { mean, lower } = boundedMean(recalls, k);
  return { ...probe, slack, recall: mean, lower: Math.floor(lower * 1e4) / 1e4 };
}

/** With it so many candidates are compared on average: more where many are about as near as the k-th, fewer where few are. */
function slackFor(asked: readonly AskedQuery[], k: number, rerank: number): number {
  let [low, high] = [0, asked.reduce((most, query) => Math.max(most, query.slackMost(k)), 0)];
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (low + high) / 2;
    if (areFewer(asked, rerank * asked.length, (query) => query.comparedWithin(k, middle))) low = middle;
    else high = middle;
  }
  return shortened(high);
}

/** Whether all counts together are less. That they are not is known before the last of them. */
function areFewer<T>(asked: readonly T[], wanted: number, countOf: (query: T) => number): boolean {
  let sum = 0;
  for (const query of asked) {
    sum += countOf(query);
    if (sum >= wanted) return false;
  }
  return true;
}

/** Of as many digits as matter, so that what is measured is told in few bytes. */
function shortened(value: number): number {
  return Number(value.toPrecision(4));
}

/** Those that promise more than any that takes less. `points` ascend by what they take. */
function undominated(points: readonly MeasuredPoint[]): readonly ProbePoint[] {
  const kept: ProbePoint[] = [];
  for (const { recall: _, ...point } of points) {
    const { k, rerank, lower } = point;
    const isKnown = kept.some(
      (other) => other.k === k && other.rerank <= rerank && other.lower > lower - WORTH_MORE,
    );
    if (lower >= WORTH_PROMISING && !isKnown) kept.push(point);
  }
  return kept;
}

async function askedQueries(port: ProbeCalibration): Promise<readonly AskedQuery[]> {
  const lists: Candidates[] = [];
  for (let query = 0; query < port.queries; query++) {
    await port.breathe();
    lists.push(nearestRows(port, query, { ef: TRUTH_EF, count: TRUTH_ROWS }));
  }
  const distances = await port.distances(lists);
  const asked: AskedQuery[] = [];
  for (const [query, rows] of lists.entries()) {
    await port.breathe();
    asked.push(new AskedQuery({ query, rows, distances: distances[query]!, ...centroidOrder(port, query) }));
  }
  return asked;
}

/** By codes, without the row that is asked; one more than `count` where that is not among them. `ef`: of a walk, where a scan takes longer. */
export function nearestRows(
  port: ProbeCalibration,
  query: number,
  { ef, count }: { readonly ef: number; readonly count: number },
): Candidates {
  const rows = port.scansFast
    ? port.scan(query, count + 1)
    : port.walk(query, { ef, reach: 0, limit: count + 1 });
  const self = port.rowOf(query);
  return rows.filter((row) => row !== self);
}

/** All leaves, the nearest first, and how far their centroids are, by leaf. */
export function nearestLeaves(
  port: ProbeCalibration,
  query: number,
): { readonly order: Uint32Array; readonly distances: Float32Array } {
  const { leafScan } = port;
  leafScan.prepare(port.vectorOf(query));
  const distances = leafScan.centroidDistances();
  const order = Uint32Array.from(distances, (_, leaf) => leaf).sort(
    (a, b) => distances[a]! - distances[b]! || a - b,
  );
  return { order, distances };
}

function centroidOrder(
  port: ProbeCalibration,
  query: number,
): { readonly centroids: Uint32Array; readonly farther: Float32Array } {
  const { order, distances } = nearestLeaves(port, query);
  const centroids = order.slice(0, LEAVES.at(-1)! * PROBE_ROOM);
  const nearest = distances[centroids[0]!]!;
  return { centroids, farther: Float32Array.from(centroids, (leaf) => distances[leaf]! - nearest) };
}

/** One query: its truth, and the best estimates of the leaves that were scanned so far. */
class AskedQuery {
  readonly #query: number;
  /** Nearest first, and how much farther than the first each is. */
  readonly #centroids: Uint32Array;
  readonly farther: Float32Array;
  #probed = 0;
  /** Exact distances of the nearest rows, ascending. */
  readonly #sorted: Float32Array;
  /** The nearest rows, ascending, so that those of a leaf lie side by side. */
  readonly #rows: Uint32Array;
  /** Of each of them its exact distance, and its estimate once its leaf was scanned. */
  readonly #exact: Float32Array;
  readonly #estimates: Float32Array;
  #best: Ranked = { estimates: new Float32Array(0), rows: new Uint32Array(0) };

  constructor(of: {
    readonly query: number;
    readonly rows: Candidates;
    readonly distances: Float32Array;
    readonly centroids: Uint32Array;
    readonly farther: Float32Array;
  }) {
    this.farther = of.farther;
    this.#query = of.query;
    this.#centroids = of.centroids;
    this.#sorted = of.distances.slice().sort();
    const byRow = of.rows.map((_, i) => i).sort((a, b) => of.rows[a]! - of.rows[b]!);
    this.#rows = byRow.map((i) => of.rows[i]!);
    this.#exact = Float32Array.from(byRow, (i) => of.distances[i]!);
    this.#estimates = new Float32Array(byRow.length).fill(Infinity);
  }

  /** Scans what is in reach and was not before. Requires: no less than the time before. */
  probe(
    port: ProbeCalibration,
    ranking: RankedRows,
    { reach, most }: { readonly reach: number; readonly most: number },
  ): void {
    const { leafScan, leaves, leafStarts } = port;
    const from = this.#probed;
    let to = from;
    while (to < Math.min(most, this.farther.length) && this.farther[to]! <= reach) to++;
    if (to === from) return;
    this.#probed = to;
    leafScan.prepare(port.vectorOf(this.#query));
    leafScan.beginLeaves();
    const self = port.rowOf(this.#query);
    const known = this.#best.estimates;
    const worst = known.length < BEST_MOST ? Infinity : known.at(-1)!;
    for (const leaf of this.#centroids.subarray(from, to)) {
      const { scanned, rows, guests } = leaves[leaf]!;
      const first = leafStarts[leaf]!;
      const estimates = leafScan.leafDistances(scanned, rows, guests.length);
      for (let i = 0; i < estimates.length; i++) {
        if (!(estimates[i]! < worst)) continue;
        const row = i < rows ? first + i : guests[i - rows]!;
        if (row !== self) ranking.add(estimates[i]!, row);
      }
      this.#learn({ first, rows, guests }, estimates);
    }
    this.#best = ranking.rank(this.#best, BEST_MOST);
  }

  /** Of the nearest rows, those of one leaf and its guests. */
  #learn(
    { first, rows, guests }: { readonly first: number; readonly rows: number; readonly guests: Uint32Array },
    estimates: Float32Array,
  ): void {
    const nearest = this.#rows;
    for (let at = lowerBound(nearest, first); at < nearest.length && nearest[at]! < first + rows; at++)
      this.#learnOne(at, estimates[nearest[at]! - first]!);
    for (let at = 0, i = 0; at < nearest.length && i < guests.length;) {
      if (nearest[at] === guests[i]) this.#learnOne(at, estimates[rows + i]!);
      if (nearest[at]! < guests[i]!) at++;
      else i++;
    }
  }

  /** The nearer of two, where a row is the guest of another leaf that is scanned. */
  #learnOne(at: number, estimate: number): void {
    if (estimate < this.#estimates[at]!) this.#estimates[at] = estimate;
  }

  /** Farther than the k-th estimate the last that is kept. */
  slackMost(k: number): number {
    const { estimates } = this.#best;
    return estimates.length <= k ? 0 : estimates.at(-1)! - estimates[k - 1]!;
  }

  /** How many candidates are compared with such a slack. */
  comparedWithin(k: number, slack: number): number {
    const { estimates } = this.#best;
    return upperBound(estimates, (estimates[k - 1] ?? Infinity) + slack);
  }

  /** The share of the k nearest among the candidates that are compared. Rows as near as the k-th count alike. */
  recall(compared: Compared): number {
    const { k } = compared;
    const wanted = Math.min(k, this.#sorted.length);
    if (wanted === 0) return 1;
    const { estimates } = this.#best;
    const last = estimates.length === 0 ? -Infinity : worstCompared(estimates, compared);
    // What was not scanned is at no distance.
    return this.#shareOf(wanted, Math.min(last, Number.MAX_VALUE));
  }

  /** The share of the k nearest that lie in leaves that were scanned. */
  reached(k: number): number {
    const wanted = Math.min(k, this.#sorted.length);
    return wanted === 0 ? 1 : this.#shareOf(wanted, Number.MAX_VALUE);
  }

  /** Of so many of the nearest those of which the estimate is no more than this. */
  #shareOf(wanted: number, last: number): number {
    const worst = this.#sorted[wanted - 1]!;
    let found = 0;
    for (let i = 0; i < this.#exact.length; i++)
      if (this.#exact[i]! <= worst && this.#estimates[i]! <= last) found++;
    return Math.min(found, wanted) / wanted;
  }
}
