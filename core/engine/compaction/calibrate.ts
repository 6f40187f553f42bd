/**
 * Measures the recall of a graph on rows that it does not hold yet (DESIGN 5): each is asked through walks of growing
 * width, and what the walk and the rerank of its head find is held against the truth. Stored rows as queries would flatter.
 *
 * The truth of a query of few rows is the exact order of the best rows of a scan of every code. Of many rows it is that of the
 * best rows of a wide walk. What that walk itself misses is measured on
 * a few queries, whose truth is the exact order of the best rows of a scan of every code, and taken off all results.
 *
 * Walks for few rows are bounded by the distance of the tenth nearest (WalkRequest): a walk of fixed width goes on as long for
 * a query whose neighbours stand out as for one among many alike.
 *
 * By coarse codes (RaBitQ) near rows lie in little order: of their walks and their scans many more candidates are measured by the
 * rows themselves, and what a scan finds is measured, too. Among all rows lie as many more candidates before a neighbour as there are
 * rows that were held out: so many more are compared.
 *
 * One miss among few queries, or two, may leave no walk for a high recall at k = 1, and every query for it would be a scan. So
 * where a walk has met a recall and the sample is too small to promise it, a larger one decides.
 */
import { limits } from '../../base/limits.js';
import { BOUNDED_ROOM } from '../segments/index.js';
import type { RecallCurve, RecallPoint, ScanPoint } from '../segments/index.js';
import { boundedMean } from './confidence.js';

/** A walk for so many may be bounded by the distance of the tenth. */
const NEAR_KS: readonly number[] = [1, 10];
const FAR_KS: readonly number[] = [100];
const KS: readonly number[] = [...NEAR_KS, ...FAR_KS];
/** What is searched by coarse codes needs the last ones. */
const EFS_FINE: readonly number[] = [16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512];
const EFS_COARSE: readonly number[] = [...EFS_FINE, 768, 1_024, 1_536, 2_048];
/** Queries that say how far the candidates of a walk reach. */
const REACH_QUERIES = 100;
const FACTORS_FINE: readonly number[] = [1, 1.5, 2, 4];
const FACTORS_COARSE: readonly number[] = [...FACTORS_FINE, 8, 16, 32];
const TRUTH_EF = 1_000;
const TRUTH_ROWS = 200;
const SCANNED_QUERIES = 50;
const SCANNED_QUERIES_MAX = 250;
const SCANNED_ROWS = 400;
/** What a curve should be able to promise. */
const PROMISED = 0.99;
/** A wider walk than the one that finds this much of everything need not be measured. */
const GOOD_ENOUGH = 0.999;

/** Rows, nearest first by what the index says. */
export type Candidates = Uint32Array;

export interface Width {
  /** Candidates that the walk keeps at most. */
  readonly ef: number;
  /** Its bound (`WalkRequest`). */
  readonly reach: number;
  /** How many of them are wanted. */
  readonly limit: number;
}

export interface CalibrationPort {
  readonly queries: number;
  /** What is searched is coarse codes (`isCoarse`). */
  readonly coarse: boolean;
  /** How many times as many rows there will be as are searched now. */
  readonly growth: number;
  /** A scan of all codes takes less than a walk that is wide enough for the truth. */
  readonly scansFast: boolean;
  /** The first of the candidates of a walk, as searches walk. */
  walk(query: number, width: Width): Candidates;
  /** The same by the codes that the graph is built on, which are never coarse. */
  walkBuilt(query: number, width: Width): Candidates;
  /** The nearest `count` of all rows, as searches scan. */
  scan(query: number, count: number): Candidates;
  /** The distance of the last of `ef` candidates in that of the tenth; 0 where walks cannot be bounded by that. */
  spread(query: number, ef: number): number;
  /** The nearest `count` of all rows by those codes. */
  scanBuilt(query: number, count: number): Candidates;
  /** Exact distances of rows, one list for each of the first queries, in the order of the list. */
  distances(wanted: readonly Candidates[]): Promise<readonly Float32Array[]>;
  /** Lets others run; throws where the work was called off. */
  breathe(): Promise<void>;
}

