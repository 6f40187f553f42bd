/**
 * Turns a write that depends on the state into the full records that it means there. Runs anew whenever the slot it was
 * computed for is lost.
 */
import { CairnError } from '../../base/errors.js';
import { limits } from '../../base/limits.js';
import { compileFilter } from '../../filter/index.js';
import { deletionBatch, emptyBatch, joinBatches, NO_COUNTS } from '../../log/index.js';
import type { Batch, CollectionSchema, ResultCounts, SlotDraft } from '../../log/index.js';
import type { Table } from '../table/index.js';
import { documentOf, metadataToText } from '../input/index.js';
import type { ParsedDelete, ParsedPatch, ParsedPatchRecord, ParsedWrite } from '../input/index.js';
import type { PatchMode } from '../interface/index.js';
import { FilterPatch, patchedMetadata, PatchRoom } from './patches.js';
import type { StoredRecord } from './segment-reads.js';
import { contentOf, SlotView } from './slot-view.js';

export interface Resolved {
  readonly batch: Batch;
  readonly counts: ResultCounts;
}

/** Throws `conflict` (`sequence_conflict`) where the condition fails. */
export async function resolveWrite(
  write: ParsedWrite,
  draft: SlotDraft<Table>,
  nowMs: number,
): Promise<Resolved> {
  const view = await SlotView.prepare(draft, write, nowMs);
  try {
    return resolveOn(view, write, draft.state.sink.schema);
  } finally {
    view.release();
  }
}

function resolveOn(view: SlotView, write: ParsedWrite, schema: CollectionSchema): Resolved {
  const { dimension } = schema;
  checkCondition(write, view);
  const parts: Resolved[] = [];
  const add = (part: Resolved): void => {
    view.apply(part.batch);
    parts.push(part);
  };
  const { upsert, patch, deletion, restore } = write;
  if (upsert !== undefined) add({ batch: upsert.batch, counts: { ...NO_COUNTS, upserted: upsert.distinct } });
  if (patch !== undefined) add(resolvePatch(patch, view, schema));
  if (deletion !== undefined) add(resolveDelete(deletion, view, dimension));
  if (restore !== undefined) add(resolveRestore(restore, view, dimension));
  const sum = (name: keyof ResultCounts): number =>
    parts.reduce((total, { counts }) => total + counts[name], 0);
  return {
    batch: joinBatches(
      parts.map(({ batch }) => batch),
      dimension,
    ),
    counts: {
      upserted: sum('upserted'),
      patched: sum('patched'),
      missing: sum('missing'),
      deleted: sum('deleted'),
      restored: sum('restored'),
      more: Math.min(1, sum('more')),
    },
  };
}

function checkCondition({ upsert, patch, deletion, ifSequence }: ParsedWrite, view: SlotView): void {
  if (ifSequence === undefined) return;
  const named = [
    ...(upsert?.batch.ids ?? []),
    ...(patch !== undefined && 'records' in patch ? patch.records.map(({ id }) => id) : []),
    ...(deletion !== undefined && 'ids' in deletion ? deletion.ids : []),
  ];
  for (const id of named) {
    const known = view.changedAt(id);
    // Of what is not there a fold keeps nothing: it may have been deleted up to there. Who expects it never to have been
    // (0) loses nothing where it is no more.
    const changedAt = known === 0 && ifSequence > 0 ? view.foldedSeq : known;
    if (changedAt <= ifSequence) continue;
    throw new CairnError(
      'conflict',
      'sequence_conflict',
      `record ${JSON.stringify(id)} changed at sequence ${changedAt}, after if_sequence ${ifSequence}`,
      { details: { id, changed_at: changedAt, if_sequence: ifSequence }, outcome: 'not_applied' },
    );
  }
}

function upsertBatch(records: readonly StoredRecord[], dimension: number): Batch {
  const vectors = new Float32Array(records.length * dimension);
  const contents = records.map(contentOf);
  contents.forEach(({ vector }, i) => vectors.set(vector, i * dimension));
  const expires = records.some(({ expiresMs }) => expiresMs !== Infinity);
  return {
    ...emptyBatch(dimension),
    kinds: new Uint8Array(records.length),
    ids: records.map(({ id }) => id),
    vectors,
    metadata: contents.map(({ metadata }) => metadata),
    expiresMs: expires ? Float64Array.from(records, ({ expiresMs }) => expiresMs) : undefined,
  };
}

function resolvePatch(patch: ParsedPatch, view: SlotView, schema: CollectionSchema): Resolved {
  const { dimension } = schema;
  if ('records' in patch) return resolveNamedPatch(patch.records, patch.mode, view, dimension);
  const room = new PatchRoom(schema);
  const patched: StoredRecord[] = [];
  let more = 0;
  for (const record of view.patchable(new FilterPatch(patch))) {
    if (!room.tryTake(record.id, contentOf(record).metadata)) {
      more = 1;
      break;
    }
    patched.push(record);
  }
  return {
    batch: upsertBatch(patched, dimension),
    counts: { ...NO_COUNTS, patched: patched.length, more },
  };
}

/** An id named twice is patched twice, in order, and counted once. */
function resolveNamedPatch(
  records: readonly ParsedPatchRecord[],
  mode: PatchMode,
  view: SlotView,
  dimension: number,
): Resolved {
  const patched = new Map<string, StoredRecord>();
  const missing = new Set<string>();
  for (const patch of records) {
    const current = patched.get(patch.id) ?? view.find(patch.id);
    if (current === undefined || current.hidden) missing.add(patch.id);
    else patched.set(patch.id, applyPatch(current, patch, mode));
  }
  const counts = { ...NO_COUNTS, patched: patched.size, missing: missing.size };
  return { batch: upsertBatch([...patched.values()], dimension), counts };
}

function applyPatch(current: StoredRecord, patch: ParsedPatchRecord, mode: PatchMode): StoredRecord {
  const content = contentOf(current);
  const vector = patch.vector ?? content.vector;
  if (patch.metadata === undefined) return { ...current, content: { ...content, vector } };
  const merged = patchedMetadata(documentOf(content.metadata), patch.metadata, mode);
  // Two metadata within the limits may merge into one that is not.
  const metadata = metadataToText(merged, `record ${JSON.stringify(patch.id)}`);
  return { ...current, content: { vector, metadata } };
}

function resolveDelete(deletion: ParsedDelete, view: SlotView, dimension: number): Resolved {
  if ('ids' in deletion) {
    const counts = { ...NO_COUNTS, deleted: new Set(deletion.ids).size };
    return { batch: deletionBatch(deletion.ids, deletion.kind, dimension), counts };
  }
  const max = limits.batchRecords;
  const ids = view.matching(compileFilter(deletion.filter), max + 1);
  const taken = ids.slice(0, max);
  const counts = { ...NO_COUNTS, deleted: taken.length, more: ids.length > max ? 1 : 0 };
  return { batch: deletionBatch(taken, deletion.kind, dimension), counts };
}

function resolveRestore(ids: readonly string[], view: SlotView, dimension: number): Resolved {
  const hidden: StoredRecord[] = [];
  let missing = 0;
  for (const id of new Set(ids)) {
    const record = view.find(id);
    if (record?.hidden === true) hidden.push({ ...record, hidden: false });
    else missing++;
  }
  return {
    batch: upsertBatch(hidden, dimension),
    counts: { ...NO_COUNTS, restored: hidden.length, missing },
  };
}
