/**
 * Measured recall: the query path against itself with `exact`, on one state.
 */
import { andThen } from '../../base/awaitable.js';
import type { Awaitable } from '../../base/awaitable.js';
import { rowsOfBitmap } from '../../base/bitmap.js';
import { row as asRow } from '../../base/ids.js';
import type { Row } from '../../base/ids.js';
import { DEFAULT_EFFORT } from '../input/index.js';
import type { LogState } from '../../log/index.js';
import type { View } from '../memtable/index.js';
import type { WantedEffort } from '../segments/index.js';
import type { LocatedRow, Table } from '../table/index.js';
import { searchTable } from './table-search.js';

/** Mean share of the true k nearest among the answered ones; 1 where there is nothing to find. */
export async function measureRecall(
  state: LogState<Table>,
  queries: readonly Float32Array[],
  k: number,
  view: View,
): Promise<number> {
  const ids = async (query: Float32Array, wanted: WantedEffort): Promise<readonly string[]> => {
    const search = { query, k, wanted, filter: undefined, view, within: () => true };
    const { hits } = await searchTable(state, { ...search, copy: () => undefined, searched: () => {} });
    return hits.map(({ id }) => id);
  };
  // All are begun in this step, on this state.
  const measured = queries.map((query) =>
    Promise.all([ids(query, { exact: true }), ids(query, DEFAULT_EFFORT)]),
  );
  let found = 0;
  let wanted = 0;
  for (const [truth, answered] of await Promise.all(measured)) {
    const known = new Set(answered);
    wanted += truth.length;
    found += truth.filter((id) => known.has(id)).length;
  }
  return wanted === 0 ? 1 : found / wanted;
}

/** Vectors of up to `count` visible records, spread evenly over memtable and segments. Requires: caught up. */
export function sampleVectors(
  { sink: table }: LogState<Table>,
  count: number,
  view: View,
): Awaitable<readonly Float32Array[]> {
  const visible: Row[] = [];
  for (let i = 0; i < table.memtable.rowCount; i++) {
    if (table.memtable.isVisible(asRow(i), view)) visible.push(asRow(i));
  }
  const parts = table.overlays.map((overlay) =>
    rowsOfBitmap(overlay.allowed(view), overlay.segment.file.rows),
  );
  const total = parts.reduce((sum, rows) => sum + rows.length, visible.length);
  const step = Math.max(1, total / count);
  const near: Float32Array[] = [];
  const located: LocatedRow[] = [];
  for (let i = 0; i < Math.min(count, total); i++) {
    let at = Math.floor(i * step);
    if (at < visible.length) {
      near.push(table.memtable.vector(visible[at]!));
      continue;
    }
    at -= visible.length;
    let part = 0;
    for (; at >= parts[part]!.length; part++) at -= parts[part]!.length;
    located.push({ overlay: table.overlays[part]!, row: parts[part]![at]! });
  }
  const far = table.records(located, { vector: true, metadata: false, seq: false });
  return andThen(far, (records) => [...near, ...records.map(({ vector }) => vector)]);
}
