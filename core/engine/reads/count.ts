/**
 * How many records there are, or satisfy a filter.
 */
import { andThen, startAll } from '../../base/awaitable.js';
import type { Awaitable } from '../../base/awaitable.js';
import { row as asRow } from '../../base/ids.js';
import type { CompiledFilter } from '../../filter/index.js';
import type { LogState } from '../../log/index.js';
import { NEWEST } from '../memtable/index.js';
import type { Memtable, View } from '../memtable/index.js';
import { segmentMatches, Turns } from '../table/index.js';
import type { Table } from '../table/index.js';
import { pinned } from './read-table.js';

export interface Selection {
  readonly filter: CompiledFilter | undefined;
  readonly view: View;
}

/** Requires: a table that is caught up. */
export function answerCount(state: LogState<Table>, { filter, view }: Selection): Awaitable<number> {
  const { memtable, overlays } = state.sink;
  const inMemtable = countMemtable(memtable, { filter, view });
  const turns = new Turns();
  const views = { now: view, later: pinned(view, state) };
  const inSegments = overlays.map(
    (overlay) => (): Awaitable<number> =>
      filter === undefined
        ? overlay.visibleCount(view)
        : andThen(segmentMatches(overlay, views, filter, turns), ({ count }) => count),
  );
  return andThen(startAll(inSegments), (counts) => counts.reduce((sum, count) => sum + count, inMemtable));
}

function countMemtable(memtable: Memtable, { filter, view }: Selection): number {
  const isOfNewest = view.asOf === NEWEST && !view.includeDeleted;
  if (filter === undefined && isOfNewest) return memtable.counts(view.nowMs).visible;
  let count = 0;
  for (let i = 0; i < memtable.rowCount; i++) {
    const row = asRow(i);
    if (memtable.isVisible(row, view) && (filter === undefined || filter.test(memtable.document(row))))
      count++;
  }
  return count;
}
