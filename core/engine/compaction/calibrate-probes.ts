/**
 * Measures what probes of a segment's leaves find (core/engine/segments/probe-curve.ts): rows are asked, the leaves that they are
 * nearest to scanned, and the first of the estimates held against the truth, as the exact order of these would answer. A row is no
 * answer to itself; that it had a part in the centroid of its leaf is one in hundreds.
 *
 * The truth of a query is the exact order of the best rows of a wide walk, or of a scan where that takes less.
 */
import type { LeafScan } from '../../index/index.js';
import { PROBE_ROOM } from '../segments/index.js';
import type { ProbePoint } from '../segments/index.js';
import { boundedMean } from './confidence.js';
import type { Candidates, Width } from './calibrate.js';

const KS: readonly number[] = [1, 10, 100];
const LEAVES: readonly number[] = [
  1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 96, 128, 192, 256, 384, 512,
];
const FACTORS: readonly number[] = [1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32];
const RERANK_MOST = 800;
const TRUTH_EF = 1_000;
const TRUTH_ROWS = 150;
/** More leaves than those by which this much of everything is found need not be measured. */
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
  readonly leaves: ProbedLeaves;
  readonly leafScan: LeafScan;
}

export interface ProbedLeaves {
  readonly leafStarts: Uint32Array;
  scanned(leaf: number): Uint8Array;
  rowsIn(leaf: number): number;
}

export async function calibrateProbes(port: ProbeCalibration): Promise<readonly ProbePoint[]> {
  const asked = await askedQueries(port);
  const points: ProbePoint[] = [];
  const leaves = port.leaves.leafStarts.length;
  for (const level of LEAVES) {
    const wanted = Math.min(level, leaves);
    const reach = reachOf(asked, wanted);
    for (const query of asked) {
      await port.breathe();
      query.probe(port, { reach, most: wanted * PROBE_ROOM });
    }
    const measured = KS.flatMap((k) => pointsOf(asked, k, { leaves: wanted, reach }));
    points.push(...measured);
    if (wanted === leaves) break;
    if (KS.every((k) => measured.some((point) => point.k === k && point.recall >= GOOD_ENOUGH))) break;
  }
  return undominated(points);
}

/** How much farther than the nearest the last of so many leaves is on average: so far the probe of any query goes. */
function reachOf(asked: readonly AskedQuery[], leaves: number): number {
  const sum = asked.reduce((total, query) => total + query.reachOf(leaves), 0);
  return Math.fround(sum / asked.length);
}

interface MeasuredPoint extends ProbePoint {
  readonly recall: number;
}

function pointsOf(
  asked: readonly AskedQuery[],
  k: number,
  probe: Pick<ProbePoint, 'leaves' | 'reach'>,
): MeasuredPoint[] {
  const depths = new Set(FACTORS.map((factor) => Math.min(Math.ceil(factor * k), RERANK_MOST)));
  return [...depths].map((rerank) => {
    const recalls = Float64Array.from(asked, (query) => query.recall(k, rerank));
    const { mean, lower } = boundedMean(recalls, k);
    return { k, ...probe, rerank, recall: mean, lower: Math.floor(lower * 1e4) / 1e4 };
  });
}

/** Only those than which none that takes less of both promises as much. */
function undominated(points: readonly ProbePoint[]): readonly ProbePoint[] {
  const isBetter = (a: ProbePoint, b: ProbePoint): boolean =>
    a.k === b.k && a.leaves <= b.leaves && a.rerank <= b.rerank && a.lower >= b.lower;
  return points
    .filter((point) => !points.some((other) => other !== point && isBetter(other, point)))
    .map(({ k, leaves, reach, rerank, lower }) => ({ k, leaves, reach, rerank, lower }));
}

async function askedQueries(port: ProbeCalibration): Promise<readonly AskedQuery[]> {
  const lists: Candidates[] = [];
  for (let query = 0; query < port.queries; query++) {
    await port.breathe();
    const rows = port.scansFast
      ? port.scan(query, TRUTH_ROWS + 1)
      : port.walk(query, { ef: TRUTH_EF, reach: 0, limit: TRUTH_ROWS + 1 });
    lists.push(rows.filter((row) => row !== port.rowOf(query)));
  }
  const distances = await port.distances(lists);
  const asked: AskedQuery[] = [];
  for (const [query, rows] of lists.entries()) {
    await port.breathe();
    asked.push(new AskedQuery({ query, rows, distances: distances[query]!, ...centroidOrder(port, query) }));
  }
  return asked;
}

