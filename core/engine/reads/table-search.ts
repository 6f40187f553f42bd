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
import type { WantedEffort } from '../input/index.js';
import type { SegmentOverlay } from '../segments/index.js';
import type { Table } from '../table/index.js';
import { searchSegment } from './segment-search.js';
import type { SegmentAnswer, SegmentHit, SegmentSearch } from './segment-search.js';
import type { NamedRow } from './stored-rows.js';
import type { Turns } from './turns.js';

export interface TableSearch<M> {
  readonly query: Float32Array;
  readonly k: number;
  readonly wanted: WantedEffort;
  readonly filter: CompiledFilter | undefined;
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
}

/** A record and its kernel distance. */
export interface TableHit<M> {
  readonly id: string;
  readonly distance: number;
  readonly at: { readonly copy: M } | { readonly segment: NamedRow };
}

export interface TableAnswer<M> {
  /** At most k, nearest first, then by id. */
  readonly hits: readonly TableHit<M>[];
  readonly rowsScanned: number;
  readonly segments: number;
}

/** Requires: a table that is caught up. */
export function searchTable<M>(table: Table, search: TableSearch<M>): Awaitable<TableAnswer<M>> {
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
  if (overlays.length === 0) return { hits: near, rowsScanned: found.rowsScanned, segments: 0 };
  // Field by field: a spread of so many costs as much as a walk of one node.
  const segmentSearch: SegmentSearch = {
    query,
    metric,
    k,
    wanted: search.wanted,
    filter,
    view,
    pinned: search.pinned,
    searched: search.searched,
    turns: search.turns,
  };
  const answers = startAll(
    overlays.map((overlay) => () => searchSegment(table.store, overlay, segmentSearch)),
  );
  return andThen(answers, (segments) => merge(near, segments, found.rowsScanned, search));
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
    return andThen(nameHits<M>(hits), (named) => ({ hits: named, rowsScanned: scanned, segments: 1 }));
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
  }));
}

/** All are of one segment. */
function nameHits<M>(hits: readonly SegmentHit[]): Awaitable<readonly TableHit<M>[]> {
  const first = hits[0];
  if (first === undefined) return [];
  const { overlay }: { overlay: SegmentOverlay } = first;
  const ranks = hits.map(({ rank }) => rank);
  return andThen(overlay.segment.file.idsOfRanks(ranks), (ids) =>
    hits.map(({ row, distance }, i) => {
      const id = ids[i]!;
      return { id, distance, at: { segment: { id, overlay, row } } };
    }),
  );
}
