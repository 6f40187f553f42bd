/**
 * The records as a batch in the making sees them: the memtable at sequence r, changed by the batches that come before it
 * in slot r+1, changed by what the batch itself has already done.
 */
import { compareUtf8 } from '../../base/bytes.js';
import type { Sequence } from '../../base/ids.js';
import type { DocumentTest } from '../../filter/index.js';
import { OP_DELETE, OP_UPSERT } from '../../log/index.js';
import type { Batch, SlotDraft } from '../../log/index.js';
import { NEWEST } from '../memtable/index.js';
import type { Memtable, View } from '../memtable/index.js';
import { documentOf } from '../input/index.js';
import type { Table } from '../table/index.js';

/** A record with everything that an upsert of it needs. */
export interface StoredRecord {
  readonly id: string;
  readonly vector: Float32Array;
  /** JSON text, '' for none. */
  readonly metadata: string;
  /** Infinity for never. */
  readonly expiresMs: number;
  /** Soft-deleted. */
  readonly hidden: boolean;
}

export class SlotView {
  readonly #memtable: Memtable;
  readonly #view: View;
  readonly #seq: Sequence;
  /** Undefined as a value: deleted in this slot. */
  readonly #changed = new Map<string, StoredRecord | undefined>();

  constructor(draft: SlotDraft<Table>, nowMs: number) {
    this.#memtable = draft.state.sink.memtable;
    this.#view = { asOf: NEWEST, nowMs, includeDeleted: true };
    this.#seq = draft.seq;
    for (const batch of draft.before) this.apply(batch);
  }

  /** Also a soft-deleted record is found; an expired one is not. */
  find(id: string): StoredRecord | undefined {
    if (this.#changed.has(id)) {
      const record = this.#changed.get(id);
      return record !== undefined && record.expiresMs > this.#view.nowMs ? record : undefined;
    }
    const row = this.#memtable.find(id, this.#view);
    if (row === undefined) return undefined;
    return {
      id,
      vector: this.#memtable.vector(row),
      metadata: this.#memtable.metadataText(row),
      expiresMs: this.#memtable.expiresMs(row),
      hidden: this.#memtable.isHidden(row, this.#view),
    };
  }

  /** The sequence of the last change of an id: this slot's own where it was changed in it. */
  changedAt(id: string): number {
    return this.#changed.has(id) ? this.#seq : this.#memtable.changedAt(id);
  }

  /** Ids of at most `max` visible records that satisfy the filter, in id order. */
  matching(filter: DocumentTest, max: number): readonly string[] {
    const view: View = { ...this.#view, includeDeleted: false };
    const added = [...this.#changed.keys()].filter((id) => this.#memtable.find(id, view) === undefined);
    const ids: string[] = [];
    for (const id of mergeOrdered(this.#memtable.order.after(''), added.sort(compareUtf8))) {
      if (this.#passes(id, filter, view)) ids.push(id);
      if (ids.length === max) break;
    }
    return ids;
  }

  #passes(id: string, filter: DocumentTest, view: View): boolean {
    if (this.#changed.has(id)) {
      const record = this.find(id);
      return record !== undefined && !record.hidden && filter(documentOf(record.metadata));
    }
    const row = this.#memtable.find(id, view);
    return row !== undefined && filter(this.#memtable.document(row));
  }

  apply(batch: Batch): void {
    let upsert = 0;
    batch.ids.forEach((id, op) => {
      if (batch.kinds[op] === OP_UPSERT) {
        const { dimension } = batch;
        this.#changed.set(id, {
          id,
          vector: batch.vectors.subarray(upsert * dimension, (upsert + 1) * dimension),
          metadata: batch.metadata[upsert]!,
          expiresMs: batch.expiresMs?.[upsert] ?? Infinity,
          hidden: false,
        });
        upsert++;
        return;
      }
      const forGood = batch.kinds[op] === OP_DELETE;
      if (!this.#canRemove(id, forGood)) return;
      const record = forGood ? undefined : this.find(id);
      this.#changed.set(id, record === undefined ? undefined : { ...record, hidden: true });
    });
  }

  /** A removal of nothing is no change: else a condition would fail only because two writes shared a slot. */
  #canRemove(id: string, forGood: boolean): boolean {
    if (!this.#changed.has(id)) return this.#memtable.canRemove(id, forGood);
    const record = this.#changed.get(id);
    return record !== undefined && (forGood || !record.hidden);
  }
}

/** Both inputs are in order; an id in both comes once. */
function* mergeOrdered(walked: Iterable<string>, added: readonly string[]): Generator<string> {
  let next = 0;
  for (const id of walked) {
    while (next < added.length && compareUtf8(added[next]!, id) < 0) yield added[next++]!;
    if (added[next] === id) next++;
    yield id;
  }
  while (next < added.length) yield added[next++]!;
}
