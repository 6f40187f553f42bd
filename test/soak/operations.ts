/**
 * What a lane does to its collection, by kind. Each operation is drawn from the model as plain data, which the journal
 * keeps, is done from that data alone, so that the repeat after a kill is the same request, and changes the model once
 * it was answered.
 */
import { isCairnError } from '../../core/index.js';
import type { Collection, Database, JsonObject, WriteOptions } from '../../core/index.js';
import type { Chance } from '../log/virtual-time.js';
import type { LaneModel } from './lane-model.js';
import { settingsOf } from './lanes.js';
import type { Lane } from './lanes.js';
import { inputOf, newRecord, numberOf, patched } from './records.js';

export interface Target {
  readonly lane: Lane;
  readonly database: Database;
  readonly collection: Collection;
  /** Not the first try: an earlier one may have had its effect. */
  readonly again: boolean;
}

export type Counts = Readonly<Record<string, number>>;

/** What an answer said. */
export interface Told {
  readonly counts: Counts;
  readonly sequence?: number;
  /** Whether an earlier try had had its effect, where the answer tells. */
  readonly before?: boolean;
}

export interface Operation<Spec> {
  /** Under an idempotency key: the repeat gets the first answer. */
  readonly keyed: boolean;
  /** How often it comes up, beside the others; 0 where it makes no sense now. */
  readonly weight: (model: LaneModel) => number;
  readonly draw: (model: LaneModel, chance: Chance) => Spec;
  readonly perform: (target: Target, spec: Spec, options: WriteOptions) => Promise<Told>;
  /** Changes the model, and answers with the counts that must have been told. */
  readonly apply: (model: LaneModel, spec: Spec, told: Told) => Counts;
}

interface Rows {
  readonly ids: readonly string[];
  /** Of the first of them. */
  readonly stamp: number;
}

interface Patch {
  readonly ids: readonly string[];
  readonly mode: 'merge' | 'replace';
  readonly change: JsonObject;
  /** Of the first vector; 0 leaves vectors as they are. */
  readonly stamp: number;
}

interface Named {
  readonly name: string;
}

interface Below {
  /** Of those records whose `n` is less. */
  readonly below: number;
  readonly mark: number;
  readonly soft: boolean;
}

export const FAT_ROWS = 150;
/** So many of these are more than a slot takes inline. */
export const FAT_CHARACTERS = 60_000;
const SNAPSHOTS_MAX = 2;

const anyRecord = (model: LaneModel): number => (model.records.size > 0 ? 1 : 0);
const live =
  (weight: number) =>
  (model: LaneModel): number =>
    model.exists ? weight : 0;
const withRecords =
  (weight: number) =>
  (model: LaneModel): number =>
    model.exists ? weight * anyRecord(model) : 0;
const isFat = (id: string): boolean => id.includes('-fat-');

function idOf({ number }: Lane, at: number): string {
  return `lane-${number}-${at}`;
}

/** Distinct ids of the lane, stored or not, mostly few. */
export function drawIds({ lane }: LaneModel, chance: Chance, max: number): readonly string[] {
  const count = 1 + chance.below(chance.happens(0.25) ? max : Math.min(max, 8));
  return [...new Set(Array.from({ length: count }, () => idOf(lane, chance.below(lane.ids))))];
}

const rowsOf = (lane: Lane, { ids, stamp }: Rows, filler = 0) =>
  ids.map((id, at) => ({ id, kept: newRecord(lane.number, stamp + at, filler) }));
const inputsOf = (lane: Lane, rows: Rows, filler = 0) =>
  rowsOf(lane, rows, filler).map(({ id, kept }) => inputOf(id, kept));
const patchesOf = (lane: Lane, { ids, change, stamp }: Patch) =>
  ids.map((id, at) => {
    const metadata = change;
    return stamp === 0
      ? { id, metadata }
      : { id, metadata, vector: inputOf(id, newRecord(lane.number, stamp + at)).vector };
  });

function applyRows(model: LaneModel, rows: Rows, filler = 0): Counts {
  for (const { id, kept } of rowsOf(model.lane, rows, filler)) model.set(id, kept);
  return { upserted: rows.ids.length };
}

function applyPatch(model: LaneModel, { ids, mode, change, stamp }: Patch): Counts {
  const there = ids.filter((id) => model.records.get(id)?.hidden === false);
  ids.forEach((id, at) => {
    if (!there.includes(id)) return;
    const kept = patched(model.records.get(id)!, change, mode);
    model.set(id, stamp === 0 ? kept : { ...kept, stamp: stamp + at });
  });
  // Stamps that went to nobody are used up too: a repeat of the request must not meet them elsewhere.
  if (stamp > 0) model.nextStamp = Math.max(model.nextStamp, stamp + ids.length);
  return { patched: there.length, missing: ids.length - there.length };
}

