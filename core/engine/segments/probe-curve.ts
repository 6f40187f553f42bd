/**
 * How many leaves of a segment must be probed, and how many of their rows compared exactly, for a recall: chosen by what the segment
 * measured when it was built (core/engine/compaction/calibrate-probes.ts), as walks are by its recall curve.
 */
import { limits } from '../../base/limits.js';
import { isPlainObject } from '../input/index.js';
import type { WantedEffort } from '../input/index.js';
import { withHeldBack } from './recall-curve.js';
import type { RecallCurve } from './recall-curve.js';

export interface ProbePoint {
  readonly k: number;
  /** The nearest ones, that are read whole: so many on average. */
  readonly leaves: number;
  /** How much farther than the nearest a leaf may be, in estimated distances of the segment's own units. */
  readonly reach: number;
  /** Candidates that are compared exactly. */
  readonly rerank: number;
  /** Lower end of what the recall may be, given how few queries measured it. */
  readonly lower: number;
}

export interface ProbeEffort {
  readonly leaves: number;
  readonly reach: number;
  readonly rerank: number;
}

/** What a probe takes, in bytes. */
export interface ProbeCost {
  readonly leafBytes: number;
  /** Of a row that is compared exactly, with what is read around it. */
  readonly rowBytes: number;
}

const POINTS_MAX = 1_000;
/** A probe reads what is within reach, but not more than this times what that is on average. */
export const PROBE_ROOM = 2;
/** What a walk of a width that was not measured is taken to find. */
const RECALL_UNMEASURED = 0.95;

/** Undefined where the statistics hold none that make sense: then leaves are not probed. */
export function tryProbePoints(statistics: unknown): readonly ProbePoint[] | undefined {
  if (!isPlainObject(statistics)) return undefined;
  const { probes } = statistics as Readonly<Record<string, unknown>>;
  if (!Array.isArray(probes) || probes.length > POINTS_MAX) return undefined;
  const usable = probes.filter(isPoint);
  return usable.length === 0 ? undefined : usable;
}

function isPoint(value: unknown): value is ProbePoint {
  if (!isPlainObject(value)) return false;
  const { k, leaves, reach, rerank, lower } = value as Readonly<Record<string, unknown>>;
  const isCount = (count: unknown, most: number): boolean =>
    typeof count === 'number' && Number.isInteger(count) && count >= 1 && count <= most;
  const isShare = typeof lower === 'number' && lower >= 0 && lower <= 1;
  const isReach = typeof reach === 'number' && reach >= 0 && reach < Infinity;
  return (
    isShare &&
    isReach &&
    isCount(k, limits.k) &&
    isCount(leaves, limits.segmentRows) &&
    isCount(rerank, limits.indexHits)
  );
}

/** The cheapest probe that keeps the promise; undefined where none does. */
export function chooseProbe(
  points: readonly ProbePoint[],
  { k, target }: { readonly k: number; readonly target: number },
  cost: ProbeCost,
): ProbeEffort | undefined {
  const measured = [...new Set(points.map((point) => point.k))].sort((a, b) => a - b);
  const of = measured.find((candidate) => candidate >= k) ?? measured.at(-1)!;
  const own = points.filter((point) => point.k === of);
  const best = cheapest(own, withHeldBack(target), cost) ?? cheapest(own, target, cost);
  if (best === undefined) return undefined;
  const scale = Math.max(1, k / of);
  const rerank = Math.max(k, Math.ceil(best.rerank * scale));
  if (rerank > limits.indexHits) return undefined;
  return { leaves: Math.ceil(best.leaves * scale), reach: scale === 1 ? best.reach : Infinity, rerank };
}

function cheapest(points: readonly ProbePoint[], target: number, cost: ProbeCost): ProbePoint | undefined {
  let best: ProbePoint | undefined;
  for (const point of points) {
    if (point.lower < target) continue;
    if (best === undefined || probeBytes(point, cost) < probeBytes(best, cost)) best = point;
  }
  return best;
}

function probeBytes(effort: Omit<ProbeEffort, 'reach'>, { leafBytes, rowBytes }: ProbeCost): number {
  return effort.leaves * leafBytes + effort.rerank * rowBytes;
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