function centroidOrder(
  port: ProbeCalibration,
  query: number,
): { readonly centroids: Uint32Array; readonly farther: Float32Array } {
  const { leafScan } = port;
  leafScan.prepare(port.vectorOf(query));
  const distances = leafScan.centroidDistances();
  const centroids = Uint32Array.from(distances, (_, leaf) => leaf)
    .sort((a, b) => distances[a]! - distances[b]! || a - b)
    .slice(0, LEAVES.at(-1)! * PROBE_ROOM);
  const nearest = distances[centroids[0]!]!;
  return { centroids, farther: Float32Array.from(centroids, (leaf) => distances[leaf]! - nearest) };
}

/** One query: its truth, and the best estimates of the leaves that were scanned so far. */
class AskedQuery {
  readonly #query: number;
  /** Nearest first, and how much farther than the first each is. */
  readonly #centroids: Uint32Array;
  readonly #farther: Float32Array;
  #probed = 0;
  /** Exact distances of the nearest rows, ascending. */
  readonly #sorted: Float32Array;
  /** Of each of the nearest rows its exact distance, and its estimate once its leaf was scanned. */
  readonly #truth: Map<number, { readonly exact: number; estimate: number }>;
  #best: Float32Array = new Float32Array(0);

  constructor(of: {
    readonly query: number;
    readonly rows: Candidates;
    readonly distances: Float32Array;
    readonly centroids: Uint32Array;
    readonly farther: Float32Array;
  }) {
    this.#farther = of.farther;
    this.#query = of.query;
    this.#centroids = of.centroids;
    this.#sorted = of.distances.slice().sort();
    this.#truth = new Map(
      Array.from(of.rows, (row, i) => [row, { exact: of.distances[i]!, estimate: Infinity }]),
    );
  }

  reachOf(leaves: number): number {
    return this.#farther[Math.min(leaves, this.#farther.length) - 1]!;
  }

  /** Scans what is in reach and was not before. Requires: no less than the time before. */
  probe(port: ProbeCalibration, { reach, most }: { readonly reach: number; readonly most: number }): void {
    const { leafScan, leaves } = port;
    const from = this.#probed;
    let to = from;
    while (to < Math.min(most, this.#farther.length) && this.#farther[to]! <= reach) to++;
    if (to === from) return;
    this.#probed = to;
    leafScan.prepare(port.vectorOf(this.#query));
    leafScan.beginLeaves();
    const self = port.rowOf(this.#query);
    const fresh: number[] = [];
    const worst = this.#best.length < RERANK_MOST ? Infinity : this.#best.at(-1)!;
    for (const leaf of this.#centroids.subarray(from, to)) {
      const first = leaves.leafStarts[leaf]!;
      const estimates = leafScan.leafDistances(leaves.scanned(leaf), leaves.rowsIn(leaf));
      for (let i = 0; i < estimates.length; i++) {
        if (estimates[i]! < worst && first + i !== self) fresh.push(estimates[i]!);
      }
      for (const [row, known] of this.#truth)
        if (row >= first && row < first + estimates.length) known.estimate = estimates[row - first]!;
    }
    this.#best = Float32Array.from([...this.#best, ...fresh])
      .sort()
      .slice(0, RERANK_MOST);
  }

  /** The share of the k nearest among the first `rerank` estimates. Rows as near as the k-th count alike. */
  recall(k: number, rerank: number): number {
    const wanted = Math.min(k, this.#sorted.length);
    if (wanted === 0) return 1;
    const worst = this.#sorted[wanted - 1]!;
    const last = this.#best[Math.min(rerank, this.#best.length) - 1] ?? -Infinity;
    let found = 0;
    for (const { exact, estimate } of this.#truth.values()) if (exact <= worst && estimate <= last) found++;
    return Math.min(found, wanted) / wanted;
  }
}
