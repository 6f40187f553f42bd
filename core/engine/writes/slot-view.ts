/**
 * The records as a batch in the making sees them: memtable and segments at sequence r, changed by the batches that come
 * before it in slot r+1, changed by what the batch itself has already done.
 *
 * What lies in segments has to be read, so a view is prepared for one write: everything that this write can ask for is
 * at hand before the first question, and from then on nothing waits.
 */
import { assertInternal } from '../../base/errors.js';
import { compareUtf8 } from '../../base/bytes.js';
import type { Sequence } from '../../base/ids.js';
import type { DocumentTest } from '../../filter/index.js';
import { OP_DELETE, OP_UPSERT } from '../../log/index.js';
import type { Batch, SlotDraft } from '../../log/index.js';
import { NEWEST } from '../memtable/index.js';
import type { Memtable, View } from '../memtable/index.js';
import { documentOf } from '../input/index.js';
import type { ParsedWrite } from '../input/index.js';
import type { JsonObject } from '../interface/index.js';
import type { Table } from '../table/index.js';
import { readSegments } from './segment-reads.js';
import type { FilterPatch } from './patches.js';
import type { RecordContent, SegmentReads, StoredRecord } from './segment-reads.js';

interface Prepared extends SegmentReads {
  readonly memtable: Memtable;
  readonly view: View;
  readonly seq: Sequence;
  readonly foldedSeq: Sequence;
  /** The slot of the last restore, 0 for none. */
  readonly restoredAt: number;
}

export class SlotView {
  readonly #prepared: Prepared;
  /** Undefined as a value: deleted in this slot. */
  readonly #changed = new Map<string, StoredRecord | undefined>();

  /** Cost: nothing where the segments hold none of the ids; else one wave of page reads, or a walk for a filter. */
  static async prepare(draft: SlotDraft<Table>, write: ParsedWrite, nowMs: number): Promise<SlotView> {
    const table = draft.state.sink;
    const memtable = table.memtable.retain();
    try {
      const view: View = { asOf: NEWEST, nowMs, includeDeleted: true };
      const slot = new SlotView({
        memtable,
        view,
        seq: draft.seq,
        foldedSeq: draft.state.base.foldedSeq,
        restoredAt: draft.state.restores.at(-1)?.at ?? draft.state.base.restoredSeq,
        ...(await readSegments(draft, write, view)),
      });
      for (const batch of draft.before) slot.apply(batch);
      return slot;
    } catch (error) {
      memtable.release();
      throw error;
    }
  }

  private constructor(prepared: Prepared) {
    this.#prepared = prepared;
  }

  /** Gives back what was kept readable. Nothing may be asked afterwards. */
  release(): void {
    this.#prepared.memtable.release();
  }

  /** Also a soft-deleted record is found; an expired one is not. */
  find(id: string): StoredRecord | undefined {
    const { nowMs } = this.#prepared.view;
    const record = this.#changed.has(id) ? this.#changed.get(id) : this.#findBelow(id);
    return record !== undefined && record.expiresMs > nowMs ? record : undefined;
  }

  #findBelow(id: string): StoredRecord | undefined {
    const { memtable, view, stored } = this.#prepared;
    if (!memtable.holds(id)) {
      const found = stored.get(id);
      return found?.there === true ? found.record : undefined;
    }
    const row = memtable.find(id, view);
    if (row === undefined) return undefined;
    return {
      id,
      content: { vector: memtable.vector(row), metadata: memtable.metadataText(row) },
      expiresMs: memtable.expiresMs(row),
      hidden: memtable.isHidden(row, view),
    };
  }

  /** Up to here segments hold the records, and nothing of those that were deleted. */
  get foldedSeq(): Sequence {
    return this.#prepared.foldedSeq;
  }

  /**
   * The sequence of the last change of an id: this slot's own where it was changed in it, 0 where none is known. A
   * restore may have changed any.
   */
  changedAt(id: string): number {
    const { memtable, seq, stored, restoredAt } = this.#prepared;
    if (this.#changed.has(id)) return seq;
    return Math.max(restoredAt, memtable.changedAt(id), stored.get(id)?.changedAt ?? 0);
  }

  /** Ids of at most `max` visible records that satisfy the filter of the write's deletion, in id order. */
  matching(filter: DocumentTest, max: number): readonly string[] {
    const { matching } = this.#prepared;
    const ids: string[] = [];
    for (const id of this.#idsWith(matching)) {
      const document = this.#tryDocument(id);
      // What segments hold was tested when it was read.
      if (document === undefined ? this.#isUntouched(id) && matching.has(id) : filter(document)) ids.push(id);
      if (ids.length === max) break;
    }
    return ids;
  }

  /** The visible records that the write's patch by filter changes, as it leaves them, in id order. */
  *patchable(change: FilterPatch): Generator<StoredRecord> {
    const { patchable } = this.#prepared;
    for (const id of this.#idsWith(patchable.keys())) {
      if (this.#isUntouched(id)) {
        const record = patchable.get(id);
        if (record !== undefined) yield record;
        continue;
      }
      const document = this.#tryDocument(id);
      const metadata = document === undefined ? undefined : change.tryChange(id, document);
      if (metadata === undefined) continue;
      const record = this.find(id)!;
      yield { ...record, content: { vector: contentOf(record).vector, metadata } };
    }
  }

  /** In order: what the log and this slot have named, and these of segments. */
  #idsWith(stored: Iterable<string>): Generator<string> {
    const changed = [...this.#changed.keys()].sort(compareUtf8);
    return mergeOrdered(mergeOrdered(this.#prepared.memtable.order.after(''), [...stored]), changed);
  }

  /** Whether neither the log nor this slot hold the record: then it is as its segment has it. */
  #isUntouched(id: string): boolean {
    return !this.#changed.has(id) && !this.#prepared.memtable.holds(id);
  }

  /** Of a visible record that the log or this slot holds. */
  #tryDocument(id: string): JsonObject | undefined {
    const { memtable, view } = this.#prepared;
    if (this.#changed.has(id)) {
      const record = this.find(id);
      return record === undefined || record.hidden ? undefined : documentOf(contentOf(record).metadata);
    }
    const row = memtable.find(id, { ...view, includeDeleted: false });
    return row === undefined ? undefined : memtable.document(row);
  }

  apply(batch: Batch): void {
    let upsert = 0;
    batch.ids.forEach((id, op) => {
      if (batch.kinds[op] === OP_UPSERT) {
        const { dimension } = batch;
        this.#changed.set(id, {
          id,
          content: {
            vector: batch.vectors.subarray(upsert * dimension, (upsert + 1) * dimension),
            metadata: batch.metadata[upsert]!,
          },
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
    const { memtable, stored } = this.#prepared;
    if (this.#changed.has(id)) {
      const record = this.#changed.get(id);
      return record !== undefined && (forGood || !record.hidden);
    }
    if (memtable.holds(id)) return memtable.canRemove(id, forGood);
    const found = stored.get(id);
    return found !== undefined && !found.ended && (forGood || !found.record.hidden);
  }
}

/** Of a record that the write may upsert again. */
export function contentOf({ id, content }: StoredRecord): RecordContent {
  assertInternal(content !== undefined, () => `the content of record ${JSON.stringify(id)} was not read`);
  return content;
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
