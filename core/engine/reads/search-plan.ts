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

export interface MaskedWalk {
  readonly kind: 'masked';
  readonly ef: number;
  readonly reach: number;
  /** Part of the rows around the query that is expected to count. */
  readonly share: number;
}

export type WalkPlan = MaskedWalk | { readonly kind: 'allowed'; readonly ef: number; readonly reach: number };
export type SearchPlan = WalkPlan | { readonly kind: 'scan' };

export type WalkEffort = Exclude<Effort, { kind: 'exact' | 'scan' }>;

/** Rows that are scanned in the time that a candidate of a walk takes: 96 bytes a row or 1,536. */
const SCANNED_PER_CANDIDATE = 64;
/** Below this share the allowed rows do not hang together, however they are stepped to. */
const WALKED_SHARE_MIN = 0.05;
/** The thinner allowed rows are sown, the more candidates a walk between them needs: by this much in a share of 1. */
const THINNED = 0.05;
/** From this share on, leaving out what is not allowed costs less than stepping over it, wherever the query is. */
const MASKED_SHARE_MIN = 0.45;
/** Of rows that are scanned on fewer dimensions, this times as many are compared on all as a walk has candidates. */
const COARSE_ROOM = 2;
const COARSE_LEAST = 128;
/** The same where the filter keeps clear of the query: what is nearest and allowed is at nearly one distance. */
const COARSE_SHUNNED = 2_048;

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
  if (share >= MASKED_SHARE_MIN) return planMasked({ share, k, rows }, effort);
  const { reach } = effort;
  const ef = Math.ceil(effort.ef * (1 + THINNED / share));
  return { kind: 'allowed', ef: widthOf(ef, reach, rows), reach };
}

/** A walk of all rows, of which `share` counts where the query is. */
export function planMasked(
  { share, k, rows }: { readonly share: number; readonly k: number; readonly rows: number },
  { ef, reach }: WalkEffort,
): MaskedWalk {
  const wide = Math.max(Math.ceil(ef / share), rankOfAllowed(k, share));
  return { kind: 'masked', ef: widthOf(wide, reach, rows), reach, share };
}

/** The walk after one of whose candidates only `share` counted; undefined where a scan costs less. */
export function planWider(planned: PlannedSearch, effort: WalkEffort, share: number): MaskedWalk | undefined {
  if (effort.ef * SCANNED_PER_CANDIDATE > planned.count * share) return undefined;
  return planMasked({ ...planned, share }, effort);
}

function widthOf(ef: number, reach: number, rows: number): number {
  return Math.min(reach === 0 ? ef : ef * BOUNDED_ROOM, limits.walkCandidates, rows);
}

/** How many rows of a scan on fewer dimensions are worth comparing on all; undefined: all of them. */
export function coarseOf(
  count: number,
  effort: Exclude<Effort, { kind: 'exact' }>,
  shunned: boolean,
): number | undefined {
  if (effort.kind === 'scan') return undefined;
  const least = Math.max(COARSE_ROOM * effort.ef, shunned ? COARSE_SHUNNED : COARSE_LEAST);
  return count > 2 * least ? least : undefined;
}
