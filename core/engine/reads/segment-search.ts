/**
 * The nearest rows of one segment: candidates by its index, compared exactly by their raw vectors; or all raw vectors.
 * Distances are the kernels' own, so that hits of segments and of the memtable are of one scale, to the bit.
 */
import { andThen, attempt } from '../../base/awaitable.js';
import type { Awaitable } from '../../base/awaitable.js';
import { countBits, rowsOfBitmap, sliceBits } from '../../base/bitmap.js';
import { hasCode } from '../../base/errors.js';
import { limits } from '../../base/limits.js';
import type { CompiledFilter } from '../../filter/index.js';
import type { Metric } from '../../kernel/index.js';
import type { WantedEffort, WantedIndex } from '../input/index.js';
import type { View } from '../memtable/index.js';
import { canBeProbed, chooseEffort, hasCoarseCodes, hasScalarCodes } from '../segments/index.js';
import type {
  BegunSearch,
  Candidates,
  CentroidDistances,
  Effort,
  IndexSearch,
  LoadedIndex,
  SearchGroup,
  SegmentFile,
  SegmentOverlay,
  SegmentStore,
} from '../segments/index.js';
import { segmentMatches } from '../table/index.js';
import type { SegmentMatches, Turns } from '../table/index.js';
import { nearestOfAll, tryProbe } from './cold-search.js';
import { deeper, isDeepEnough } from './depth.js';
import { searchIndex } from './index-search.js';
import type { ProbedPart } from './probed-together.js';
import { coarseOf, planSearch } from './search-plan.js';
import type { SegmentTrace } from './trace.js';

export interface SegmentSearch {
  readonly query: Float32Array;
  /** Of this query. */
  readonly centroids: CentroidDistances;
  readonly metric: Metric;
  readonly k: number;
  readonly wanted: WantedEffort;
  readonly index: WantedIndex;
  /** Segments that are searched at a time where their indexes are not in memory. */
  readonly coldSegments: number;
  readonly filter: CompiledFilter | undefined;
  /** Documents of what is found are read next. */
  readonly documents: boolean;
  /** For this step. */
  readonly view: View;
  /** For later ones: as of a sequence. */
  readonly pinned: View;
  /** Told when the candidates are known. */
  readonly searched: () => void;
  /** Reads of whole files take turns. */
  readonly turns: Turns;
  /** Of what threads are at for this query, where it ends when they have found it. */
  readonly group?: SearchGroup | undefined;
  /** Of this segment, where several are searched. */
  readonly together?: ProbedPart | undefined;
  /** Of this segment, where the query is to be explained. */
  readonly trace?: SegmentTrace | undefined;
}

export interface SegmentHit {
  readonly overlay: SegmentOverlay;
  readonly row: number;
  /** Position in id order: ties within a segment are in that order. */
  readonly rank: number;
  readonly distance: number;
  /** Where it is known. */
  readonly id?: string;
}

export interface SegmentAnswer {
  /** At most k, nearest first, then by id. */
  readonly hits: readonly SegmentHit[];
  /** Vectors compared, coded ones included. */
  readonly rowsScanned: number;
  /** Its index was not asked, but the leaves that are near. */
  readonly probed?: boolean;
}

/** Numbers of all rows that count: fewer are compared in less time than another thread takes to hear of them. */
const WORTH_HANDING_OVER = 65_536;

/** Candidates that are put in order one by one: what `sort` does of so few is mostly calls. */
const FEW = 64;

const NOTHING: SegmentAnswer = { hits: [], rowsScanned: 0 };

/**
 * Begins a search, which lets threads have what they can do of it. What is answered ends it, in this step or a later one, and at once
 * where the index is in memory and nothing else is to be read.
 */
export function beginSegment(
  store: SegmentStore,
  overlay: SegmentOverlay,
  search: SegmentSearch,
): () => Awaitable<SegmentAnswer> {
  const { filter } = search;
  if (filter !== undefined) return beginMatches(store, overlay, { ...search, filter });
  const allowed = overlay.allowed(search.view);
  const count = allowed === undefined ? overlay.segment.file.rows : countBits(allowed);
  return beginAllowed(store, overlay, search, { allowed, count });
}

