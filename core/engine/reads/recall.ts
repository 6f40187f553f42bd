/**
 * Measured recall: the query path against itself with `exact`, on one state.
 */
import { andThen } from '../../base/awaitable.js';
import type { Awaitable } from '../../base/awaitable.js';
import { rowsOfBitmap } from '../../base/bitmap.js';
import { row as asRow } from '../../base/ids.js';
import type { Row } from '../../base/ids.js';
import { DEFAULT_EFFORT } from '../input/index.js';
import type { View } from '../memtable/index.js';
import type { WantedEffort } from '../input/index.js';
import type { LocatedRow, Table } from '../table/index.js';
import { beginTableSearch } from './table-search.js';
import { Turns } from '../table/index.js';

export interface Measured {
  readonly table: Table;
  /** As of a sequence: measuring takes many ticks. */
  readonly view: View;
}

/** Mean share of the true k nearest among the answered ones; 1 where there is nothing to find. */
export async function measureRecall(
  { table, view }: Measured,
  queries: readonly Float32Array[],
  k: number,
): Promise<number> {
  const memtable = table.memtable.retain();
  try {
    let found = 0;
    let wanted = 0;
    // One after another: an exact query reads whole segments.
    for (const query of queries) {
      const truth = await nearestIds({ table, view }, query, k, { exact: true });
      const answered = new Set(await nearestIds({ table, view }, query, k, DEFAULT_EFFORT));
      wanted += truth.length;
      found += truth.filter((id) => answered.has(id)).length;
    }
    return wanted === 0 ? 1 : found / wanted;
  } finally {
    memtable.release();
  }
}

async function nearestIds(
  { table, view }: Measured,
  query: Float32Array,
  k: number,
  wanted: WantedEffort,
): Promise<readonly string[]> {
  const end = beginTableSearch(table, {
    query,
    k,
    wanted,
    index: 'auto',
    filter: undefined,
    documents: false,
    view,
    pinned: view,
    within: () => true,
    copy: () => undefined,
    searched: () => {},
    turns: new Turns(),
    trace: undefined,
  });
  const { hits } = await end();
  return hits.map(({ id }) => id);
}

/** Vectors of up to `count` visible records, spread evenly over memtable and segments. Requires: caught up. */
export function sampleVectors({ table, view }: Measured, count: number): Awaitable<readonly Float32Array[]> {
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