function drawPatch(model: LaneModel, chance: Chance): Patch {
  const { number } = model.lane;
  const mark = chance.below(1_000_000);
  const replaces = chance.happens(0.25);
  return {
    ids: drawIds(model, chance, 30),
    mode: replaces ? 'replace' : 'merge',
    change: replaces ? { lane: number, n: chance.below(100), mark } : { mark, tag: null },
    stamp: chance.happens(0.4) ? model.nextStamp : 0,
  };
}

/** Both spellings of one filter. */
function filterBelow({ number }: Lane, { below, mark }: Below): string | JsonObject {
  return mark % 2 === 0 ? `lane = ${number} AND n < ${below}` : { lane: number, n: { $lt: below } };
}

function matching(model: LaneModel, { below }: Below): readonly string[] {
  return model.visibleIds.filter((id) => numberOf(model.records.get(id)!) < below);
}

const upsert: Operation<Rows> = {
  keyed: true,
  weight: live(30),
  draw: (model, chance) => ({ ids: drawIds(model, chance, 100), stamp: model.nextStamp }),
  perform: async ({ collection, lane }, rows, options) => {
    const { upserted, sequence } = await collection.upsert(inputsOf(lane, rows), options);
    return { counts: { upserted }, sequence };
  },
  apply: (model, rows) => applyRows(model, rows),
};

/** More than 8 MiB in one commit: an object of its own, which a slot refers to. */
const bulk: Operation<Rows> = {
  keyed: true,
  weight: (model) => (model.lane.collection === 'main' && ![...model.records.keys()].some(isFat) ? 0.04 : 0),
  draw: ({ lane, nextStamp }) => ({
    ids: Array.from({ length: FAT_ROWS }, (_, at) => `lane-${lane.number}-fat-${at}`),
    stamp: nextStamp,
  }),
  perform: async ({ collection, lane }, rows, options) => {
    const { upserted, sequence } = await collection.upsert(inputsOf(lane, rows, FAT_CHARACTERS), options);
    return { counts: { upserted }, sequence };
  },
  apply: (model, rows) => applyRows(model, rows, FAT_CHARACTERS),
};

/** Soon after, or every scan would be slow. */
const unbulk: Operation<Pick<Rows, 'ids'>> = {
  keyed: true,
  weight: ({ records }) => ([...records.keys()].some(isFat) ? 10 : 0),
  draw: ({ records }) => ({ ids: [...records.keys()].filter(isFat) }),
  perform: async ({ collection }, { ids }, options) => {
    const { deleted, sequence } = await collection.delete({ ids }, options);
    return { counts: { deleted }, sequence };
  },
  apply: (model, { ids }) => {
    for (const id of ids) model.records.delete(id);
    return { deleted: ids.length };
  },
};

const patch: Operation<Patch> = {
  keyed: true,
  weight: withRecords(12),
  draw: drawPatch,
  perform: async ({ collection, lane }, spec, options) => {
    const { mode } = spec;
    const answer = await collection.patch({ records: patchesOf(lane, spec), mode }, options);
    return { counts: { patched: answer.patched, missing: answer.missing ?? -1 }, sequence: answer.sequence };
  },
  apply: applyPatch,
};

const patchWhere: Operation<Below> = {
  keyed: true,
  weight: withRecords(4),
  draw: (_model, chance) => ({ below: chance.below(40), mark: chance.below(4), soft: false }),
  perform: async ({ collection, lane }, spec, options) => {
    const filter = filterBelow(lane, spec);
    const answer = await collection.patch({ filter, metadata: { where: spec.mark } }, options);
    return { counts: { patched: answer.patched }, sequence: answer.sequence };
  },
  apply: (model, spec) => {
    const changed = matching(model, spec).filter(
      (id) => model.records.get(id)!.document['where'] !== spec.mark,
    );
    for (const id of changed)
      model.records.set(id, patched(model.records.get(id)!, { where: spec.mark }, 'merge'));
    return { patched: changed.length };
  },
};

const remove: Operation<Pick<Rows, 'ids'> & Pick<Below, 'soft'>> = {
  keyed: true,
  weight: withRecords(10),
  draw: (model, chance) => ({ ids: drawIds(model, chance, 30), soft: chance.happens(0.5) }),
  perform: async ({ collection }, { ids, soft }, options) => {
    const { deleted, sequence } = await collection.delete({ ids, soft }, options);
    return { counts: { deleted }, sequence };
  },
  apply: (model, { ids, soft }) => {
    for (const id of ids) {
      if (!soft) model.records.delete(id);
      else if (model.records.has(id)) model.hide(id, true);
    }
    return { deleted: ids.length };
  },
};

