/**
 * Measures the recall of a graph on rows that it does not hold yet (DESIGN 5): each is asked through walks of growing
 * width, and what the walk and the rerank of its head find is held against the truth. Stored rows as queries would flatter.
 *
 * The truth of all queries is the exact order of the best rows of a wide walk. What that walk itself misses is measured on
 * a few queries, whose truth is the exact order of the best rows of a scan of every code, and taken off all results.
 *
 * One miss among few queries, or two, may leave no walk for a high recall at k = 1, and every query for it would be a scan. So
 * where a walk has met a recall and the sample is too small to promise it, a larger one decides.
 */
import { limits } from '../../base/limits.js';
import type { RecallCurve, RecallPoint } from '../segments/index.js';
import { boundedMean } from './confidence.js';

const KS: readonly number[] = [1, 10, 100];
const EFS: readonly number[] = [16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512];
const RERANK_FACTORS: readonly number[] = [1, 2, 4];
const TRUTH_EF = 1_000;
const TRUTH_ROWS = 200;
const SCANNED_QUERIES = 50;
const SCANNED_QUERIES_MAX = 250;
const SCANNED_ROWS = 400;
/** What a curve should be able to promise. */
const PROMISED = 0.99;
/** A wider walk than the one that finds this much of everything need not be measured. */
const GOOD_ENOUGH = 0.999;
/** Walks between two breaths of the event loop. */
const BREATH = 1;

/** Rows, nearest first by what the index says. */
export type Candidates = Uint32Array;

export interface CalibrationPort {
  readonly queries: number;
  /** The candidates of a walk of width `ef`. */
  walk(query: number, ef: number): Candidates;
  /** The nearest `count` of every code. */
  scan(query: number, count: number): Candidates;
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
  const points: RecallPoint[] = [];
  for (const ef of EFS) {
    const walks: Candidates[] = [];
    for (let query = 0; query < sample.queries; query++) {
      if (query % BREATH === 0) await port.breathe();
      walks.push(port.walk(query, ef));
    }
    const measured = measure(walks, truths, ef);
    points.push(...measured);
    const enough = KS.every((k) => measured.some((point) => point.k === k && point.recall >= GOOD_ENOUGH));
    if (enough) break;
  }
  const curve = { samples: sample.queries, points: monotone(points) };
  return { curve, inDoubt: KS.some((k) => isInDoubt(curve.points, k, truths.shareOf(k))) };
}

/** The sample's walks have met the recall, and nothing promises it. */
function isInDoubt(points: readonly RecallPoint[], k: number, share: number): boolean {
  const ofK = points.filter((point) => point.k === k);
  return ofK.every(({ lower }) => lower < PROMISED) && ofK.some(({ recall }) => recall / share >= PROMISED);
}

function measure(walks: readonly Candidates[], truths: Truths, ef: number): RecallPoint[] {
  return KS.filter((k) => k <= ef).flatMap((k) => {
    const depths = new Set(RERANK_FACTORS.map((factor) => Math.min(factor * k, ef)));
    return [...depths].map((rerank): RecallPoint => {
      const recalls = Float64Array.from(walks, (walk, query) => recallOf(walk, truths.of[query]!, k, rerank));
      const { mean, lower } = boundedMean(recalls, k);
      const share = truths.shareOf(k);
      return { k, ef, rerank, recall: mean * share, lower: lower * share };
    });
  });
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
  const walked: Candidates[] = [];
  const scanned: Candidates[] = [];
  for (let query = 0; query < sample.queries; query++) {
    if (query % BREATH === 0) await port.breathe();
    walked.push(port.walk(query, TRUTH_EF).slice(0, TRUTH_ROWS));
  }
  const checked = Math.min(sample.scanned, sample.queries);
  for (let query = 0; query < checked; query++) {
    if (query % BREATH === 0) await port.breathe();
    scanned.push(port.scan(query, SCANNED_ROWS));
  }
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
  const truthOf = (query: number, rows: Candidates): Truth => {
    const sorted = Float32Array.from(rows, (row) => known[query]!.get(row)!).sort();
    return { distanceOf: known[query]!, sorted };
  };
  const of = walked.map((rows, query) => truthOf(query, rows));
  const real = scanned.map((rows, query) => truthOf(query, rows));
  const shareOf = (k: number): number => {
    if (real.length === 0) return 1;
    const shares = real.map((truth, query) => recallOf(walked[query]!, truth, k, Infinity));
    return shares.reduce((sum, share) => sum + share, 0) / shares.length;
  };
  const shares = new Map(KS.map((k) => [k, shareOf(k)]));
  return { of, shareOf: (k) => shares.get(k)! };
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
