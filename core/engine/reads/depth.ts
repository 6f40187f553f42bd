/**
 * How deep among the candidates of coarse codes the nearest rows lie. A segment has measured that of queries whose nearest rows may
 * all be answered (recall-curve.ts). A filter may leave others, in clusters that are far from the query: their distances are nearly
 * one, and the codes tell them apart worse, because what they are off by grows with the distance between query and cluster. How
 * deep is enough then shows when candidates are compared: as long as many of the nearest come from the second half, more are behind it.
 */
import { limits } from '../../base/limits.js';
import type { WantedEffort } from '../input/index.js';
import type { Candidates, Effort } from '../segments/index.js';

/** So many of the nearest tell, where fewer are wanted. */
const NEAR = 10;
/** Of what a target leaves open, so much may still come from the second half: behind that is about as much again. */
const LATE_SHARE = 0.5;
const DEEPER = 4;

export interface Compared extends Pick<Candidates, 'visited' | 'estimated'> {
  /** Of candidates in the order of their codes. */
  readonly distances: Float32Array;
  /** Rows that may be answered. */
  readonly count: number;
  readonly k: number;
  readonly wanted: WantedEffort;
}

/** Of a filter's rows, by coarse codes. What did not look at all of them, as walks and probes, went where near ones are. */
export function isDeepEnough({ visited, estimated, distances, count, k, wanted }: Compared): boolean {
  if (!('targetRecall' in wanted) || visited < count || estimated !== undefined) return true;
  const near = Math.max(k, NEAR);
  if (distances.length < near || distances.length === limits.indexHits) return true;
  const farthest = distances.toSorted()[near - 1]!;
  let late = 0;
  for (let i = distances.length >> 1; i < distances.length; i++) if (distances[i]! <= farthest) late++;
  return late <= LATE_SHARE * (1 - wanted.targetRecall) * near;
}

/** The next to try: of all that may be answered. */
export function deeper({ rerank }: Exclude<Effort, { kind: 'exact' }>): Exclude<Effort, { kind: 'exact' }> {
  return { kind: 'scan', rerank: Math.min(rerank * DEEPER, limits.indexHits) };
}