const removeWhere: Operation<Below> = {
  keyed: true,
  weight: withRecords(2),
  draw: (_model, chance) => ({
    ...{ below: chance.below(15), mark: chance.below(2) },
    soft: chance.happens(0.6),
  }),
  perform: async ({ collection, lane }, spec, options) => {
    const filter = filterBelow(lane, spec);
    const { deleted, sequence } = await collection.delete({ filter, soft: spec.soft }, options);
    return { counts: { deleted }, sequence };
  },
  apply: (model, spec) => {
    const ids = matching(model, spec);
    for (const id of ids) {
      if (spec.soft) model.hide(id, true);
      else model.records.delete(id);
    }
    return { deleted: ids.length };
  },
};

const restore: Operation<Pick<Rows, 'ids'>> = {
  keyed: true,
  weight: (model) => (model.hiddenIds.length > 0 ? 6 : 0),
  draw: (model, chance) => ({
    ids: [...new Set([...model.hiddenIds.filter(() => chance.happens(0.4)), ...drawIds(model, chance, 4)])],
  }),
  perform: async ({ collection }, { ids }, options) => {
    const { restored, missing, sequence } = await collection.restore({ ids }, options);
    return { counts: { restored, missing }, sequence };
  },
  apply: (model, { ids }) => {
    const hidden = ids.filter((id) => model.records.get(id)?.hidden === true);
    for (const id of hidden) model.hide(id, false);
    return { restored: hidden.length, missing: ids.length - hidden.length };
  },
};

/** Three changes in one commit. */
const write: Operation<{
  readonly rows: Rows;
  readonly patch: Patch;
  readonly gone: readonly string[];
}> = {
  keyed: true,
  weight: withRecords(8),
  draw: (model, chance) => {
    const rows = { ids: drawIds(model, chance, 20), stamp: model.nextStamp };
    const changes = { ...drawPatch(model, chance), stamp: model.nextStamp + rows.ids.length };
    return { rows, patch: changes, gone: drawIds(model, chance, 10) };
  },
  perform: async ({ collection, lane }, { rows, patch: changes, gone }, options) => {
    const input = {
      upsert: inputsOf(lane, rows),
      patch: { records: patchesOf(lane, changes), mode: changes.mode },
      delete: { ids: gone },
    };
    const answer = await collection.write(input, options);
    const { upserted = -1, patched: changed = -1, missing = -1, deleted = -1, sequence } = answer;
    return { counts: { upserted, patched: changed, missing, deleted }, sequence };
  },
  apply: (model, { rows, patch: changes, gone }) => {
    const counts = { ...applyRows(model, rows), ...applyPatch(model, changes) };
    for (const id of gone) model.records.delete(id);
    return { ...counts, deleted: gone.length };
  },
};

/**
 * Holds every lane of the collection. Of its own the lane knows what that is, whatever the sequence will be: while the
 * call is under way it writes nothing.
 */
const snapshot: Operation<Named> = {
  keyed: false,
  weight: (model) => (model.exists && model.snapshots.size < SNAPSHOTS_MAX ? 1 : 0),
  draw: ({ lane, nextStamp }) => ({ name: `lane-${lane.number}-at-${nextStamp}` }),
  perform: async ({ collection, again }, { name }) => {
    try {
      const { sequence } = await collection.createSnapshot({ name });
      return { counts: {}, sequence };
    } catch (error) {
      if (!(again && isCairnError(error) && error.code === 'snapshot_exists')) throw error;
      return { counts: {}, sequence: error.details['sequence'] as number, before: true };
    }
  },
  apply: (model, { name }, { sequence }) => {
    model.snapshots.set(name, { sequence: sequence!, records: new Map(model.records) });
    // The next one has another name.
    model.nextStamp++;
    return {};
  },
};

const deleteSnapshot: Operation<Named> = {
  keyed: false,
  weight: ({ snapshots }) => snapshots.size * 0.3,
  draw: ({ snapshots }, chance) => ({ name: chance.pick([...snapshots.keys()]) }),
  perform: async ({ collection, again }, { name }) => {
    try {
      await collection.deleteSnapshot(name);
      return { counts: {} };
    } catch (error) {
      if (!(again && isCairnError(error) && error.code === 'snapshot_not_found')) throw error;
      return { counts: {}, before: true };
    }
  },
  apply: (model, { name }) => {
    model.snapshots.delete(name);
    return {};
  },
};

/** Of the whole collection, so any lane may have changed it since. */
const retention: Operation<{ readonly retentionHours: number }> = {
  keyed: false,
  weight: live(0.3),
  draw: (_model, chance) => ({ retentionHours: chance.pick([0, 0, 1]) }),
  perform: async ({ collection }, changes) => {
    const { retentionHours } = await collection.update(changes);
    return { counts: { retentionHours } };
  },
  apply: (_model, { retentionHours }) => ({ retentionHours }),
};