/** The bitmap may be another one at the next step. */
function beginAllowed(
  store: SegmentStore,
  overlay: SegmentOverlay,
  search: SegmentSearch,
  allowed: Allowed,
): () => Awaitable<SegmentAnswer> {
  // Without threads what is begun is ended in the same step.
  const kept = store.threads === undefined ? allowed : { ...allowed, allowed: allowed.allowed?.slice() };
  const begun = tryBegin(store, overlay, search, kept);
  if (begun === undefined) return () => searchAllowed(store, overlay, search, kept);
  return () => rerank(store, overlay, search, begun.search.candidates(), begun.wanted);
}

interface Begun {
  readonly search: BegunSearch;
  readonly wanted: IndexSearch;
}

/** By threads. A query that is to be explained is searched where its trace is. */
function tryBegin(
  store: SegmentStore,
  overlay: SegmentOverlay,
  search: SegmentSearch,
  { allowed, count }: Allowed,
): Begun | undefined {
  const { query, k, trace } = search;
  if (store.threads === undefined || trace !== undefined) return undefined;
  if (count * query.length < WORTH_HANDING_OVER) return undefined;
  const effort = effortOf(overlay, search);
  if (effort.kind === 'exact' || count <= effort.rerank) return undefined;
  const index = tryIndex(store, overlay.segment.file, search);
  const wanted = { query, k, effort, allowed, count };
  const begun = index?.threaded?.begin(wanted, () => searchIndex(index, wanted, undefined), search.group);
  return begun && { search: begun, wanted };
}

function searchAllowed(
  store: SegmentStore,
  overlay: SegmentOverlay,
  search: SegmentSearch,
  { allowed, count }: Allowed,
  effort: Effort = effortOf(overlay, search),
): Awaitable<SegmentAnswer> {
  const { query, k, trace } = search;
  const { file } = overlay.segment;
  if (count === 0) return NOTHING;
  if (effort.kind === 'exact' || count <= effort.rerank) trace?.planned({ matches: count, plan: 'exact' });
  if (effort.kind === 'exact') {
    const exactly = allowed?.slice();
    return search.turns.run(() => searchExactly(store, overlay, search, exactly));
  }
  // So few that the index could only leave some out.
  if (count <= effort.rerank) return rankAll(store, overlay, search, rowsOfBitmap(allowed, file.rows));
  const index = tryIndex(store, file, search);
  if (index !== undefined) {
    const now = { query, k, effort, allowed, count };
    return rerank(store, overlay, search, searchIndex(index, now, trace), now);
  }
  const later = { query, k, effort, allowed: allowed?.slice(), count };
  const read = search.turns.run(() => searchBesideDocuments(store, overlay, search, later));
  return read
    .then((found) => nearestOfAll(found, search.together))
    .then((found) => rerank(store, overlay, search, found, later));
}

function effortOf({ segment }: SegmentOverlay, { k, wanted, index }: SegmentSearch): Effort {
  const { entry, file, recallCurve } = segment;
  const graph = entry.graph && index !== 'flat';
  return chooseEffort(recallCurve, { k, wanted, graph, coarse: hasCoarseCodes(file) });
}

function tryIndex(
  { residency }: SegmentStore,
  file: SegmentFile,
  { index }: SegmentSearch,
): LoadedIndex | undefined {
  return index === 'ivf' && canBeProbed(file) ? undefined : residency.tryIndex(file);
}

/** What documents are found by is no part of the search: whoever needs what could not be read asks again, and is told. */
async function searchBesideDocuments(
  store: SegmentStore,
  overlay: SegmentOverlay,
  search: SegmentSearch,
  wanted: IndexSearch,
): Promise<Candidates> {
  const prepared = search.documents ? attempt(() => overlay.segment.file.prepareDocuments()) : undefined;
  const told = prepared instanceof Promise ? prepared.catch(() => {}) : undefined;
  const found = await searchRead(store, overlay, search, wanted);
  await told;
  return found;
}

/** Of an index that is not in memory: once it is, or where there is no room for it, as its codes stream by. */
async function searchRead(
  store: SegmentStore,
  { segment }: SegmentOverlay,
  search: SegmentSearch,
  wanted: IndexSearch,
): Promise<Candidates> {
  const { residency, scorer } = store;
  const { file } = segment;
  // What is needed next would else be what there is no room for, each time the index is in.
  scorer.makeReady(file.dimension);
  const probed = await tryProbe(store, { segment, ...wanted }, search);
  if (probed !== undefined) return probed;
  if (!residency.mustStream(file)) {
    try {
      return await residency.withIndex(file, 'ids', (index) => searchIndex(index, wanted, search.trace));
    } catch (error) {
      // Loads of others took the room for as long as this one could wait.
      if (!hasCode(error, 'memory_budget_exceeded') || residency.mayGainRoom) throw error;
    }
  }
  return await streamIndex(residency, file, search, wanted);
}