/** The nearest rows of a query, and per k the distance up to which a row counts among them. */
interface Truth {
  readonly distanceOf: ReadonlyMap<number, number>;
  readonly sorted: Float32Array;
}

interface Sample {
  readonly queries: number;
  /** How many of them scan all codes. */
  readonly scanned: number;
}

export async function calibrate(port: CalibrationPort): Promise<RecallCurve> {
  const queries = Math.min(port.queries, limits.calibrationQueries);
  const small = await measureCurve(port, { queries, scanned: SCANNED_QUERIES });
  if (queries === port.queries || !small.inDoubt) return small.curve;
  return (await measureCurve(port, { queries: port.queries, scanned: SCANNED_QUERIES_MAX })).curve;
}

async function measureCurve(
  port: CalibrationPort,
  sample: Sample,
): Promise<{ readonly curve: RecallCurve; readonly inDoubt: boolean }> {
  const truths = await findTruths(port, sample);
  const near = await measureWalks(port, { ks: NEAR_KS, bounded: true, queries: sample.queries }, truths);
  // A query has a hundred answers: half of the queries say as much.
  const half = Math.ceil(sample.queries / 2);
  const far = await measureWalks(port, { ks: FAR_KS, bounded: false, queries: half }, truths);
  const scans = port.coarse ? await measureScans(port, sample.queries, truths) : [];
  const points = monotone([...near, ...far]);
  const curve = { samples: sample.queries, points, ...(scans.length === 0 ? {} : { scans }) };
  return { curve, inDoubt: KS.some((k) => isInDoubt(curve.points, k, truths.shareOf(k))) };
}

interface Measured {
  readonly ks: readonly number[];
  /** Walks end within reach. */
  readonly bounded: boolean;
  readonly queries: number;
}

/** Walks of growing width, until one finds nearly everything. */
async function measureWalks(
  port: CalibrationPort,
  { ks, bounded, queries }: Measured,
  truths: Truths,
): Promise<RecallPoint[]> {
  const points: RecallPoint[] = [];
  const factors = factorsOf(port);
  const limit = Math.max(...factors) * Math.max(...ks);
  for (const ef of port.coarse ? EFS_COARSE : EFS_FINE) {
    if (ks.every((k) => k > ef)) continue;
    const reach = bounded ? await reachOf(port, Math.min(queries, REACH_QUERIES), ef) : 0;
    const width = { ef: reach === 0 ? ef : ef * BOUNDED_ROOM, reach, limit };
    const walk = (query: number): Candidates => port.walk(query, width);
    const depthOf = depthsOf(port);
    const measured = measure(ks, await askAll(port, queries, walk), truths, { ef, reach, factors, depthOf });
    points.push(...measured);
    if (isGoodEnough(ks, measured)) break;
  }
  return points;
}

function isGoodEnough(ks: readonly number[], measured: readonly RecallPoint[]): boolean {
  return ks.every((k) => measured.some((point) => point.k === k && point.recall >= GOOD_ENOUGH));
}

async function askAll(
  port: CalibrationPort,
  queries: number,
  ask: (query: number) => Candidates,
): Promise<Candidates[]> {
  const answers: Candidates[] = [];
  for (let query = 0; query < queries; query++) {
    await port.breathe();
    answers.push(ask(query));
  }
  return answers;
}

/** How far `ef` candidates reach on average: so far the walk of any query is to go, which spares the easy ones most of it. */
async function reachOf(port: CalibrationPort, queries: number, ef: number): Promise<number> {
  let sum = 0;
  let said = 0;
  for (let query = 0; query < queries; query++) {
    await port.breathe();
    const spread = port.spread(query, ef);
    if (spread === 0) continue;
    sum += spread;
    said += 1;
  }
  return said * 2 < queries ? 0 : Math.max(1, sum / said);
}

