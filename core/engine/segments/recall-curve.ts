/**
 * How hard a segment must be searched for a recall: chosen by what the segment measured of itself when it was built, for
 * queries that its graph did not yet hold.
 */
import { limits } from '../../base/limits.js';
import { isPlainObject } from '../input/index.js';
import type { WantedEffort } from '../input/index.js';

export interface ScanPoint {
  readonly k: number;
  /** Candidates that are compared exactly. */
  readonly rerank: number;
  readonly recall: number;
  /** Lower end of what the recall may be, given how few queries measured it. */
  readonly lower: number;
}

export interface RecallPoint extends ScanPoint {
  /** Candidates that the walk kept, on average where it was bounded. */
  readonly ef: number;
  /** Bound of the walk (`WalkRequest`), 0 for none. */
  readonly reach: number;
}

export interface RecallCurve {
  readonly samples: number;
  readonly points: readonly RecallPoint[];
  /** Of coarse codes, by which a scan finds not everything either. */
  readonly scans?: readonly ScanPoint[] | undefined;
}

export type Effort =
  | { readonly kind: 'walk'; readonly ef: number; readonly reach: number; readonly rerank: number }
  /** All codes, in order. */
  | { readonly kind: 'scan'; readonly rerank: number }
  /** All raw vectors. */
  | { readonly kind: 'exact' };