async function streamIndex(
  residency: SegmentStore['residency'],
  file: SegmentFile,
  { trace }: SegmentSearch,
  { query, k, effort, allowed, count }: IndexSearch,
): Promise<Candidates> {
  const limit = effort.rerank;
  trace?.planned({ matches: count, plan: 'stream', rerank: limit });
  // No walk tells whether a filter keeps clear of the query: where one would have been tried, it may.
  const { rows } = file;
  const shunned = allowed !== undefined && planSearch({ rows, count, k }, effort).kind !== 'scan';
  const coarse = coarseOf(count, effort, shunned);
  const hits = await residency.stream(file, { query, limit, allowed, coarse });
  const ranks = await file.ranksOfRows(hits.rows);
  return {
    rows: hits.rows,
    ranks,
    distances: hits.exact ? hits.distances : undefined,
    visited: hits.visited,
  };
}

function beginMatches(
  store: SegmentStore,
  overlay: SegmentOverlay,
  search: SegmentSearch & { readonly filter: CompiledFilter },
): () => Awaitable<SegmentAnswer> {
  const { pinned, filter, turns, trace } = search;
  const begin = (matches: SegmentMatches): (() => Awaitable<SegmentAnswer>) => {
    trace?.filtered(matches);
    return beginAllowed(store, overlay, search, { allowed: matches.rows, count: matches.count });
  };
  const matches = segmentMatches(overlay, { now: search.view, later: pinned }, filter, turns);
  if (!(matches instanceof Promise)) return begin(matches);
  // Where the end is never asked for, as after a failure of others, this fails in silence.
  matches.catch(() => {});
  return () => matches.then((found) => begin(found)());
}

interface Allowed {
  readonly allowed: Uint8Array | undefined;
  readonly count: number;
}

/** Of rows that no index chose. */
function rankAll(
  store: SegmentStore,
  overlay: SegmentOverlay,
  search: SegmentSearch,
  rows: Uint32Array,
): Awaitable<SegmentAnswer> {
  const { file } = overlay.segment;
  return andThen(file.ranksOfRows(rows), (ranks) =>
    rerank(store, overlay, search, { rows, ranks, visited: 0 }),
  );
}

/** The exact order of candidates. `asked`: what they answer, where there may be nearer rows behind them. */
function rerank(
  store: SegmentStore,
  overlay: SegmentOverlay,
  search: SegmentSearch,
  candidates: Candidates,
  asked?: IndexSearch,
): Awaitable<SegmentAnswer> {
  const compared = distancesOf(store, overlay, search, candidates);
  if (asked === undefined || !mayBeShallow(overlay.segment.file, search, candidates))
    return andThen(compared, (distances) => nearest(overlay, search, candidates, distances));
  // What may be answered is as it was asked in this step alone.
  const kept = compared instanceof Promise ? { ...asked, allowed: asked.allowed?.slice() } : asked;
  return andThen(compared, (distances) => {
    const found = nearest(overlay, search, candidates, distances);
    const { k, wanted } = search;
    if (isDeepEnough({ ...candidates, distances, count: kept.count, k, wanted })) return found;
    const more = searchAllowed(store, overlay, search, kept, deeper(kept.effort));
    return andThen(more, (answer) => ({ ...answer, rowsScanned: answer.rowsScanned + found.rowsScanned }));
  });
}

/** Nothing has measured what scans by scalar codes find, and of those by coarse ones only what they find without a filter. */
function mayBeShallow(file: SegmentFile, { filter }: SegmentSearch, { distances }: Candidates): boolean {
  if (distances !== undefined) return false;
  return hasScalarCodes(file) || (filter !== undefined && hasCoarseCodes(file));
}

function distancesOf(
  store: SegmentStore,
  overlay: SegmentOverlay,
  search: SegmentSearch,
  candidates: Candidates,
): Awaitable<Float32Array> {
  search.searched();
  const { rows } = candidates;
  // Of what was probed, candidates of other segments may all be nearer.
  if (rows.length === 0) return new Float32Array(0);
  if (candidates.distances !== undefined) return candidates.distances;
  const { query, metric } = search;
  const { file } = overlay.segment;
  const distances = store.scorer.tryDistances({
    query,
    metric,
    count: rows.length,
    copy: (part, target, place) => file.tryCopyVectors(rows, part, target, place),
  });
  return distances ?? readDistances(store, file, search, candidates);
}

