/**
 * How many leaves of a segment must be probed, and how many of their rows compared exactly, for a recall: chosen by what the segment
 * measured when it was built (core/engine/compaction/calibrate-probes.ts), as walks are by its recall curve.
 */
import { limits } from '../../base/limits.js';
import { isPlainObject } from '../input/index.js';
import type { WantedEffort } from '../input/index.js';
import { coversIn } from './cover-curve.js';
import type { Cover } from './cover-curve.js';
import type { RecallCurve } from './recall-curve.js';

export interface ProbePoint {
  readonly k: number;
  /** The nearest ones, that are read whole: so many on average. */
  readonly leaves: number;
  /** How much farther than the nearest a leaf may be, in estimated distances of the segment's own units. */
  readonly reach: number;
  /** Candidates that are compared exactly: so many on average. */
  readonly rerank: number;
  /** How much farther than the k-th nearest one of these may be, in estimated distances of the segment's own units. */
  readonly slack: number;
  /** The share of the nearest rows that lies in the leaves that are read. */
  readonly reached: number;
  /** Lower end of what the recall may be, given how few queries measured it. */
  readonly lower: number;
}

export interface ProbeEffort {
  readonly leaves: number;
  readonly reach: number;
  /** Neighbours for which this was measured, and the share of them that lies in the leaves. */
  readonly neighbours: number;
  readonly reached: number;
  readonly rerank: number;
  readonly compared: Compared;
}

/** Which candidates are compared exactly: estimates say that they may be among the nearest. */
export interface Compared {
  readonly k: number;
  /** How much farther than the k-th nearest. */
  readonly slack: number;
  /** No more of them. */
  readonly most: number;
}

/** The farthest estimate of a candidate that is compared, of ascending ones. */
export function worstCompared(estimates: ArrayLike<number>, { k, slack, most }: Compared): number {
  const kth = estimates[k - 1];
  return kth === undefined ? Infinity : Math.min(kth + slack, estimates[most - 1] ?? Infinity);
}

/** What a probe takes, in bytes. */
export interface ProbeCost {
  readonly leafBytes: number;
  /** Of a row that is compared exactly, with what is read around it. */
  readonly rowBytes: number;
  /** What passes while a request waits, of those that a handler has in flight. */
  readonly requestBytes: number;
}

const POINTS_MAX = 1_000;
/** Leaves that are read lie far apart, a request each. Their rows lie side by side: about so many are in one, with what is between them. */
const ROWS_OF_REQUEST = 3;
/** A probe reads what is within reach, and compares what is within slack, but not more than this times what that is on average. */
export const PROBE_ROOM = 2;
/** As many more are compared where slack is not known. */
const UNKNOWN_SLACK_ROOM = 1.5;
/** What a walk of a width that was not measured is taken to find. */
const RECALL_UNMEASURED = 0.95;

/** Of the leaves of a segment. */
export interface ProbeCurve {
  readonly probes: readonly ProbePoint[];
  readonly covers: readonly Cover[];
}

/** Undefined where the statistics hold none that makes sense: then leaves are not probed. */
export function tryProbeCurve(statistics: unknown): ProbeCurve | undefined {
  if (!isPlainObject(statistics)) return undefined;
  const { probes } = statistics as Readonly<Record<string, unknown>>;
  if (!Array.isArray(probes) || probes.length > POINTS_MAX) return undefined;
  const usable = probes.filter(isPoint);
  return usable.length === 0 ? undefined : { probes: usable, covers: coversIn(statistics) };
}

function isPoint(value: unknown): value is ProbePoint {
  if (!isPlainObject(value)) return false;
  const { k, leaves, reach, rerank, slack, reached, lower } = value as Readonly<Record<string, unknown>>;
  const isCount = (count: unknown, most: number): boolean =>
    typeof count === 'number' && Number.isInteger(count) && count >= 1 && count <= most;
  const isShare = (share: unknown): boolean => typeof share === 'number' && share >= 0 && share <= 1;
  const isFar = (far: unknown): boolean => typeof far === 'number' && far >= 0 && far < Infinity;
  return (
    isShare(lower) &&
    isShare(reached) &&
    isFar(reach) &&
    isFar(slack) &&
    isCount(k, limits.k) &&
    isCount(leaves, limits.segmentRows) &&
    isCount(rerank, limits.indexHits)
  );
}

export interface ProbeWanted {
  readonly k: number;
  readonly target: number;
}

/**
 * The cheapest probe that keeps the promise; undefined where none does. Of the target nothing is held back, as it is for walks: queries from
 * outside found more than the rows that were asked said: of 20,000 abstracts 0.954 at least for 0.95, of as many images 0.957, of three builds.
 */
export function chooseProbe(
  points: readonly ProbePoint[],
  { k, target }: ProbeWanted,
  cost: ProbeCost,
): ProbeEffort | undefined {
  const measured = [...new Set(points.map((point) => point.k))].sort((a, b) => a - b);
  const of = measured.find((candidate) => candidate >= k) ?? measured.at(-1)!;
  const own = points.filter((point) => point.k === of);
  const best = cheapest(own, target, cost);
  if (best === undefined) return undefined;
  const scale = Math.max(1, k / of);
  const rerank = Math.max(k, Math.ceil(best.rerank * scale));
  // Slack was measured for another number of neighbours than is wanted here.
  const isMeasured = scale === 1;
  const most = Math.ceil(rerank * (isMeasured ? PROBE_ROOM : UNKNOWN_SLACK_ROOM));
  if (most > limits.indexHits) return undefined;
  return {
    leaves: best.leaves,
    reach: best.reach,
    neighbours: of,
    reached: best.reached,
    rerank,
    compared: { k, slack: isMeasured ? best.slack : Infinity, most },
  };
}

function cheapest(points: readonly ProbePoint[], target: number, cost: ProbeCost): ProbePoint | undefined {
  let best: ProbePoint | undefined;
  for (const point of points) {
    if (point.lower < target) continue;
    if (best === undefined || probeBytes(point, cost) < probeBytes(best, cost)) best = point;
  }
  return best;
}

function probeBytes(
  effort: Pick<ProbeEffort, 'leaves' | 'rerank'>,
  { leafBytes, rowBytes, requestBytes }: ProbeCost,
): number {
  return (
    effort.leaves * (leafBytes + requestBytes) + effort.rerank * (rowBytes + requestBytes / ROWS_OF_REQUEST)
  );
}

/** The recall that a query wants: of a width of a walk, what such a walk was measured to find. */
export function wantedRecall(curve: RecallCurve | undefined, k: number, wanted: WantedEffort): number {
  if ('exact' in wanted) return 1;
  if ('targetRecall' in wanted) return wanted.targetRecall;
  const measured = (curve?.points ?? []).filter(
    (point) => point.k >= Math.min(k, 100) && point.ef <= wanted.ef,
  );
  return measured.reduce((best, { recall }) => Math.max(best, recall), 0) || RECALL_UNMEASURED;
}
