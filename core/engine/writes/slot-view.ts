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
import { compileFilter } from '../../filter/index.js';
import type { DocumentTest } from '../../filter/index.js';
import { OP_DELETE, OP_UPSERT } from '../../log/index.js';
import type { Batch, SlotDraft } from '../../log/index.js';
import { limits } from '../../base/limits.js';
import { NEWEST } from '../memtable/index.js';
import type { Memtable, View } from '../memtable/index.js';
import { documentOf } from '../input/index.js';
import type { ParsedWrite } from '../input/index.js';
import { walkSegments } from '../table/index.js';
import type { LocatedRow, Table } from '../table/index.js';

/** What an upsert of a record needs besides its id. */
export interface RecordContent {
  readonly vector: Float32Array;
  /** JSON text, '' for none. */
  readonly metadata: string;
}

/** A record as the batch finds it. */
export interface StoredRecord {
  readonly id: string;
  /** Of ids that the write may have to upsert again: patches and restores. */
  readonly content: RecordContent | undefined;
  /** Infinity for never. */
  readonly expiresMs: number;
  /** Soft-deleted. */
  readonly hidden: boolean;
}

/** A row that a segment holds, as it is at sequence r. */
interface SegmentRow {
  readonly record: StoredRecord;
  /** A view that includes soft-deleted records sees it, unless its time is over. */
  readonly there: boolean;
  /** It was replaced or deleted. */
  readonly ended: boolean;
  readonly changedAt: number;
}

interface Prepared {
  readonly memtable: Memtable;
  readonly view: View;
  readonly seq: Sequence;
  readonly foldedSeq: Sequence;
  /** Of the ids that the write or the batches before it name, the rows that segments hold of them. */
  readonly stored: ReadonlyMap<string, SegmentRow>;
  /** Ids of visible segment rows that satisfy the filter of the write's deletion, in order: as many as can be needed. */
  readonly matching: ReadonlySet<string>;
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
        foldedSeq: table.head.foldedSeq,
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

  /** The sequence of the last change of an id: this slot's own where it was changed in it, 0 where none is known. */
  changedAt(id: string): number {
    const { memtable, seq, stored } = this.#prepared;
    if (this.#changed.has(id)) return seq;
    return Math.max(memtable.changedAt(id), stored.get(id)?.changedAt ?? 0);
  }

  /** Ids of at most `max` visible records that satisfy the filter of the write's deletion, in id order. */
  matching(filter: DocumentTest, max: number): readonly string[] {
    const { memtable, view, matching } = this.#prepared;
    const stored = [...matching];
    const visible: View = { ...view, includeDeleted: false };
    const changed = [...this.#changed.keys()].sort(compareUtf8);
    const ids: string[] = [];
    for (const id of mergeOrdered(mergeOrdered(memtable.order.after(''), stored), changed)) {
      if (this.#passes(id, filter, visible)) ids.push(id);
      if (ids.length === max) break;
    }
    return ids;
  }

  #passes(id: string, filter: DocumentTest, view: View): boolean {
    const { memtable, matching } = this.#prepared;
    if (this.#changed.has(id)) {
      const record = this.find(id);
      if (record === undefined || record.hidden) return false;
      assertInternal(record.content !== undefined, 'a record was changed in this slot without its content');
      return filter(documentOf(record.content.metadata));
    }
    // What segments hold was tested when it was read.
    if (!memtable.holds(id)) return matching.has(id);
    const row = memtable.find(id, view);
    return row !== undefined && filter(memtable.document(row));
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

/** Every id whose state the resolution may ask for. Upserts replace whatever is there, so only a condition asks for them. */
function namedIds(before: readonly Batch[], write: ParsedWrite): readonly string[] {
  const { upsert, patch, deletion, restore, ifSequence } = write;
  return [
    ...before.flatMap((batch) => batch.ids),
    ...(upsert === undefined || ifSequence === undefined ? [] : upsert.batch.ids),
    ...(patch?.records ?? []).map(({ id }) => id),
    ...(deletion !== undefined && 'ids' in deletion ? deletion.ids : []),
    ...(restore ?? []),
  ];
}

/** All that the write can ask of segments, in two waves of reads: of ids, and of what the records hold. */
async function readSegments(
  draft: SlotDraft<Table>,
  write: ParsedWrite,
  view: View,
): Promise<Pick<Prepared, 'stored' | 'matching'>> {
  const table = draft.state.sink;
  const at: View = { ...view, asOf: draft.state.position.seq };
  if (table.overlays.length === 0) return { stored: new Map(), matching: new Set() };
  const named = new Set(namedIds(draft.before, write).filter((id) => !table.memtable.holds(id)));
  const again = new Set([...(write.patch?.records ?? []).map(({ id }) => id), ...(write.restore ?? [])]);
  await table.catchUp();
  const located = [...(await table.locate([...named]))];
  const contents = await readContents(
    table,
    located.filter(([id]) => again.has(id)),
  );
  const seqs =
    write.ifSequence === undefined
      ? []
      : await table.records(
          located.map(([, row]) => row),
          ONLY_SEQUENCES,
        );
  const stored = new Map(
    located.map(([id, { overlay, row }], i): [string, SegmentRow] => {
      const record: StoredRecord = {
        id,
        content: contents.get(id),
        expiresMs: overlay.expiresMs(row),
        hidden: overlay.isHidden(row, at),
      };
      const changedAt = Math.max(seqs[i]?.seq ?? 0, overlay.changedAt(row));
      const there = overlay.isVisible(row, at);
      return [id, { record, there, ended: overlay.isEnded(row, at), changedAt }];
    }),
  );
  return {
    stored,
    matching: await matchingInSegments(table, draft.before, write, { ...at, includeDeleted: false }),
  };
}

const ONLY_SEQUENCES = { vector: false, metadata: false, seq: true };
const ONLY_CONTENTS = { vector: true, metadata: true, seq: false };

async function readContents(
  table: Table,
  located: readonly (readonly [id: string, row: LocatedRow])[],
): Promise<ReadonlyMap<string, RecordContent>> {
  const records = await table.records(
    located.map(([, row]) => row),
    ONLY_CONTENTS,
  );
  return new Map(located.map(([id], i) => [id, records[i]!]));
}

async function matchingInSegments(
  table: Table,
  before: readonly Batch[],
  { deletion, upsert, patch }: ParsedWrite,
  view: View,
): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  if (deletion === undefined || 'ids' in deletion) return ids;
  // Some of those found may be changed by this slot and match no longer: so many more are wanted.
  const own = (upsert?.batch.ids.length ?? 0) + (patch?.records.length ?? 0);
  const wanted = before.reduce((sum, batch) => sum + batch.ids.length, limits.batchRecords + 1 + own);
  const filter = compileFilter(deletion.filter);
  const walk = { after: '', view, documents: true, expected: wanted };
  for await (const { id, metadata } of walkSegments(table.overlays, walk)) {
    if (filter(documentOf(metadata))) ids.add(id);
    if (ids.size === wanted) break;
  }
  return ids;
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
