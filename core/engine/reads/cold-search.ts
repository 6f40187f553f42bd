/**
 * What is done in a segment whose index is not in memory: the nearest leaves are probed, or the index is loaded first, or, where there
 * is no room for it and nothing else keeps the promise, streamed. Decided by what each reads.
 */
import { limits } from '../../base/limits.js';
import type { PageReading } from '../../store/index.js';
import {
  canBeProbed,
  chooseProbe,
  planLeaves,
  probeCost,
  probeLeaves,
  wantedRecall,
} from '../segments/index.js';
import type { LiveSegment, ProbeHits, Room, SegmentStore } from '../segments/index.js';
import type { SegmentSearch } from './segment-search.js';

export interface ColdSearch {
  readonly segment: LiveSegment;
  readonly allowed: Uint8Array | undefined;
  readonly count: number;
}

/** Candidates, and how what is read next of the segment is to be read. */
export interface Probed extends ProbeHits {
  readonly reading: PageReading;
}

/** Undefined where the index is to be loaded or streamed. Cost: one wave of page reads. */
export async function tryProbe(
  { residency, warmth, requestsParallel }: SegmentStore,
  { segment, allowed, count }: ColdSearch,
  { query, k, wanted, index, coldSegments, trace }: SegmentSearch,
): Promise<Probed | undefined> {
  const { file, probePoints, recallCurve } = segment;
  if (probePoints === undefined || !canBeProbed(file) || index === 'hnsw' || index === 'flat')
    return undefined;
  const cost = probeCost(file, limits.pageBytes);
  const effort = chooseProbe(probePoints, { k, target: wantedRecall(recallCurve, k, wanted) }, cost);
  if (effort === undefined) return undefined;
  const request = { query, effort, allowed, count };
  const room: Room = (make) => residency.inRoom(make);
  const plan = planLeaves(room, file, request);
  if (plan === undefined) return undefined;
  const loads = index === 'auto' && !residency.mustStream(file);
  const bytes = plan.bytes + effort.rerank * cost.rowBytes;
  if (loads && (isLoaded(file.residentBytes, bytes) || warmth.isDue(file))) {
    warmth.loaded(file);
    return undefined;
  }
  const { leaves } = plan;
  trace?.planned({ matches: count, plan: 'probe', leaves: leaves.length, rerank: effort.rerank });
  // Those of all segments make one wave.
  const requests = Math.max(
    1,
    Math.floor(Math.min(requestsParallel, limits.probeWaveRequests) / coldSegments),
  );
  const inVain = Math.floor(limits.probeWaveBytes / coldSegments);
  const waveOf = (wanted: number): PageReading => ({ wave: { requests, bytes: wanted + inVain } });
  const hits = await probeLeaves(room, file, request, plan, waveOf(plan.bytes));
  if (loads) warmth.probed(segment, bytes);
  return { ...hits, reading: waveOf(effort.rerank * cost.rowBytes) };
}

/** An index that takes no more than a probe, or so little that reading it takes no longer, is read at once. */
function isLoaded(residentBytes: number, probeBytes: number): boolean {
  return residentBytes <= Math.max(probeBytes, limits.loadedAtOnceBytes);
}
