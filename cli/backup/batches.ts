/** Rows of files into commits of bounded size. The same rows make the same commits, so that a repeat knows them again. */
import { isCairnError, limits } from '../../core/index.js';
import type { CairnError, Collection } from '../../core/index.js';
import { located, unusable } from './file-fault.js';
import type { PartRow, PartRows } from './part.js';

export type Batch = readonly PartRow[];

export async function* batchesOf(rows: PartRows): AsyncGenerator<Batch, void, undefined> {
  let batch: PartRow[] = [];
  let bytes = 0;
  for await (const row of rows) {
    if (batch.length > 0 && bytes + row.bytes > limits.importBatchBytes) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(row);
    bytes += row.bytes;
    if (batch.length < limits.importBatchRecords) continue;
    yield batch;
    [batch, bytes] = [[], 0];
  }
  if (batch.length > 0) yield batch;
}

export interface Applied {
  /** Of the commit: an earlier one where the key had been used. */
  readonly sequence: number;
}

/** One commit. Soft-deleted records are written, and hidden again in the same step. */
export async function applyBatch(
  collection: Collection,
  batch: Batch,
  { file, key }: { readonly file: string; readonly key: string },
): Promise<Applied> {
  const hidden = hiddenIds(batch, file);
  try {
    return await collection.write(
      {
        upsert: batch.map(({ record }) => record),
        ...(hidden.length === 0 ? {} : { delete: { ids: hidden, soft: true } }),
      },
      { idempotencyKey: key },
    );
  } catch (error) {
    throw isCairnError(error) ? atPlace(error, batch, file) : error;
  }
}

/** Of an id that comes twice the last row counts. */
function hiddenIds(batch: Batch, file: string): readonly string[] {
  const hidden = new Set<string>();
  for (const { record, deleted, place } of batch) {
    if (record.id === undefined) {
      if (deleted)
        throw unusable(
          file,
          { code: 'invalid_id', reason: `${place}: a deleted record needs an id` },
          { where: place },
        );
    } else if (deleted) hidden.add(record.id);
    else hidden.delete(record.id);
  }
  return [...hidden];
}

/** Says which row the collection means. */
function atPlace(error: CairnError, batch: Batch, file: string): CairnError {
  const records = /\brecords\[(\d+)\]/;
  const row = batch[Number(records.exec(error.message)?.[1] ?? 0)]!;
  return located(error, { file, place: row.place, message: error.message.replace(records, row.place) });
}
