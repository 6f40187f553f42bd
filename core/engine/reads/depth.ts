/**
 * How deep among the candidates of a scan the nearest rows lie. Of coarse codes a segment has measured that, for queries whose nearest
 * rows may all be answered (recall-curve.ts). A filter may leave others, in clusters that are far from the query: their distances are
 * nearly one, and the codes tell them apart worse, because what they are off by grows with the distance between query and cluster.
 * Scalar codes tell near rows apart as long as no value lies so far from the others that all these share a few steps of its dimension.
 * How deep is enough shows when candidates are compared: as long as many of the nearest come from the second half, more are behind it.
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

/** What did not look at all rows that may be answered, as walks and probes, went where near ones are. */
export function isDeepEnough({ visited, estimated, distances, count, k, wanted }: Compared): boolean {
  if (!('targetRecall' in wanted) || visited < count || estimated !== undefined) return true;
  const near = Math.max(k, NEAR);
  if (distances.length < near || distances.length === limits.indexHits) return true;
  return lateOf(distances, near) <= LATE_SHARE * (1 - wanted.targetRecall) * near;
}

/** How many of the nearest come from the second half. One that is as near as one of the first half is not needed. */
function lateOf(distances: Float32Array, near: number): number {
  const farthest = distances.toSorted()[near - 1]!;
  const half = distances.length >> 1;
  let late = 0;
  let early = 0;
  for (let i = 0; i < distances.length; i++) {
    if (i < half) early += Number(distances[i]! <= farthest);
    else late += Number(distances[i]! < farthest);
  }
  return Math.max(late, near - early);
}

/** The next to try: of all that may be answered. */
export function deeper({ rerank }: Exclude<Effort, { kind: 'exact' }>): Exclude<Effort, { kind: 'exact' }> {
  return { kind: 'scan', rerank: Math.min(rerank * DEEPER, limits.indexHits) };
}
