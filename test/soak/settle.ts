/**
 * The end of a run: lets go of all that is kept, moves each log on, compacts, collects until there is nothing to be
 * done, compares once more, and counts what is left over.
 *
 * Leaked is what then neither is needed by anybody nor will be deleted by anybody: of the store's files, all but
 *   - the head of each collection, those of dropped ones included, which stay as tombstones, and what heads name
 *   - of each collection in use the highest slot
 *   - of what branches began with the copy of that head, and what it names
 *   - entries of the catalog, vacant ones included, and hints of work
 *   - of a mutable object so many superseded generations as the file store keeps, and its marker
 * That is counted by what heads name, not by the rules that the collector and the scrub share.
 */
import assert from 'node:assert/strict';
import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { limits, open } from '../../core/index.js';
import type { Collection, Database } from '../../core/index.js';
import {
  buryUnborn,
  headCopyKey,
  headKey,
  keysOf,
  logPrefix,
  removeDeadJobs,
  rootKey,
  tryReadHead,
  tryReadHeadCopy,
} from '../../core/log/index.js';
import { openFileStore } from '../../core/store/adapters/node/index.js';
import { systemClock, systemSleep } from '../../core/system-ports.js';
import { branchesOf, modelsOf, mustBeSound, mustHoldAll } from './check.js';
import type { Part } from './messages.js';
import { storeOf } from './parent-line.js';
import { filesOf, StoreLook } from './store-look.js';
import type { StoredFile } from './store-look.js';

export interface SettleReport {
  /** Of the store before, and in the end, on the disk. */
  readonly bytesBefore: number;
  readonly bytes: number;
  readonly objectsCollected: number;
  readonly leakedBytes: number;
  /** Some of the files that leaked. */
  readonly leaked: readonly string[];
  /** Heads of dropped collections, for ever. */
  readonly tombstones: number;
  readonly tombstoneBytes: number;
  /** Heads that killed creates left without a name, and files of killed writes, which age has to make garbage. */
  readonly orphans: number;
  readonly temporary: number;
  readonly records: number;
}

const COLLECTS_MAX = 30;
/** Passes that delete nothing, until there is nothing left: in some a branch only gives back what it names no more. */
const COLLECTS_IDLE = 3;
const COMPACTS_MAX = 10;
const DAY_MS = 86_400_000;
const LEAKED_SHOWN = 20;

export async function settle(part: Part): Promise<SettleReport> {
  const look = await StoreLook.open(part.folder);
  const bytesBefore = sizeOf(await filesOf(look.folder));
  const orphans = await ageOrphans(look);
  const temporary = await ageTemporary(look);
  // Nobody else is left who could be at work.
  for (const uid of await look.uids()) await removeDeadJobs(look.context(uid), 0);
  const database = await openAtEnd(part);
  try {
    await letGo(database);
    const objectsCollected = await collectAll(database);
    const models = new Map(
      [...modelsOf(part)].map(([name, lanes]) => {
        // Snapshots were deleted just now.
        for (const { snapshots } of lanes) snapshots.clear();
        return [name, lanes];
      }),
    );
    await mustHoldAll(database, models, branchesOf(part));
    const { garbageBytes } = await mustBeSound(database);
    assert.equal(garbageBytes, 0, 'the scrub sees no garbage after the last collection');
    await sweepNames(look);
    const records = [...models.values()].flat().reduce((sum, model) => sum + model.records.size, 0);
    return { ...(await leftOver(look)), bytesBefore, objectsCollected, orphans, temporary, records };
  } finally {
    await database.close();
  }
}

/** Where the fence is skipped, its minute passes at once: nobody is in the middle of what it waits for. */
async function openAtEnd(part: Part): Promise<Database> {
  if (!part.skipFence) return await open(storeOf(part), { createStore: false });
  let skippedMs = 0;
  return await open(storeOf(part), {
    createStore: false,
    clock: {
      wallMs: () => systemClock.wallMs() + skippedMs,
      monotonicMs: () => systemClock.monotonicMs() + skippedMs,
    },
    sleep: async (ms, signal) => {
      if (ms < limits.fenceMs) return await systemSleep(ms, signal);
      skippedMs += ms;
    },
  });
}

/** No snapshot, no retention, no log, and few segments. */
async function letGo(database: Database): Promise<void> {
  const { collections } = await database.listCollections({ limit: 1_000 });
  // At once, because each waits for one commit after the other.
  await Promise.all(collections.map(({ name }) => moveOn(database.collection(name))));
  for (const { name } of collections) {
    const collection = database.collection(name);
    await collection.update({ retentionHours: 0 });
    for (const snapshot of await collection.listSnapshots()) await collection.deleteSnapshot(snapshot.name);
    for (let run = 0; ; run++) {
      const { foldedSlots, segmentsMerged, segmentsWritten } = await collection.compact();
      if (foldedSlots + segmentsMerged + segmentsWritten === 0) break;
      assert.ok(run < COMPACTS_MAX, `${name} is compacted without an end`);
    }
  }
}

/**
 * By as many slots as a batch may wait for one: until then it stays, even where it took effect, or never will. The slots hold
 * nothing.
 */
