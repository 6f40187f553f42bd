/**
 * Records by their ids.
 */
import { andThen } from '../../base/awaitable.js';
import type { Awaitable } from '../../base/awaitable.js';
import type { LogState } from '../../log/index.js';
import type { Projection } from '../input/index.js';
import type { RecordOutput } from '../interface/index.js';
import type { View } from '../memtable/index.js';
import type { Table } from '../table/index.js';
import { AnswerSize, mustFit, recordBytes, toRecord, vectorBytes } from './projection.js';
import type { StoredRow } from './projection.js';
import { pinned } from './read-table.js';
import { memtableRow, segmentRows } from './stored-rows.js';
import type { NamedRow } from './stored-rows.js';

/** In the order of the ids; what is not there is left out. Requires: a table that is caught up. */
export function answerFetch(
  state: LogState<Table>,
  ids: readonly string[],
  view: View,
  projection: Projection,
): Awaitable<readonly RecordOutput[]> {
  const table = state.sink;
  const { memtable, schema, overlays } = table;
  const found = new Map<string, StoredRow>();
  const copied = new AnswerSize();
  for (const id of ids) {
    const row = memtable.find(id, view);
    if (row === undefined) continue;
    copied.add(vectorBytes(schema.dimension, projection));
    if (!found.has(id)) found.set(id, memtableRow(memtable, row, view, projection));
  }
  const missing = overlays.length === 0 ? [] : ids.filter((id) => !found.has(id));
  const later = pinned(view, state);
  return andThen(segmentPart(table, missing, later, projection), (rows) => {
    for (const row of rows) found.set(row.id, row);
    const size = new AnswerSize();
    return ids.flatMap((id): RecordOutput[] => {
      const row = found.get(id);
      if (row === undefined) return [];
      size.add(recordBytes(row));
      return [toRecord(row, projection)];
    });
  });
}

function segmentPart(
  table: Table,
  ids: readonly string[],
  view: View,
  projection: Projection,
): Awaitable<readonly StoredRow[]> {
  if (ids.length === 0) return [];
  return andThen(table.locate(ids), (located) => {
    const named: NamedRow[] = [];
    for (const [id, { overlay, row }] of located) {
      if (overlay.isVisible(row, view)) named.push({ id, overlay, row });
    }
    mustFit(named.length, table.schema.dimension, projection);
    return segmentRows(table, named, view, projection);
  });
}
