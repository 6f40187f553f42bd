/**
 * What is done in a segment whose index is not in memory: the nearest leaves are probed, or the index is loaded first, or, where there
 * is no room for it and nothing else keeps the promise, streamed. Decided by what each reads.
 */
import { hasCode } from '../../base/errors.js';
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
import type {
  Candidates,
  LiveSegment,
  ProbedFile,
  ProbeHits,
  ProbePlan,
  ProbeRequest,
  Room,
  SegmentStore,
} from '../segments/index.js';
import type { ProbedPart } from './probed-together.js';
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

interface Probe {
  readonly file: ProbedFile;
  readonly request: ProbeRequest;
  readonly plan: ProbePlan;
  /** Of the rows that are compared exactly, with what is read around them. */
  readonly rowsBytes: number;
  /** The index may come into memory instead. */
  readonly mayLoad: boolean;
}

/** As much of a search as decides how a segment is read. */
export type ProbeSearch = Pick<
  SegmentSearch,
  'query' | 'centroids' | 'k' | 'wanted' | 'index' | 'coldSegments'
>;

/** Undefined where the index is to be loaded or streamed. Cost: one wave of page reads. */
export async function tryProbe(
  store: SegmentStore,
  cold: ColdSearch,
  search: SegmentSearch,
): Promise<Probed | undefined> {
  const { residency, warmth } = store;
  const { segment, count } = cold;
  try {
    const probe = tryChoose(store, cold, search);
    if (probe === undefined) return undefined;
    const { file, request, plan, rowsBytes, mayLoad } = probe;
    if (mayLoad && warmth.isDue(file)) {
      warmth.loaded(file);
      return undefined;
    }
    const { leaves, rerank } = plan;
    search.trace?.planned({ matches: count, plan: 'probe', leaves: leaves.length, rerank });
    const ofLeaves = waveOf(store, search, plan.bytes);
    const hits = await residency.inReadRoom(Math.max(plan.bytes, ofLeaves.wave.bytes), () =>
      probeLeaves(roomOf(store), file, request, plan, ofLeaves),
    );
    if (mayLoad) warmth.probed(segment, plan.bytes + rowsBytes);
    return { ...hits, reading: { ...waveOf(store, search, rowsBytes), sums: hits.sums } };
  } catch (error) {
    // Not even for one leaf: what may have to wait for room is a matter of the other ways.
    if (hasCode(error, 'memory_budget_exceeded')) return undefined;
    throw error;
  }
}

/**
 * Reads into the page cache the leaves that a probe of the segment will ask for, before it is known which rows are deleted: mostly the
 * same. Undefined where there will be no probe. Cost: as of one.
 */
export function tryProbeAhead(
  store: SegmentStore,
  segment: LiveSegment,
  search: ProbeSearch,
): Promise<unknown> | undefined {
  const { residency, warmth } = store;
  if (residency.isResident(segment.file)) return undefined;
  const probe = tryChoose(store, { segment, allowed: undefined, count: segment.file.rows }, search);
  if (probe === undefined || (probe.mayLoad && warmth.isDue(probe.file))) return undefined;
  const { file, plan } = probe;
  // Beside the list of the log: one more than a host has in flight would wait for one of the others.
  const reading = waveOf(store, search, plan.bytes, 1);
  return residency.inReadRoom(Math.max(plan.bytes, reading.wave.bytes), () =>
    file.leafBlocks(plan.leaves, reading),
  );
}

/** What is compared exactly where candidates of other segments are so, too. Waits until all of them are known. */
export async function nearestOfAll(found: Candidates, together: ProbedPart | undefined): Promise<Candidates> {
  const { estimated, rows, ranks } = found;
  if (estimated === undefined || together === undefined) return found;
  const worst = await together.offer(estimated);
  const farther = estimated.distances.findIndex((distance) => distance > worst);
  return farther < 0
    ? found
    : { ...found, rows: rows.subarray(0, farther), ranks: ranks.subarray(0, farther) };
}

/** Undefined where something else than a probe is to be done. Throws `memory_budget_exceeded`. */
function tryChoose(store: SegmentStore, cold: ColdSearch, search: ProbeSearch): Probe | undefined {
  const { file } = cold.segment;
  const isForced = search.index === 'ivf';
  const mayLoad = !isForced && !store.residency.mustStream(file);
  // As soon read as planned for.
  if (mayLoad && file.residentBytes <= limits.loadedAtOnceBytes) return undefined;
  const planned = tryPlan(store, cold, search);
  if (planned === undefined) return undefined;
  // More than all codes: then all of them are read, loaded or streamed.
  const isWorth = isForced || planned.plan.bytes + planned.rowsBytes < file.residentBytes;
  return isWorth ? { ...planned, mayLoad } : undefined;
}

/** Undefined where the segment has no leaves, or none that keep the promise, or its graph or a scan is asked for. */
function tryPlan(
  store: SegmentStore,
  { segment, allowed, count }: ColdSearch,
  { query, centroids, k, wanted, index }: ProbeSearch,
): Omit<Probe, 'mayLoad'> | undefined {
  const { file, probeCurve, recallCurve } = segment;
  if (index === 'hnsw' || index === 'flat') return undefined;
  if (probeCurve === undefined || !canBeProbed(file)) return undefined;
  const cost = probeCost(file, store.requestsParallel);
  const effort = chooseProbe(probeCurve.probes, { k, target: wantedRecall(recallCurve, k, wanted) }, cost);
  if (effort === undefined) return undefined;
  const request = { query, effort, allowed, count };
  const plan = planLeaves(file, centroids.of(roomOf(store), file), { ...request, covers: probeCurve.covers });
  return plan && { file, request, plan, rowsBytes: plan.rerank * cost.rowBytes };
}

function roomOf({ residency }: SegmentStore): Room {
  return (make) => residency.inRoom(make);
}

type WaveReading = Required<Pick<PageReading, 'wave'>>;

/** Of the budget, so much is read at a time where less is wanted, and so much at most. */
const FILLED_SHARE = 32;
const WAVE_SHARE = 8;
/** Of what is read at a time, so much may be in vain where more is wanted. */
const IN_VAIN_SHARE = 8;

/** What the probes of all segments read makes one wave of requests, with those that are under way. */
function waveOf(
  { requestsParallel, residency }: SegmentStore,
  { coldSegments }: ProbeSearch,
  wanted: number,
  underWay = 0,
): WaveReading {
  const places = Math.min(requestsParallel - underWay, limits.probeWaveRequests);
  const requests = Math.floor(places / coldSegments);
  const { budgetBytes } = residency;
  const filled = Math.min(limits.probeWaveBytes, budgetBytes / FILLED_SHARE) / coldSegments;
  const bytes = Math.floor(
    Math.min(Math.max(filled, wanted + filled / IN_VAIN_SHARE), budgetBytes / WAVE_SHARE),
  );
  return { wave: { requests: Math.max(1, requests), bytes } };
}