/** By parts: many rows take a page each, which one read of all would hold together. */
async function readDistances(
  { scorer }: SegmentStore,
  file: SegmentFile,
  { query, metric }: SegmentSearch,
  { rows, reading }: Candidates,
): Promise<Float32Array> {
  const rowBytes = 4 * query.length;
  const step = Math.max(1, Math.floor(limits.rerankReadBytes / (limits.pageBytes + 2 * rowBytes)));
  const distances = new Float32Array(rows.length);
  for (let at = 0; at < rows.length; at += step) {
    const part = rows.subarray(at, at + step);
    const vectors = await file.vectors(part, reading);
    const stored = new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength);
    const read = scorer.tryDistances({
      query,
      metric,
      count: part.length,
      copy: ({ first, count }, target, { at: place, stride }) => {
        for (let i = 0; i < count; i++)
          target.set(stored.subarray((first + i) * rowBytes, (first + i + 1) * rowBytes), place + i * stride);
        return true;
      },
    });
    distances.set(read!, at);
  }
  return distances;
}

function nearest(
  overlay: SegmentOverlay,
  { k }: SegmentSearch,
  { rows, ranks, visited, idOf }: Candidates,
  distances: Float32Array,
): SegmentAnswer {
  const order = inOrder(distances, ranks);
  const hits: SegmentHit[] = [];
  for (let i = 0; i < order.length && i < k; i++) {
    const at = order[i]!;
    hits.push({ overlay, row: rows[at]!, rank: ranks[at]!, distance: distances[at]! });
  }
  const rowsScanned = visited + rows.length;
  if (idOf === undefined) return { hits, rowsScanned };
  return { hits: hits.map((hit) => ({ ...hit, id: idOf(hit.row) })), rowsScanned, probed: true };
}

/** Positions of what is nearest first. Of the codes it is in nearly the same order, in which few have to move. */
function inOrder(distances: ArrayLike<number>, ranks: ArrayLike<number>): readonly number[] {
  const order: number[] = [];
  const compare = (a: number, b: number): number => distances[a]! - distances[b]! || ranks[a]! - ranks[b]!;
  const { length } = ranks;
  if (length > FEW) {
    for (let i = 0; i < length; i++) order.push(i);
    return order.sort(compare);
  }
  for (let i = 0; i < length; i++) {
    let at = i;
    for (; at > 0 && compare(order[at - 1]!, i) > 0; at--) order[at] = order[at - 1]!;
    order[at] = i;
  }
  return order;
}

function nearestFirst(a: SegmentHit, b: SegmentHit): number {
  return a.distance - b.distance || a.rank - b.rank;
}

/** Streams the raw vectors. `allowed` stays as it is while that lasts. */
async function searchExactly(
  store: SegmentStore,
  overlay: SegmentOverlay,
  search: SegmentSearch,
  allowed: Uint8Array | undefined,
): Promise<SegmentAnswer> {
  const { query, metric, k } = search;
  const { file } = overlay.segment;
  let best: readonly { readonly row: number; readonly distance: number }[] = [];
  for await (const { firstRow, vectors } of file.rawChunks(limits.exactChunkBytes)) {
    const count = vectors.length / query.length;
    const mask = allowed === undefined ? undefined : sliceBits(allowed, firstRow, count);
    const { rows, distances } = store.scorer.nearest({ query, metric, vectors, k, allowed: mask });
    const found = rows.map((row, i) => ({ row: firstRow + row, distance: distances[i]! }));
    best = withTies([...best, ...found], k);
  }
  search.searched();
  const ranks = await file.ranksOfRows(Uint32Array.from(best, ({ row }) => row));
  const hits = best.map(({ row, distance }, i) => ({ overlay, row, distance, rank: ranks[i]! }));
  const rowsScanned = allowed === undefined ? file.rows : countBits(allowed);
  return { hits: hits.sort(nearestFirst).slice(0, k), rowsScanned };
}

/** The k nearest and whatever is as far as the last of them: ids decide between those, and ids are not known yet. */
function withTies<T extends { readonly distance: number }>(hits: T[], k: number): readonly T[] {
  hits.sort((a, b) => a.distance - b.distance);
  const worst = hits[k - 1]?.distance;
  return worst === undefined ? hits : hits.filter(({ distance }) => distance <= worst);
}
