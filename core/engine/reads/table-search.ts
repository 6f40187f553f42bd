/**
 * The nearest records of a state, out of the memtable and of every segment. The memtable is searched in the step that the
 * state is given out in, and what is needed of its hits is copied; segments may take longer.
 */
import { andThen, startAll } from '../../base/awaitable.js';
import type { Awaitable } from '../../base/awaitable.js';
import { compareUtf8 } from '../../base/bytes.js';
import type { Row } from '../../base/ids.js';
import type { CompiledFilter } from '../../filter/index.js';
import { exactSearch } from '../memtable/index.js';
import type { View } from '../memtable/index.js';
import type { WantedEffort, WantedIndex } from '../input/index.js';
import { CentroidDistances } from '../segments/index.js';
import type { SearchGroup, SegmentOverlay } from '../segments/index.js';
import { Turns } from '../table/index.js';
import type { Table } from '../table/index.js';
import { beginSegment } from './segment-search.js';
import type { SegmentAnswer, SegmentHit, SegmentSearch } from './segment-search.js';
import { ProbedTogether } from './probed-together.js';
import type { ProbedPart } from './probed-together.js';
import type { RowPlace } from './stored-rows.js';
import type { QueryTrace } from './trace.js';

export interface TableSearch<M> {
  readonly query: Float32Array;
  /** Of this query, where leaves were planned for it before. */
  readonly centroids?: CentroidDistances | undefined;
  readonly k: number;
  readonly wanted: WantedEffort;
  readonly index: WantedIndex;
  readonly filter: CompiledFilter | undefined;
  /** Documents of what is found are read next. */
  readonly documents: boolean;
  readonly view: View;
  /** The same as of a sequence, for what happens in later ticks. */
  readonly pinned: View;
  /** Whether a hit at this kernel distance counts. */
  readonly within: (distance: number) => boolean;
  /** What is copied of a hit of the memtable. */
  readonly copy: (row: Row) => M;
  /** Told when the candidates of a segment are known. */
  readonly searched: () => void;
  readonly turns: Turns;
  readonly group?: SearchGroup | undefined;
  /** Where the query is to be explained. */
  readonly trace: QueryTrace | undefined;
}

/** A record and its kernel distance. */
export interface TableHit<M> {
  readonly id: string;
  readonly distance: number;
  readonly at: RowPlace<M>;
}

export interface TableAnswer<M> {
  /** At most k, nearest first, then by id. */
  readonly hits: readonly TableHit<M>[];
  readonly rowsScanned: number;
  readonly segments: number;
  /** Of these, those of which leaves were probed. */
  readonly segmentsProbed: number;
}

/**
 * Begins a search: what the memtable holds is found, and threads have what they can do of the segments. What is answered ends it.
 * Requires: a table that is caught up.
 */
export function beginTableSearch<M>(table: Table, search: TableSearch<M>): () => Awaitable<TableAnswer<M>> {
  const { memtable, overlays } = table;
  const { query, k, view, filter, within } = search;
  const { metric } = table.schema;
  const found = exactSearch(memtable, { query, k, view, filter: filter?.test });
  const near = found.hits
    .filter(({ distance }) => within(distance))
    .map(({ row, distance }): TableHit<M> => ({
      id: memtable.id(row),
      distance,
      at: { copy: search.copy(row) },
    }));
  const { trace } = search;
  trace?.memtable({ rows: memtable.rowCount, rowsVisited: found.rowsScanned, hits: near.length });
  if (overlays.length === 0)
    return () => ({ hits: near, rowsScanned: found.rowsScanned, segments: 0, segmentsProbed: 0 });
  // Field by field: a spread of so many costs as much as a walk of one node.
  const segmentSearch: SegmentSearch = {
    query,
    centroids: search.centroids ?? new CentroidDistances(query),
    metric,
    k,
    wanted: search.wanted,
    index: search.index,
    coldSegments: Math.min(overlays.length, Turns.lanes),
    filter,
    documents: search.documents,
    view,
    pinned: search.pinned,
    searched: search.searched,
    turns: search.turns,
    group: search.group,
  };
  const { residency } = table.store;
  const together =
    overlays.length > 1 && overlays.some(({ segment }) => !residency.isResident(segment.file))
      ? new ProbedTogether(overlays.length)
      : undefined;
  const begun = overlays.map((overlay): (() => Awaitable<SegmentAnswer>) => {
    if (trace !== undefined)
      return () =>
        searchTraced(table, overlay, {
          ...segmentSearch,
          trace: trace.segment(overlay),
          together: together?.part(),
        });
    if (together === undefined) return beginSegment(table.store, overlay, segmentSearch);
    const part = together.part();
    const end = beginSegment(table.store, overlay, { ...segmentSearch, together: part });
    return () => ending(part, end());
  });
  return () => andThen(startAll(begun), (segments) => merge(near, segments, found.rowsScanned, search));
}

