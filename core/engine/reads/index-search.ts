/**
 * Candidates of one index in memory: how it is searched, and what it finds. A function of the index and the request alone, so that it
 * is the same in whatever thread it runs.
 */
import type { Hits, SearchIndex } from '../../index/index.js';
import type { Candidates, IndexSearch, LoadedIndex } from '../segments/index.js';
import { coarseOf, planMasked, planSearch, planWider } from './search-plan.js';
import type { MaskedWalk, PlannedSearch, WalkEffort, WalkPlan } from './search-plan.js';
import type { SegmentTrace } from './trace.js';

/** Where walks find too little all codes of the allowed rows are scanned. */
export function searchIndex(
  { index, rankOfRow }: Pick<LoadedIndex, 'index' | 'rankOfRow'>,
  { query, k, effort, allowed, count }: IndexSearch,
  trace: SegmentTrace | undefined,
): Candidates {
  const limit = effort.rerank;
  const planned = { rows: index.shape.rows, count, k };
  const plan = planSearch(planned, effort);
  const walks = plan.kind !== 'scan' && effort.kind !== 'scan';
  if (!walks) trace?.planned({ matches: count, plan: 'scan', rerank: limit });
  let { hits, visited } = walks
    ? walkIndex(index, plan, { query, limit, allowed, planned, effort, trace })
    : NOT_WALKED;
  if (hits === undefined) {
    if (walks) trace?.gaveUp();
    hits = index.scan({ query, limit, allowed, coarse: coarseOf(count, effort, walks) });
    visited += hits.visited;
  }
  // In this step: the memory that the index lies in may go at the next.
  const ranks = new Uint32Array(hits.rows.length);
  for (let i = 0; i < ranks.length; i++) ranks[i] = rankOfRow[hits.rows[i]!]!;
  return { rows: hits.rows, ranks, distances: hits.exact ? hits.distances : undefined, visited };
}

interface IndexWalk {
  readonly query: Float32Array;
  readonly limit: number;
  readonly allowed: Uint8Array | undefined;
  readonly planned: PlannedSearch;
  readonly effort: WalkEffort;
  readonly trace: SegmentTrace | undefined;
}

interface Walked {
  /** Undefined where they would have been too few, or not the nearest. */
  readonly hits: Hits | undefined;
  readonly visited: number;
}

const NOT_WALKED: Walked = { hits: undefined, visited: 0 };

function walkIndex(index: SearchIndex, plan: WalkPlan, walk: IndexWalk): Walked {
  if (plan.kind === 'masked') return walkMasked(index, plan, walk);
  const { query, limit, planned, effort, trace } = walk;
  const { rows, count } = planned;
  const { ef, reach } = plan;
  trace?.planned({ matches: count, plan: 'filtered_walk', ef, rerank: limit });
  const allowed = walk.allowed!;
  const walked = index.walkAllowed({ query, ef, limit, reach, allowed, allowedCount: count, budget: count });
  if (walked.hits !== undefined || walked.share <= count / rows) return walked;
  // What is around the query is what the filter seeks.
  const masked = walkMasked(index, planMasked({ ...planned, share: walked.share }, effort), walk);
  return { hits: masked.hits, visited: walked.visited + masked.visited };
}

/** Where fewer of the candidates count than should, there may be nearer ones elsewhere: the walk is made as wide as that takes. */
function walkMasked(index: SearchIndex, first: MaskedWalk, walk: IndexWalk): Walked {
  const { query, limit, allowed, planned, effort, trace } = walk;
  const { rows, count, k } = planned;
  let visited = 0;
  for (let plan: MaskedWalk | undefined = first; plan !== undefined;) {
    const { ef, reach, share } = plan;
    trace?.planned({ matches: count, plan: 'walk', ef, rerank: limit });
    const hits = index.walk({ query, ef, limit, allowed, allowedCount: share * rows, reach });
    visited += hits.visited;
    const isEnough = hits.rows.length >= Math.min(k, count) && hits.share >= share / 2;
    if (isEnough) return { hits, visited };
    plan = planWider(planned, effort, Math.min(hits.share, share / 2));
  }
  return { hits: undefined, visited };
}
