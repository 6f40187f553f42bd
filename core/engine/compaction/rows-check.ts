/**
 * The invariants of a compaction, checked on its numbers before its commit (LOG-PROTOCOL, 10 and 20): a violation is a
 * bug of ours, and must end as a failed compaction and not as a lost or doubled record.
 */
import { assertInternal } from '../../base/errors.js';

export interface CompactedRows {
  /** Rows of the inputs and of the log up to the fold, dead ones included. */
  readonly rowsIn: number;
  readonly rowsWritten: number;
  readonly rowsDropped: number;
  /** Ids written, in the order of UTF-8 bytes. */
  readonly ids: readonly string[];
  /** Rows, per segment that stays, that the log ends and that are still alive after the commit. */
  readonly survivors: readonly { readonly key: string; readonly rows: number }[];
}

export function checkCompactedRows({
  rowsIn,
  rowsWritten,
  rowsDropped,
  ids,
  survivors,
}: CompactedRows): void {
  assertInternal(
    rowsIn === rowsWritten + rowsDropped,
    `invariant 10: ${rowsIn} rows in, ${rowsWritten} written and ${rowsDropped} dropped`,
  );
  assertInternal(ids.length === rowsWritten, `invariant 10: ${ids.length} ids of ${rowsWritten} rows`);
  for (let i = 1; i < ids.length; i++) {
    assertInternal(ids[i] !== ids[i - 1], `invariant 20: id ${JSON.stringify(ids[i])} is written twice`);
  }
  for (const { key, rows } of survivors) {
    assertInternal(rows === 0, `invariant 20: ${rows} rows of ${key} live on beside their successors`);
  }
}
