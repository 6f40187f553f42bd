/**
 * Measured recall: the query path's answers against distances computed one by one for every visible row.
 */
import { compareUtf8 } from '../../base/bytes.js';
import { row as asRow } from '../../base/ids.js';
import type { Row } from '../../base/ids.js';
import { exactSearch } from './exact-search.js';
import type { Hit } from './exact-search.js';
import type { Memtable, View } from './memtable.js';

/** Mean share of the true k nearest among the answered ones; 1 where there is nothing to find. */
export function measureRecall(
  memtable: Memtable,
  queries: readonly Float32Array[],
  k: number,
  view: View,
): number {
  let found = 0;
  let wanted = 0;
  for (const query of queries) {
    const truth = bruteForce(memtable, query, k, view);
    const answered = new Set(
      exactSearch(memtable, { query, k, view, filter: undefined }).hits.map(({ row }) => row),
    );
    wanted += truth.length;
    found += truth.filter(({ row }) => answered.has(row)).length;
  }
  return wanted === 0 ? 1 : found / wanted;
}

function bruteForce(memtable: Memtable, query: Float32Array, k: number, view: View): readonly Hit[] {
  const { metric } = memtable.schema;
  const hits: Hit[] = [];
  for (const { block, firstRow } of memtable.blocks) {
    const rows = Uint32Array.from({ length: block.rowCount }, (_, i) => i);
    block.scores({ query, metric, rows }).forEach((distance, i) => {
      const row = asRow(firstRow + i);
      if (memtable.isVisible(row, view)) hits.push({ row, distance });
    });
  }
  hits.sort((a, b) => a.distance - b.distance || compareUtf8(memtable.id(a.row), memtable.id(b.row)));
  return hits.slice(0, k);
}

/** Up to `count` visible rows, spread evenly over the table. */
export function sampleRows(memtable: Memtable, count: number, view: View): readonly Row[] {
  const visible: Row[] = [];
  for (let i = 0; i < memtable.rowCount; i++) if (memtable.isVisible(asRow(i), view)) visible.push(asRow(i));
  const step = Math.max(1, visible.length / count);
  return Array.from({ length: Math.min(count, visible.length) }, (_, i) => visible[Math.floor(i * step)]!);
}