/** The sample's walks have met the recall, and nothing promises it. */
function isInDoubt(points: readonly RecallPoint[], k: number, share: number): boolean {
  const ofK = points.filter((point) => point.k === k);
  return ofK.every(({ lower }) => lower < PROMISED) && ofK.some(({ recall }) => recall / share >= PROMISED);
}

function measure(
  ks: readonly number[],
  walks: readonly Candidates[],
  truths: Truths,
  {
    ef,
    reach,
    factors,
    depthOf,
  }: {
    readonly ef: number;
    readonly reach: number;
    readonly factors: readonly number[];
    readonly depthOf: (rerank: number) => number;
  },
): RecallPoint[] {
  return ks
    .filter((k) => k <= ef)
    .flatMap((k) => {
      const depths = new Set(factors.map((factor) => Math.min(Math.ceil(factor * k), ef)));
      return [...depths].map((rerank) => ({
        ...{ ef, reach, ...foundOf(walks, truths, k, rerank) },
        rerank: depthOf(rerank),
      }));
    });
}

/** What the first `rerank` candidates of each query hold. */
function foundOf(found: readonly Candidates[], truths: Truths, k: number, rerank: number): ScanPoint {
  const recalls = Float64Array.from(found, (rows, query) => recallOf(rows, truths.of[query]!, k, rerank));
  const { mean, lower } = boundedMean(recalls, k);
  const share = truths.shareOf(k);
  return { k, rerank, recall: mean * share, lower: lower * share };
}

function factorsOf({ coarse }: CalibrationPort): readonly number[] {
  return coarse ? FACTORS_COARSE : FACTORS_FINE;
}

/** How deep among all rows is as deep as that among those that are searched now. */
function depthsOf({ coarse, growth }: CalibrationPort): (rerank: number) => number {
  return coarse ? (rerank) => Math.min(Math.ceil(rerank * growth), limits.k) : (rerank) => rerank;
}

/** Scans, from whose candidates more and more are taken. */
async function measureScans(port: CalibrationPort, queries: number, truths: Truths): Promise<ScanPoint[]> {
  const factors = factorsOf(port);
  const most = Math.max(...factors) * Math.max(...KS);
  const scans = await askAll(port, queries, (query) => port.scan(query, most));
  const depthOf = depthsOf(port);
  return KS.flatMap((k) =>
    factors.map((factor) => {
      const rerank = Math.ceil(factor * k);
      return { ...foundOf(scans, truths, k, rerank), rerank: depthOf(rerank) };
    }),
  );
}

/**
 * The share of the k nearest among the first `rerank` candidates: the exact order puts them in front of the others, so
 * that the answer holds every one of them. Rows as near as the k-th count alike.
 */
function recallOf(walk: Candidates, truth: Truth, k: number, rerank: number): number {
  const wanted = Math.min(k, truth.sorted.length);
  if (wanted === 0) return 1;
  const worst = truth.sorted[wanted - 1]!;
  let found = 0;
  const depth = Math.min(rerank, walk.length);
  for (let i = 0; i < depth; i++) {
    const distance = truth.distanceOf.get(walk[i]!);
    if (distance !== undefined && distance <= worst) found++;
  }
  return Math.min(found, wanted) / wanted;
}

interface Truths {
  readonly of: readonly Truth[];
  /** The share of the real k nearest that the truth of the walks holds, on average. */
  shareOf(k: number): number;
}