export interface EffortRequest {
  readonly k: number;
  readonly wanted: WantedEffort;
  /** The segment has a graph to walk. */
  readonly graph: boolean;
  /** Its codes say little of the order of near rows (`isCoarse`). */
  readonly coarse: boolean;
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
/** Of coarse codes: candidates, and those that are compared exactly, by k. */
const EF_COARSE = 32;
const RERANK_COARSE = 16;
const REACH_MIN = 1.01;
/** A bounded walk keeps as many candidates as are in reach, but not more than this times what they are on average. */
export const BOUNDED_ROOM = 2;
const POINTS_MAX = 1_000;

/** Undefined where the file holds no curve, or none that makes sense: then a search assumes the worst. */
export function tryRecallCurve(value: unknown): RecallCurve | undefined {
  if (!isPlainObject(value)) return undefined;
  const { samples, points, scans = [] } = value as Readonly<Record<string, unknown>>;
  const isList = (list: unknown): list is unknown[] => Array.isArray(list) && list.length <= POINTS_MAX;
  if (typeof samples !== 'number' || !isList(points) || !isList(scans)) return undefined;
  const usable = points.filter(isPoint);
  if (usable.length === 0) return undefined;
  const usableScans = scans.filter(isScanPoint);
  return { samples, points: usable, ...(usableScans.length === 0 ? {} : { scans: usableScans }) };
}

type Point = Readonly<Record<string, unknown>>;

function isPoint(value: unknown): value is RecallPoint {
  if (!isScanPoint(value)) return false;
  const { reach } = value as unknown as Point;
  const bound = reach === 0 || (typeof reach === 'number' && reach >= 1 && reach < Infinity);
  return bound && isCount(value as unknown as Point, 'ef');
}

function isScanPoint(value: unknown): value is ScanPoint {
  if (!isPlainObject(value)) return false;
  const point = value as Point;
  const share = (name: string): boolean => {
    const part = point[name];
    return typeof part === 'number' && part >= 0 && part <= 1;
  };
  return isCount(point, 'k') && isCount(point, 'rerank') && share('recall') && share('lower');
}

function isCount(point: Point, name: string): boolean {
  const count = point[name];
  return typeof count === 'number' && Number.isInteger(count) && count >= 1 && count <= limits.k;
}

/** What was chosen by a curve: most queries of a collection ask for the same. */
const chosenBy = new WeakMap<RecallCurve, Map<string, Effort>>();
const CHOSEN_MOST = 64;

/** The cheapest search that keeps the promise. */
export function chooseEffort(curve: RecallCurve | undefined, request: EffortRequest): Effort {
  if (curve === undefined) return choose(curve, request);
  const { k, wanted, graph } = request;
  let known = chosenBy.get(curve);
  if (known === undefined || known.size === CHOSEN_MOST) chosenBy.set(curve, (known = new Map()));
  const key = `${k} ${graph} ${'ef' in wanted ? wanted.ef : 'targetRecall' in wanted ? -wanted.targetRecall : ''}`;
  let effort = known.get(key);
  if (effort === undefined) known.set(key, (effort = choose(curve, request)));
  return effort;
}

function choose(curve: RecallCurve | undefined, request: EffortRequest): Effort {
  const { k, wanted, graph, coarse } = request;
  if ('exact' in wanted || ('targetRecall' in wanted && wanted.targetRecall === 1)) return EXACT;
  const scan = coarse ? coarseScan(curve, k, wanted) : scanOf(Math.max(4 * k, RERANK_MIN));
  if (!graph) return scan;
  if ('ef' in wanted) {
    const ef = Math.max(wanted.ef, k);
    const reach = curve === undefined ? 0 : reachOf(pointsFor(curve.points, k), ef);
    return { kind: 'walk', ef, reach, rerank: Math.min(ef, rerankDepth(curve, request, ef)) };
  }
  if (curve === undefined) {
    const least = Math.max(EF_WITHOUT_CURVE, (coarse ? EF_COARSE : 4) * k);
    return walkOr(scan, { ef: least, reach: 0, rerank: (coarse ? RERANK_COARSE : 2) * k, k });
  }
  const { targetRecall } = wanted;
  const points = pointsFor(curve.points, k);
  const best = cheapest(points, withHeldBack(targetRecall)) ?? cheapest(points, targetRecall);
  if (best === undefined) return scan;
  const scale = Math.max(1, k / best.k);
  const ef = Math.ceil(best.ef * scale);
  return walkOr(scan, { ef, reach: best.reach, rerank: Math.ceil(best.rerank * scale), k });
}

const EXACT: Effort = { kind: 'exact' };

function scanOf(rerank: number): Effort {
  return { kind: 'scan', rerank: Math.min(rerank, limits.indexHits) };
}

/** What has to be measured for a target, where anything was. */
function withHeldBack(target: number): number {
  return target + HELD_BACK * (1 - target);
}

/** By coarse codes: as deep as it was measured that the target asks for; where nothing was deep enough, all raw vectors. */
function coarseScan(curve: RecallCurve | undefined, k: number, wanted: WantedEffort): Effort {
  const scans = curve?.scans ?? [];
  if (scans.length === 0) return scanOf(EF_COARSE * k);
  const points = pointsFor(scans, k);
  const scale = Math.max(1, k / points[0]!.k);
  if (!('targetRecall' in wanted)) return scanOf(scale * Math.max(...points.map(({ rerank }) => rerank)));
  const margin = withHeldBack(wanted.targetRecall);
  const best =
    shallowest(points, ({ lower }) => lower >= margin) ??
    shallowest(points, ({ lower }) => lower >= wanted.targetRecall) ??
    // A sample that is too small to promise as much has met it.
    shallowest(points, ({ recall }) => recall >= margin);
  const depth = best === undefined ? Infinity : Math.ceil(best.rerank * scale);
  return depth > limits.indexHits ? EXACT : scanOf(Math.max(depth, k));
}

function shallowest(
  points: readonly ScanPoint[],
  isEnough: (point: ScanPoint) => boolean,
): ScanPoint | undefined {
  const enough = points.filter(isEnough);
  return enough.length === 0 ? undefined : enough.reduce((a, b) => (b.rerank < a.rerank ? b : a));
}

/** The bound of a walk of a width that was not measured: it grows by about as much each time the width doubles. */
function reachOf(points: readonly RecallPoint[], ef: number): number {
  const bounded = points.filter(({ reach }) => reach > 0).sort((a, b) => a.ef - b.ef);
  const [narrowest, widest] = [bounded[0], bounded.at(-1)];
  if (narrowest === undefined || widest === undefined || narrowest.ef === widest.ef) return 0;
  const above = bounded.find((point) => point.ef >= ef && point.ef > narrowest.ef) ?? widest;
  const below = bounded.filter((point) => point.ef < above.ef).at(-1)!;
  const doublings = Math.log2(above.ef / below.ef);
  const slope = (above.reach - below.reach) / doublings;
  return Math.max(REACH_MIN, below.reach + slope * Math.log2(ef / below.ef));
}

/** How many of the candidates of such a walk are worth an exact comparison. */
function rerankDepth(curve: RecallCurve | undefined, { k, coarse }: EffortRequest, ef: number): number {
  const fallback = Math.max((coarse ? RERANK_COARSE : 2) * k, RERANK_MIN);
  const measured = curve === undefined ? [] : pointsFor(curve.points, k).filter((point) => point.ef <= ef);
  if (measured.length === 0) return fallback;
  const widest = Math.max(...measured.map((point) => point.ef));
  const depths = measured.filter((point) => point.ef === widest);
  const best = Math.max(...depths.map(({ recall }) => recall));
  const enough = depths.filter(({ recall }) => recall >= best - RERANK_SLACK);
  const { k: of, rerank } = enough.reduce((a, b) => (b.rerank < a.rerank ? b : a));
  return Math.max(k, Math.ceil((rerank * k) / of));
}

/** Those of the next larger k that was measured; of the largest where none is larger. */
function pointsFor<P extends ScanPoint>(points: readonly P[], k: number): readonly P[] {
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
function walkOr(
  scan: Effort,
  { ef, reach, rerank, k }: { ef: number; reach: number; rerank: number; k: number },
): Effort {
  const candidates = Math.max(ef, rerank, k);
  return candidates > limits.walkCandidates
    ? scan
    : { kind: 'walk', ef: candidates, reach, rerank: Math.max(rerank, k) };
}
