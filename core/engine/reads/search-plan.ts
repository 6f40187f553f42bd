/**
 * How the rows that may be answered are searched in one segment, by how many of all rows they are. A pure decision; what turns out
 * on the way is up to whoever carries it out.
 *
 *   scan     the codes of exactly these rows: of few rows cheaper than any walk, and never wrong
 *   masked   a walk of all rows, as much wider as there are fewer that count: where most do
 *   allowed  a walk from one of these rows to the next (wasm/filtered-walk.ts)
 *
 * docs/PERFORMANCE.md has the measurements behind the numbers.
 */
import { limits } from '../../base/limits.js';
import { rankOfAllowed } from '../../index/index.js';
import { BOUNDED_ROOM } from '../segments/index.js';
import type { Effort } from '../segments/index.js';

export type SearchPlan =
  | { readonly kind: 'scan' }
  | { readonly kind: 'masked'; readonly ef: number; readonly reach: number }
  | { readonly kind: 'allowed'; readonly ef: number; readonly reach: number };

/** A candidate of a walk costs as much as the codes of so many rows, one after another. */
const SCANNED_PER_CANDIDATE = 60;
/** Below this share the allowed rows do not hang together, however they are stepped to. */
const WALKED_SHARE_MIN = 0.05;
/** The thinner allowed rows are sown, the more candidates a walk between them needs: by this much in a share of 1. */
const THINNED = 0.03;
/** From this share on, leaving out what is not allowed costs less than stepping over it. */
const MASKED_SHARE_MIN = 0.3;

export interface PlannedSearch {
  readonly rows: number;
  /** Of these. */
  readonly count: number;
  /** Wanted of these. */
  readonly k: number;
}

/** Requires: `effort` is what an unfiltered search would take. */
export function planSearch(
  { rows, count, k }: PlannedSearch,
  effort: Exclude<Effort, { kind: 'exact' }>,
): SearchPlan {
  const share = count / rows;
  if (effort.kind === 'scan' || share < WALKED_SHARE_MIN) return { kind: 'scan' };
  if (share < 1 && count <= effort.ef * SCANNED_PER_CANDIDATE) return { kind: 'scan' };
  const { reach } = effort;
  const wide = (ef: number): number =>
    Math.min(reach === 0 ? ef : ef * BOUNDED_ROOM, limits.walkCandidates, rows);
  if (share >= MASKED_SHARE_MIN) {
    const ef = Math.max(Math.ceil(effort.ef / share), rankOfAllowed(k, share));
    return { kind: 'masked', ef: wide(ef), reach };
  }
  return { kind: 'allowed', ef: wide(Math.ceil(effort.ef * (1 + THINNED / share))), reach };
}
