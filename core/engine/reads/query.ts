/**
 * What a query answers, given a state: in the step in which it is asked for, where the segments' part of it is in memory.
 */
import { andThen, attempt } from '../../base/awaitable.js';
import type { Awaitable } from '../../base/awaitable.js';
import { cosineScale, higherIsNearer, scoreOf } from '../../kernel/index.js';
import type { Clock } from '../../base/ports.js';
import type { LogState } from '../../log/index.js';
import { CentroidDistances } from '../segments/index.js';
import type { SearchGroup } from '../segments/index.js';
import { Turns } from '../table/index.js';
import type { Table } from '../table/index.js';
import type { Explanation, Match } from '../interface/index.js';
import type { OrderField, ParsedQuery } from '../input/index.js';
import { tryProbeAhead } from './cold-search.js';
import { selectOrdered } from './ordered.js';
import { AnswerSize, recordBytes, toRecord, vectorBytes } from './projection.js';
import type { StoredRow } from './projection.js';
import { pinned, viewOf } from './read-table.js';
import { memtableRow, rowsAt } from './stored-rows.js';
import { beginTableSearch } from './table-search.js';
import { QueryTrace } from './trace.js';

/** A query with the state that it is asked of; undefined: the newest. */
export interface SeenQuery extends ParsedQuery {
  readonly asOf?: number | undefined;
}

export interface QueryAnswer {
  readonly matches: readonly Match[];
  readonly rowsScanned: number;
  /** Segments that were searched. */
  readonly segments: number;
  /** Of these, those of which leaves were probed. */
  readonly segmentsProbed: number;
  /** By the monotonic clock: when the last candidates were known. */
  readonly searchedMs: number;
  readonly explain?: Explanation | undefined;
}

export interface QueryContext {
  readonly clock: Clock;
  /** Of all queries of the request. */
  readonly size: AnswerSize;
  readonly turns: Turns;
  /** Of a query that ends when threads have found what they can. */
  readonly group?: SearchGroup | undefined;
  /** Of a query that was read ahead for. */
  readonly centroids?: CentroidDistances | undefined;
}

interface ReadAhead {
  /** Never fails. Undefined where nothing is read. */
  readonly ended: Promise<void> | undefined;
  /** What was planned by: the query's own plans need not measure it again. */
  readonly centroids: CentroidDistances;
}

/**
 * Takes what it needs of the state and lets threads have what they can do; what is answered ends the query. Requires: a table that is
 * caught up. `vector` is what is asked: the query's own, or that of the record it names.
 */
export function beginQuery(
  state: LogState<Table>,
  query: SeenQuery,
  vector: Float32Array,
  { clock, size, turns, group, centroids }: QueryContext,
): () => Awaitable<QueryAnswer> {
  const table = state.sink;
  const { metric, dimension } = table.schema;
  const { projection, scoreBound } = query;
  const view = viewOf(state, query, clock.wallMs());
  const later = pinned(view, state);
  const scale = metric === 'cosine' ? cosineScale(squaredNorm(vector)) : 1;
  const within = (distance: number): boolean => {
    if (scoreBound === undefined) return true;
    const score = scoreOf(metric, distance, scale);
    return higherIsNearer(metric) ? score >= scoreBound : score <= scoreBound;
  };
  let searchedMs = 0;
  const trace = query.explain ? new QueryTrace(clock) : undefined;
  const copied = new AnswerSize();
  const end = beginTableSearch(table, {
    query: vector,
    centroids,
    k: query.k,
    wanted: query.effort,
    index: query.index,
    filter: query.filter,
    documents: projection.metadata.length > 0,
    view,
    pinned: later,
    within,
    copy: (row): StoredRow => {
      copied.add(vectorBytes(dimension, projection));
      return memtableRow(table.memtable, row, view, projection);
    },
    searched: () => (searchedMs = clock.monotonicMs()),
    turns,
    group,
    trace,
  });
  return () =>
    andThen(end(), ({ hits, rowsScanned, segments, segmentsProbed }) => {
      const places = hits.map(({ at }) => at);
      return andThen(rowsAt(table, places, later, projection), (rows) => ({
        matches: rows.map((row, i): Match => {
          size.add(recordBytes(row));
          return toRecord(row, projection, scoreOf(metric, hits[i]!.distance, scale));
        }),
        rowsScanned,
        segments,
        segmentsProbed,
        searchedMs,
        explain: trace?.explanation(),
      }));
    });
}

/**
 * Begins to read what a query will read of segments that are open, while the log is still read: leaves of those that it will probe, and
 * what their documents are found by. Undefined where nothing is known of it yet. Fails in silence: what could not be read is asked for again.
 */
export function readAhead(table: Table, query: ParsedQuery): ReadAhead | undefined {
  const { vector, effort, filter, order, projection } = query;
  if (vector === undefined || filter !== undefined || order !== undefined || 'exact' in effort)
    return undefined;
  const overlays = table.overlays.slice(0, Turns.lanes);
  const centroids = new CentroidDistances(vector);
  const search = {
    query: vector,
    centroids,
    k: query.k,
    wanted: effort,
    index: query.index,
    coldSegments: overlays.length,
  };
  const reads = overlays.flatMap(({ segment }) => {
    const leaves = attempt(() => tryProbeAhead(table.store, segment, search));
    if (leaves === undefined) return [];
    return projection.metadata.length > 0 ? [leaves, segment.file.prepareDocuments()] : [leaves];
  });
  const ended = reads.length === 0 ? undefined : table.during(allSettled(reads));
  return { ended, centroids };
}

async function allSettled(reads: readonly Awaitable<unknown>[]): Promise<void> {
  await Promise.allSettled(reads);
}

/**
 * The first k records in an order by their fields. Nothing is measured, so none has a score. Requires: a table that is
 * caught up.
 */
export function answerOrderedQuery(
  state: LogState<Table>,
  query: SeenQuery,
  order: readonly OrderField[],
  { clock, size, turns }: QueryContext,
): Awaitable<QueryAnswer> {
  const table = state.sink;
  const { filter, projection, k } = query;
  const view = viewOf(state, query, clock.wallMs());
  const later = pinned(view, state);
  const segments = table.overlays.length;
  const request = { filter, view, order, after: undefined, limit: k, projection, turns };
  return andThen(selectOrdered(state, request), (selected) => {
    const searchedMs = clock.monotonicMs();
    const places = selected.slice(0, k).map(({ bytes, at }) => {
      // Whoever has no place came after more than an answer takes.
      size.add(bytes);
      return at!;
    });
    return andThen(rowsAt(table, places, later, projection), (rows) => ({
      matches: rows.map((row): Match => toRecord(row, projection)),
      rowsScanned: 0,
      segments,
      segmentsProbed: 0,
      searchedMs,
    }));
  });
}

function squaredNorm(vector: Float32Array): number {
  return vector.reduce((sum, value) => sum + value * value, 0);
}