async function moveOn(collection: Collection): Promise<void> {
  for (let slot = 0; slot <= limits.eligibleSlots; slot++) await collection.delete({ ids: ['of no lane'] });
}

async function collectAll(database: Database): Promise<number> {
  for (let [run, idle, total] = [0, 0, 0]; run < COLLECTS_MAX; run++) {
    const { objects } = await database.collect();
    idle = objects === 0 ? idle + 1 : 0;
    if (idle === COLLECTS_IDLE) return total;
    total += objects;
  }
  throw new Error(`collect finds something after ${COLLECTS_MAX} runs`);
}

/**
 * A head that no name leads to is of a create that died, or is under way: a collector waits a day to tell. Makes them that old.
 * Answers with how many there are.
 */
async function ageOrphans(look: StoreLook): Promise<number> {
  const old = new Date(Date.now() - 2 * DAY_MS);
  const database = await open(`file:${look.folder}`, { createStore: false });
  const { collections } = await database.scrub();
  await database.close();
  const orphans = collections.filter(({ findings }) => findings.some(({ code }) => code === 'head_unnamed'));
  for (const { uid } of orphans) await utimes(join(look.folder, 'c', uid, 'head.obj'), old, old);
  return orphans.length + (await buryBranches(look));
}

/** A branch that has no head is of a create that died too, and its parent's head says when. Answers with how many there are. */
async function buryBranches(look: StoreLook): Promise<number> {
  let unborn = 0;
  for (const uid of await look.uids()) {
    const parent = await tryReadHead(look.context(uid));
    for (const branch of parent?.head.branches ?? [])
      if ((await tryReadHead(look.context(branch.uid))) === undefined) unborn++;
    if (parent !== undefined) await buryUnborn(look.context(uid), parent.head, 0);
  }
  return unborn;
}

/** Files of killed writes are swept by the next process to open the store, once they are old. */
async function ageTemporary(look: StoreLook): Promise<number> {
  const folder = join(look.folder, '~tmp');
  const old = new Date(Date.now() - 2 * DAY_MS);
  const names = await readdir(folder);
  await Promise.all(names.map((name) => utimes(join(folder, name), old, old)));
  return names.length;
}

/** A write that was killed once its file had its name left another name of it, which stays for as long as the first. */
async function sweepNames(look: StoreLook): Promise<void> {
  await ageTemporary(look);
  await openFileStore(look.folder, { create: false });
}

type Left = Pick<SettleReport, 'bytes' | 'leakedBytes' | 'leaked' | 'tombstones' | 'tombstoneBytes'>;

async function leftOver(look: StoreLook): Promise<Left> {
  const explained = new Set<string>();
  let [tombstones, tombstoneBytes] = [0, 0];
  const listed = await look.store.list('');
  const sizes = new Map(listed.map(({ key, size }) => [key, size]));
  for (const uid of await look.uids()) {
    const head = (await tryReadHead(look.context(uid)))?.head;
    explained.add(headKey(uid));
    if (head?.state === 'active') {
      explained.add(rootKey(uid));
      for (const key of keysOf(head)) explained.add(key);
      const [highest] = await look.store.list(logPrefix(uid), { limit: 1 });
      if (highest !== undefined) explained.add(highest.key);
    } else {
      tombstones++;
      tombstoneBytes += sizes.get(headKey(uid)) ?? 0;
    }
    for (const { version } of head?.branches ?? []) {
      explained.add(headCopyKey(uid, version));
      const copy = await tryReadHeadCopy(look.context(uid), version);
      for (const key of copy === undefined ? [] : keysOf(copy.head)) explained.add(key);
    }
  }
  const isSmall = (key: string): boolean => key.startsWith('catalog/') || key.startsWith('work/');
  const unexplained = listed.filter(({ key }) => !explained.has(key) && !isSmall(key));
  const files = await filesOf(look.folder);
  const superfluous = superfluousFiles(files);
  const leaked = [
    ...unexplained.map(({ key, size }) => ({ path: key, bytes: size })),
    ...superfluous.map(({ path, bytes }) => ({ path, bytes })),
  ];
  return {
    bytes: sizeOf(files),
    leakedBytes: sizeOf(leaked),
    leaked: leaked.slice(0, LEAKED_SHOWN).map(({ path, bytes }) => `${path} (${bytes} bytes)`),
    ...{ tombstones, tombstoneBytes },
  };
}

/** Files that hold no object: what is temporary, and generations below those that are kept. */
function superfluousFiles(files: readonly StoredFile[]): readonly StoredFile[] {
  const generations = new Map<string, StoredFile[]>();
  for (const file of files) {
    const [, object] = /^(.+\.gen)\/\d+$/.exec(file.path) ?? [];
    if (object !== undefined) generations.set(object, [...(generations.get(object) ?? []), file]);
  }
  const number = ({ path }: StoredFile): number => Number(path.slice(path.lastIndexOf('/') + 1));
  const old = [...generations.values()].flatMap((of) =>
    of.toSorted((a, b) => number(b) - number(a)).slice(limits.generationsKept + 1),
  );
  return [...old, ...files.filter(({ path }) => path.startsWith('~tmp/'))];
}

function sizeOf(files: readonly { readonly bytes: number }[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