async function findTruths(port: CalibrationPort, sample: Sample): Promise<Truths> {
  if (port.scansFast) return await scanTruths(port, sample.queries);
  const width = { ef: TRUTH_EF, reach: 0, limit: TRUTH_ROWS };
  const walked = await askAll(port, sample.queries, (query) => port.walkBuilt(query, width));
  const checked = Math.min(sample.scanned, sample.queries);
  const scanned = await askAll(port, checked, (query) => port.scanBuilt(query, SCANNED_ROWS));
  // Both of a query as one list, so that every row is fetched once.
  const lists = walked.map((rows, query) =>
    query < checked ? Uint32Array.from(new Set([...rows, ...scanned[query]!])) : rows,
  );
  const distances = await port.distances(lists);
  const known = lists.map((rows, query) => {
    const of = new Map<number, number>();
    rows.forEach((row, i) => of.set(row, distances[query]![i]!));
    return of;
  });
  // Of these rows alone: what only the other list knows would count as found by walks that nothing was missed against.
  const truthOf = (query: number, rows: Candidates): Truth =>
    truthFrom(rows, (row) => known[query]!.get(row)!);
  const of = walked.map((rows, query) => truthOf(query, rows));
  const real = scanned.map((rows, query) => truthOf(query, rows));
  const shareOf = (k: number): number => {
    if (real.length === 0) return 1;
    const shares = real.map((truth, query) => recallOf(walked[query]!, truth, k, Infinity));
    return shares.reduce((sum, share) => sum + share, 0) / shares.length;
  };
  return { of, shareOf: sharesOf(port, scanned, real, shareOf) };
}

/** The truth of every query by a scan: what its codes know is not missed. */
async function scanTruths(port: CalibrationPort, queries: number): Promise<Truths> {
  const rowsOf = (query: number): number => (query < SCANNED_QUERIES ? SCANNED_ROWS : TRUTH_ROWS);
  const scanned = await askAll(port, queries, (query) => port.scanBuilt(query, rowsOf(query)));
  const distances = await port.distances(scanned);
  const of = scanned.map((rows, query) => truthFrom(rows, (_, i) => distances[query]![i]!));
  const checked = Math.min(SCANNED_QUERIES, queries);
  return { of, shareOf: sharesOf(port, scanned.slice(0, checked), of, () => 1) };
}

/**
 * What is less by as much of the k nearest as scans do not know of. Where a few values lie so far from all others that the codes tell
 * these hardly apart, the nearest lie all over what a scan answers, and behind it: of those in its second half there are about as many
 * behind. What is searched by coarse codes is not what the truth is scanned by.
 */
function sharesOf(
  { coarse }: CalibrationPort,
  scanned: readonly Candidates[],
  truths: readonly Truth[],
  shareOf: (k: number) => number,
): (k: number) => number {
  const shares = new Map(
    KS.map((k) => {
      const late = scanned.reduce((sum, rows, query) => sum + lateShare(rows, truths[query]!, k), 0);
      const unknown = coarse || scanned.length === 0 ? 0 : late / scanned.length;
      return [k, shareOf(k) * (1 - unknown)];
    }),
  );
  return (k) => shares.get(k)!;
}

/** Of the k nearest rows of a scan, the share that comes from its second half; none where it answers all rows that there are. */
function lateShare(rows: Candidates, truth: Truth, k: number): number {
  return rows.length < SCANNED_ROWS ? 0 : 1 - recallOf(rows, truth, k, rows.length >>> 1);
}

function truthFrom(rows: Candidates, distance: (row: number, i: number) => number): Truth {
  const distanceOf = new Map<number, number>();
  rows.forEach((row, i) => distanceOf.set(row, distance(row, i)));
  return { distanceOf, sorted: Float32Array.from(distanceOf.values()).sort() };
}

/**
 * A wider walk, or a deeper rerank, never finds less. Where a sample says otherwise by chance, the lower of the two counts for
 * both: what is promised is held.
 */
function monotone(points: readonly RecallPoint[]): readonly RecallPoint[] {
  return points.map((point) => {
    const above = points.filter(
      ({ k, ef, rerank }) => k === point.k && ef >= point.ef && rerank >= point.rerank,
    );
    const least = (of: (point: RecallPoint) => number): number => Math.min(...above.map(of));
    return { ...point, recall: least(({ recall }) => recall), lower: least(({ lower }) => lower) };
  });
}
