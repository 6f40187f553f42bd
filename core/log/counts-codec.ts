/**
 * The bytes of a batch's result, in slots and in windows: u32 upserted, patched, missing, deleted, restored, more.
 */
import type { ResultCounts } from './batch.js';

export function writeCounts(view: DataView, offset: number, counts: ResultCounts): void {
  const { upserted, patched, missing, deleted, restored, more } = counts;
  [upserted, patched, missing, deleted, restored, more].forEach((count, i) =>
    view.setUint32(offset + 4 * i, count, true),
  );
}

export function readCounts(view: DataView, offset: number): ResultCounts {
  const count = (i: number): number => view.getUint32(offset + 4 * i, true);
  return {
    upserted: count(0),
    patched: count(1),
    missing: count(2),
    deleted: count(3),
    restored: count(4),
    more: count(5),
  };
}
