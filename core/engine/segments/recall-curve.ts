/**
 * How hard a segment must be searched for a recall: chosen by what the segment measured of itself when it was built, for
 * queries that its graph did not yet hold.
 */
import { limits } from '../../base/limits.js';
import { isPlainObject } from '../input/index.js';
import type { WantedEffort } from '../input/index.js';

export interface RecallPoint {
  readonly k: number;
  readonly ef: number;
  /** Candidates that are compared exactly. */
  readonly rerank: number;
  readonly recall: number;
  /** Lower end of what the recall may be, given how few queries measured it. */
  readonly lower: number;
}

export interface RecallCurve {
  readonly samples: number;
  readonly points: readonly RecallPoint[];
}

export type Effort =
  | { readonly kind: 'walk'; readonly ef: number; readonly rerank: number }
  /** All codes, in order. */
  | { readonly kind: 'scan'; readonly rerank: number }
  /** All raw vectors. */
  | { readonly kind: 'exact' };

export interface EffortRequest {
  readonly k: number;
  readonly wanted: WantedEffort;
  /** The segment has a graph to walk. */
  readonly graph: boolean;
}

const RERANK_MIN = 32;
/** A deeper rerank has to find more than this to be worth its reads. */
const RERANK_SLACK = 0.000_5;
/**
 * How much of what a target leaves open is kept back. Queries from outside are harder than rows that were held out: on
 * arXiv abstracts at ef 96 the rows said 0.990 to 0.993, queries got 0.986 to 0.989.
 */
const HELD_BACK = 0.3;
const EF_WITHOUT_CURVE = 128;
const POINTS_MAX = 1_000;

/** Undefined where the file holds no curve, or none that makes sense: then a search assumes the worst. */
export function tryRecallCurve(value: unknown): RecallCurve | undefined {
  if (!isPlainObject(value)) return undefined;
  const { samples, points } = value as Readonly<Record<string, unknown>>;
  if (typeof samples !== 'number' || !Array.isArray(points) || points.length > POINTS_MAX) return undefined;
  const usable = points.filter(isPoint);
  return usable.length === 0 ? undefined : { samples, points: usable };
}

function isPoint(value: unknown): value is RecallPoint {
  if (!isPlainObject(value)) return false;
  const point = value as Readonly<Record<string, unknown>>;
  const count = (name: string): boolean =>
    Number.isInteger(point[name]) && (point[name] as number) >= 1 && (point[name] as number) <= limits.k;
  const share = (name: string): boolean => {
    const part = point[name];
    return typeof part === 'number' && part >= 0 && part <= 1;
  };
  return count('k') && count('ef') && count('rerank') && share('recall') && share('lower');
}

/** The cheapest search that keeps the promise. */
export function chooseEffort(curve: RecallCurve | undefined, { k, wanted, graph }: EffortRequest): Effort {
  if ('exact' in wanted || ('targetRecall' in wanted && wanted.targetRecall === 1)) return { kind: 'exact' };
  const scan: Effort = { kind: 'scan', rerank: Math.min(Math.max(4 * k, RERANK_MIN), limits.indexHits) };
  if (!graph) return scan;
  if ('ef' in wanted) {
    const ef = Math.max(wanted.ef, k);
    return { kind: 'walk', ef, rerank: Math.min(ef, rerankDepth(curve, k, ef)) };
  }
  if (curve === undefined) return walkOr(scan, { ef: Math.max(EF_WITHOUT_CURVE, 4 * k), rerank: 2 * k, k });
  const { targetRecall } = wanted;
  const points = pointsFor(curve, k);
  const best =
    cheapest(points, targetRecall + HELD_BACK * (1 - targetRecall)) ?? cheapest(points, targetRecall);
  if (best === undefined) return scan;
  const scale = Math.max(1, k / best.k);
  return walkOr(scan, { ef: Math.ceil(best.ef * scale), rerank: Math.ceil(best.rerank * scale), k });
}

/** How many of the candidates of such a walk are worth an exact comparison. */
function rerankDepth(curve: RecallCurve | undefined, k: number, ef: number): number {
  const fallback = Math.max(2 * k, RERANK_MIN);
  const measured = curve === undefined ? [] : pointsFor(curve, k).filter((point) => point.ef <= ef);
  if (measured.length === 0) return fallback;
  const widest = Math.max(...measured.map((point) => point.ef));
  const depths = measured.filter((point) => point.ef === widest);
  const best = Math.max(...depths.map(({ recall }) => recall));
  const enough = depths.filter(({ recall }) => recall >= best - RERANK_SLACK);
  const { k: of, rerank } = enough.reduce((a, b) => (b.rerank < a.rerank ? b : a));
  return Math.max(k, Math.ceil((rerank * k) / of));
}

/** Those of the next larger k that was measured; of the largest where none is larger. */
function pointsFor({ points }: RecallCurve, k: number): readonly RecallPoint[] {
  const measured = points.map((point) => point.k);
  const larger = measured.filter((candidate) => candidate >= k);
  const chosen = larger.length > 0 ? Math.min(...larger) : Math.max(...measured);
  return points.filter((point) => point.k === chosen);
}

function cheapest(points: readonly RecallPoint[], target: number): RecallPoint | undefined {
  let best: RecallPoint | undefined;
  for (const point of points) {
    if (point.lower < target) continue;
    if (best === undefined || point.ef + point.rerank < best.ef + best.rerank) best = point;
  }
  return best;
}

/** A walk with more candidates than a walk may keep is a scan. */
function walkOr(scan: Effort, { ef, rerank, k }: { ef: number; rerank: number; k: number }): Effort {
  const candidates = Math.max(ef, rerank, k);
  return candidates > limits.walkCandidates
    ? scan
    : { kind: 'walk', ef: candidates, rerank: Math.max(rerank, k) };
}