/** The others wait for what this segment offers, until it has an answer or has failed. */
function ending(part: ProbedPart | undefined, answer: Awaitable<SegmentAnswer>): Awaitable<SegmentAnswer> {
  if (part === undefined) return answer;
  if (answer instanceof Promise) return answer.finally(() => part.end());
  part.end();
  return answer;
}

function searchTraced(
  { store }: Table,
  overlay: SegmentOverlay,
  search: SegmentSearch,
): Awaitable<SegmentAnswer> {
  const answer = andThen(beginSegment(store, overlay, search)(), (found) => {
    search.trace?.ended({ rowsVisited: found.rowsScanned, hits: found.hits.length });
    return found;
  });
  return ending(search.together, answer);
}

function merge<M>(
  near: readonly TableHit<M>[],
  segments: readonly SegmentAnswer[],
  rowsScanned: number,
  { k, within }: TableSearch<M>,
): Awaitable<TableAnswer<M>> {
  const scanned = segments.reduce((sum, answer) => sum + answer.rowsScanned, rowsScanned);
  const only = segments.length === 1 && near.length === 0 ? segments[0]! : undefined;
  if (only !== undefined) {
    // In order already, and no more than k.
    const hits = only.hits.filter(({ distance }) => within(distance));
    return andThen(nameHits<M>(hits), (named) => ({
      hits: named,
      rowsScanned: scanned,
      segments: 1,
      segmentsProbed: Number(only.probed === true),
    }));
  }
  const worst = [...near, ...segments.flatMap(({ hits }) => hits)]
    .map(({ distance }) => distance)
    .sort((a, b) => a - b)[k - 1];
  // Only those that may be in the answer are given their ids, which decide between equal distances.
  const kept = segments.map(({ hits }) =>
    hits.filter(({ distance }) => within(distance) && (worst === undefined || distance <= worst)),
  );
  return andThen(startAll(kept.map((hits) => () => nameHits<M>(hits))), (named) => ({
    hits: [...near, ...named.flat()]
      .sort((a, b) => a.distance - b.distance || compareUtf8(a.id, b.id))
      .slice(0, k),
    rowsScanned: scanned,
    segments: segments.length,
    segmentsProbed: segments.filter(({ probed }) => probed === true).length,
  }));
}

/** All are of one segment. */
function nameHits<M>(hits: readonly SegmentHit[]): Awaitable<readonly TableHit<M>[]> {
  const first = hits[0];
  if (first === undefined) return [];
  const { overlay }: { overlay: SegmentOverlay } = first;
  if (first.id !== undefined)
    return hits.map(({ row, distance, id }) => ({ id: id!, distance, at: { id: id!, overlay, row } }));
  const ranks = hits.map(({ rank }) => rank);
  return andThen(overlay.segment.file.idsOfRanks(ranks), (ids) =>
    hits.map(({ row, distance }, i) => {
      const id = ids[i]!;
      return { id, distance, at: { id, overlay, row } };
    }),
  );
}
