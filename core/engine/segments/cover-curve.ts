/**
 * In how many of the leaves that are nearest to a query its nearest rows lie: measured when a segment is built
 * (core/engine/compaction/calibrate-covers.ts), of more neighbours than probes are. For of the rows that a filter lets by the first ten
 * may be as far away as the first thousand of all, and lie in as many leaves.
 */
import { limits } from '../../base/limits.js';
import { isPlainObject } from '../input/index.js';

export interface Cover {
  /** Nearest rows. */
  readonly k: number;
  /** Nearest leaves: more of them, which hold a larger share of the rows, or have them as guests. */
  readonly leaves: readonly number[];
  readonly shares: readonly number[];
}

const COVERS_MAX = 16;
const LEVELS_MAX = 200;
/** To what share a cover goes. */
export const SHARE_MOST = 0.998;

/** Those that make sense, by ascending neighbours. */
export function coversIn(statistics: unknown): readonly Cover[] {
  if (!isPlainObject(statistics)) return [];
  const { covers } = statistics as Readonly<Record<string, unknown>>;
  if (!Array.isArray(covers) || covers.length > COVERS_MAX) return [];
  return covers.filter(isCover).sort((a, b) => a.k - b.k);
}

function isCover(value: unknown): value is Cover {
  if (!isPlainObject(value)) return false;
  const { k, leaves, shares } = value as Readonly<Record<string, unknown>>;
  const isCount = (count: unknown): boolean =>
    typeof count === 'number' && Number.isInteger(count) && count >= 1 && count <= limits.segmentRows;
  const isShare = (share: unknown): boolean => typeof share === 'number' && share >= 0 && share <= 1;
  const areLevels = Array.isArray(leaves) && leaves.length <= LEVELS_MAX && leaves.every(isCount);
  return isCount(k) && areLevels && Array.isArray(shares) && shares.every(isShare);
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
  covers: readonly Cover[],
  { rank, share, rows, leaves }: CoverWanted,
): number {
  const all: Cover = { k: rows, leaves: [leaves], shares: [1] };
  let below: { readonly k: number; readonly leaves: number } | undefined;
  for (const cover of [...covers.filter(({ k }) => k < rows), all]) {
    const { k } = cover;
    const least = leastOf(cover, share);
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

function leastOf({ leaves, shares }: Cover, share: number): number | undefined {
  return leaves[shares.findIndex((of) => of >= Math.min(share, SHARE_MOST))];
}