const create: Operation<Named> = {
  keyed: false,
  weight: ({ exists }) => (exists ? 0 : 20),
  draw: ({ lane }) => ({ name: lane.collection }),
  perform: async ({ database, lane, again }, { name }) => {
    const { created } = await database.createCollection(name, settingsOf(lane));
    return { counts: { created: created || again ? 1 : 0 }, before: !created };
  },
  apply: (model) => {
    model.begin(true);
    return { created: 1 };
  },
};

const drop: Operation<Named> = {
  keyed: false,
  weight: ({ lane, exists, records }) => (lane.own && exists && records.size > 0 ? 1 : 0),
  draw: ({ lane }) => ({ name: lane.collection }),
  perform: async ({ database, again }, { name }) => {
    try {
      await database.dropCollection(name);
      return { counts: {} };
    } catch (error) {
      if (!(again && isCairnError(error) && error.code === 'collection_not_found')) throw error;
      return { counts: {}, before: true };
    }
  },
  apply: (model) => {
    model.begin(false);
    return {};
  },
};

/**
 * Of a snapshot, or of what is there. A collection of its own name is the same again, or another's that was made and
 * dropped before: then none of them may be there still.
 */
const branch: Operation<Named & { readonly snapshot: string | undefined }> = {
  keyed: false,
  weight: ({ exists, branches }) => (exists && branches.size === 0 ? 0.5 : 0),
  draw: ({ lane, snapshots }, chance) => ({
    name: `lane-${lane.number}-branch`,
    snapshot: snapshots.size > 0 && chance.happens(0.5) ? chance.pick([...snapshots.keys()]) : undefined,
  }),
  perform: async ({ collection, again }, { name, snapshot: of }) => {
    try {
      await collection.branch(name, of === undefined ? {} : { snapshot: of });
      return { counts: {} };
    } catch (error) {
      if (!(again && isCairnError(error) && error.code === 'collection_exists')) throw error;
      return { counts: {}, before: true };
    }
  },
  apply: (model, { name, snapshot: of }) => {
    const records = of === undefined ? model.records : model.snapshots.get(of)!.records;
    model.branches.set(name, new Map(records));
    return {};
  },
};

const writeBranch: Operation<Named & { readonly rows: Rows }> = {
  // A repeat changes nothing, and of its sequences the lane's journal knows nothing.
  keyed: false,
  weight: ({ branches }) => branches.size * 4,
  draw: (model, chance) => ({
    name: chance.pick([...model.branches.keys()]),
    rows: { ids: drawIds(model, chance, 10), stamp: model.nextStamp },
  }),
  perform: async ({ database, lane }, { name, rows }) => {
    const { upserted } = await database.collection(name).upsert(inputsOf(lane, rows));
    return { counts: { upserted } };
  },
  apply: (model, { name, rows }) => {
    for (const { id, kept } of rowsOf(model.lane, rows)) {
      model.branches.get(name)!.set(id, kept);
      model.nextStamp = Math.max(model.nextStamp, kept.stamp + 1);
    }
    return { upserted: rows.ids.length };
  },
};

const dropBranch: Operation<Named> = {
  keyed: false,
  weight: ({ branches }) => branches.size * 0.3,
  draw: ({ branches }, chance) => ({ name: chance.pick([...branches.keys()]) }),
  perform: drop.perform,
  apply: (model, { name }) => {
    model.branches.delete(name);
    return {};
  },
};

/** The whole collection goes back: so it has to be the lane's own. */
const goBack: Operation<Named> = {
  keyed: true,
  weight: ({ lane, snapshots }) => (lane.own ? snapshots.size * 3 : 0),
  draw: ({ snapshots }, chance) => ({ name: chance.pick([...snapshots.keys()]) }),
  perform: async ({ collection }, { name }, options) => {
    const { sequence } = await collection.restoreTo({ snapshot: name }, options);
    return { counts: {}, sequence };
  },
  apply: (model, { name }) => {
    model.records = new Map(model.snapshots.get(name)!.records);
    return {};
  },
};

/** Specs are what their own operation has drawn: the table forgets of what type they are, as the journal does. */
export type AnyOperation = Operation<unknown>;

export const operations = new Map(
  Object.entries({
    ...{ upsert, bulk, unbulk, patch, patchWhere, remove, removeWhere, restore, write },
    ...{ snapshot, deleteSnapshot, retention, create, drop },
    ...{ branch, writeBranch, dropBranch, goBack },
  }) as [string, AnyOperation][],
);
