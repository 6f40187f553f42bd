/**
 * What a write can ask of the segments, read before it is resolved: rows of the ids that it names, and rows that its
 * filters find.
 */
import { limits } from '../../base/limits.js';
import { compiledFilter } from '../../filter/index.js';
import type { Batch, SlotDraft } from '../../log/index.js';
import type { View } from '../memtable/index.js';
import { documentOf } from '../input/index.js';
import type { ParsedWrite } from '../input/index.js';
import { walkSegments } from '../table/index.js';
import type { LocatedRow, Table } from '../table/index.js';
import { FilterPatch, PatchRoom } from './patches.js';

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
export interface SegmentRow {
  readonly record: StoredRecord;
  /** A view that includes soft-deleted records sees it, unless its time is over. */
  readonly there: boolean;
  /** It was replaced or deleted. */
  readonly ended: boolean;
  readonly changedAt: number;
}

export interface SegmentReads {
  /** Of the ids that the write or the batches before it name, the rows that segments hold of them. */
  readonly stored: ReadonlyMap<string, SegmentRow>;
  /** Ids of visible rows that satisfy the filter of the write's deletion, in order: as many as can be needed. */
  readonly matching: ReadonlySet<string>;
  /**
   * Visible rows that the write's patch by filter changes, in order, as it leaves them: as many as one call takes, and one
   * more. None of them is changed by what comes before the patch in the slot.
   */
  readonly patchable: ReadonlyMap<string, StoredRecord>;
}

/** All that the write can ask of segments, in two waves of reads: of ids, and of what the records hold. */
export async function readSegments(
  draft: SlotDraft<Table>,
  write: ParsedWrite,
  view: View,
): Promise<SegmentReads> {
  const table = draft.state.sink;
  const at: View = { ...view, asOf: draft.state.position.seq };
  if (table.overlays.length === 0) return { stored: new Map(), matching: new Set(), patchable: new Map() };
  await table.catchUp();
  const visible: View = { ...at, includeDeleted: false };
  return {
    stored: await readNamed(table, draft.before, write, at),
    matching: await matchingInSegments(table, draft.before, write, visible),
    patchable: await patchableInSegments(table, draft.before, write, visible),
  };
}

/** Every id whose state the resolution may ask for. Upserts replace whatever is there, so only a condition asks for them. */
function namedIds(before: readonly Batch[], write: ParsedWrite): readonly string[] {
  const { upsert, deletion, restore, ifSequence } = write;
  return [
    ...before.flatMap((batch) => batch.ids),
    ...(upsert === undefined || ifSequence === undefined ? [] : upsert.batch.ids),
    ...patchedIds(write),
    ...(deletion !== undefined && 'ids' in deletion ? deletion.ids : []),
    ...(restore ?? []),
  ];
}

function patchedIds({ patch }: ParsedWrite): readonly string[] {
  return patch !== undefined && 'records' in patch ? patch.records.map(({ id }) => id) : [];
}

async function readNamed(
  table: Table,
  before: readonly Batch[],
  write: ParsedWrite,
  at: View,
): Promise<ReadonlyMap<string, SegmentRow>> {
  const named = new Set(namedIds(before, write).filter((id) => !table.memtable.holds(id)));
  const again = new Set([...patchedIds(write), ...(write.restore ?? [])]);
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
  return new Map(
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
}

const ONLY_SEQUENCES = { vector: false, metadata: false, seq: true };
const ONLY_CONTENTS = { vector: true, metadata: true, seq: false };
const ONLY_VECTORS = { vector: true, metadata: false, seq: false };

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
  const patched = patch === undefined ? 0 : 'records' in patch ? patch.records.length : limits.batchRecords;
  const own = (upsert?.batch.ids.length ?? 0) + patched;
  const wanted = before.reduce((sum, batch) => sum + batch.ids.length, limits.batchRecords + 1 + own);
  const filter = compiledFilter(deletion.filter);
  const walk = { after: '', view, documents: false, filter, expected: wanted };
  for await (const { id } of walkSegments(table.overlays, walk)) {
    ids.add(id);
    if (ids.size === wanted) break;
  }
  return ids;
}

async function patchableInSegments(
  table: Table,
  before: readonly Batch[],
  { patch, upsert }: ParsedWrite,
  view: View,
): Promise<ReadonlyMap<string, StoredRecord>> {
  if (patch === undefined || 'records' in patch) return new Map();
  const changed = new Set(
    [...before, ...(upsert === undefined ? [] : [upsert.batch])].flatMap(({ ids }) => ids),
  );
  const change = new FilterPatch(patch);
  const room = new PatchRoom(table.schema);
  const found: { readonly id: string; readonly at: LocatedRow; readonly metadata: string }[] = [];
  const filter = compiledFilter(patch.filter);
  const walk = { after: '', view, documents: true, filter, expected: limits.batchRecords };
  for await (const { id, overlay, row, metadata } of walkSegments(table.overlays, walk)) {
    const left = changed.has(id) ? undefined : change.tryChange(id, documentOf(metadata));
    if (left === undefined) continue;
    found.push({ id, at: { overlay, row }, metadata: left });
    if (!room.tryTake(id, left)) break;
  }
  const vectors = await table.records(
    found.map(({ at }) => at),
    ONLY_VECTORS,
  );
  return new Map(
    found.map(({ id, metadata }, i): [string, StoredRecord] => {
      const { vector, expiresMs } = vectors[i]!;
      return [id, { id, content: { vector, metadata }, expiresMs, hidden: false }];
    }),
  );
}
