/**
 * In how many of the leaves that are nearest to a query its nearest rows lie: measured when a segment is built
 * (core/engine/compaction/calibrate-covers.ts), of more neighbours than probes are. For of the rows that a filter lets by the first ten
 * may be as far away as the first thousand of all, and lie in as many leaves.
 */
import { limits } from '../../base/limits.js';
import { isPlainObject } from '../input/index.js';

export interface CoverPoint {
  /** Nearest rows. */
  readonly k: number;
  /** Nearest leaves. */
  readonly leaves: number;
  /** How many of the rows lie in them or are their guests. */
  readonly share: number;
}

const POINTS_MAX = 1_000;
/** More than this is not measured. */
const SHARE_MOST = 0.998;

/** Those that make sense. */
export function coverPoints(statistics: unknown): readonly CoverPoint[] {
  if (!isPlainObject(statistics)) return [];
  const { covers } = statistics as Readonly<Record<string, unknown>>;
  return Array.isArray(covers) && covers.length <= POINTS_MAX ? covers.filter(isPoint) : [];
}

function isPoint(value: unknown): value is CoverPoint {
  if (!isPlainObject(value)) return false;
  const { k, leaves, share } = value as Readonly<Record<string, unknown>>;
  const isCount = (count: unknown): boolean =>
    typeof count === 'number' && Number.isInteger(count) && count >= 1 && count <= limits.segmentRows;
  return isCount(k) && isCount(leaves) && typeof share === 'number' && share >= 0 && share <= 1;
}

export interface CoverWanted {
  /** Of the nearest so many rows of all that the segment has, */
  readonly rank: number;
  /** this share lies in the leaves. */
  readonly share: number;
  /** Of the segment. */
  readonly rows: number;
  readonly leaves: number;
}

/**
 * How many of the nearest leaves are enough. Between numbers of neighbours that were measured, and from the last of them to all rows,
 * which lie in all leaves, leaves grow as a power of the neighbours.
 */
export function leavesThatCover(
  points: readonly CoverPoint[],
  { rank, share, rows, leaves }: CoverWanted,
): number {
  const measured = [...new Set(points.map(({ k }) => k))].sort((a, b) => a - b);
  let below: { readonly k: number; readonly leaves: number } | undefined;
  for (const k of [...measured.filter((of) => of < rows), rows]) {
    const least = k === rows ? leaves : leastOf(points, k, Math.min(share, SHARE_MOST));
    if (least === undefined) continue;
    if (rank <= k) {
      if (below === undefined) return least;
      const between = Math.log(rank / below.k) / Math.log(k / below.k);
      return Math.ceil(below.leaves * (least / below.leaves) ** between);
    }
    below = { k, leaves: least };
  }
  return leaves;
}

function leastOf(points: readonly CoverPoint[], k: number, share: number): number | undefined {
  let least: number | undefined;
  for (const point of points)
    if (point.k === k && point.share >= share && !(point.leaves > least!)) least = point.leaves;
  return least;
}
