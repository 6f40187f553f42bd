/**
 * The comparison of everything: a process that has just begun reads all that is stored, while the lanes are at rest, and holds it
 * against their journals, then has the whole store scrubbed. Compactor and collector may be at work meanwhile.
 */
import assert from 'node:assert/strict';
import { open } from '../../core/index.js';
import type { Collection, Database } from '../../core/index.js';
import type { LaneModel } from './lane-model.js';
import { readModel } from './journal.js';
import { lanesOf, SHARED } from './lanes.js';
import { scanAll } from './lookups.js';
import type { CheckReport, Part } from './messages.js';
import { journalOf, storeOf } from './parent-line.js';
import { faultOfAll } from './records.js';
import type { Records } from './records.js';

const PAGE = 2_000;

export async function check(part: Part): Promise<CheckReport> {
  const database = await open(storeOf(part), { createStore: false });
  try {
    const models = modelsOf(part);
    await mustHoldAll(database, models, branchesOf(part));
    const scrubbed = await mustBeSound(database);
    const all = [...models.values()].flat();
    return {
      records: all.reduce((sum, { records }) => sum + records.size, 0),
      collections: models.size,
      snapshots: all.reduce((sum, { snapshots }) => sum + snapshots.size, 0),
      ...scrubbed,
    };
  } finally {
    await database.close();
  }
}

function* lanesIn(part: Part): Generator<LaneModel> {
  for (let worker = 0; worker < part.workers; worker++)
    for (const lane of lanesOf(worker)) yield readModel(journalOf(part, lane.number), lane);
}

/** By collection, those that there are. */
export function modelsOf(part: Part): ReadonlyMap<string, readonly LaneModel[]> {
  const models = new Map<string, LaneModel[]>(Object.keys(SHARED).map((name) => [name, []]));
  for (const model of lanesIn(part)) {
    const { collection } = model.lane;
    if (model.exists) models.set(collection, [...(models.get(collection) ?? []), model]);
  }
  return models;
}

/** What a branch holds of the lane that made it; of other lanes only they know what was there at that moment. */
interface BranchModel {
  readonly lane: number;
  readonly records: Records;
}

export function branchesOf(part: Part): ReadonlyMap<string, BranchModel> {
  const all = new Map<string, BranchModel>();
  for (const { lane, branches } of lanesIn(part))
    for (const [name, records] of branches) all.set(name, { lane: lane.number, records });
  return all;
}

export async function mustHoldAll(
  database: Database,
  models: ReadonlyMap<string, readonly LaneModel[]>,
  branches: ReadonlyMap<string, BranchModel>,
): Promise<void> {
  const { collections } = await database.listCollections({ limit: 1_000 });
  const names = collections.map(({ name }) => name);
  assert.deepEqual(names, [...models.keys(), ...branches.keys()].toSorted(), 'collections');
  for (const [name, lanes] of models) await mustHold(database.collection(name), lanes);
  for (const [name, { lane, records }] of branches) {
    const input = { filter: { lane }, includeDeleted: true };
    const fault = faultOfAll(await scanAll(database.collection(name), input, PAGE), records);
    assert.equal(fault, undefined, `${name}: ${fault}`);
  }
}

async function mustHold(collection: Collection, lanes: readonly LaneModel[]): Promise<void> {
  const { name } = collection;
  const all: Records = new Map(lanes.flatMap(({ records }) => [...records]));
  const read = await scanAll(collection, { includeDeleted: true }, PAGE);
  const fault = faultOfAll(read, all);
  assert.equal(fault, undefined, `${name}: ${fault}`);
  const { count } = await collection.count();
  assert.equal(count, [...all.values()].filter(({ hidden }) => !hidden).length, `count of ${name}`);
  const expected = lanes.flatMap(({ snapshots }) => [...snapshots.keys()]).toSorted();
  const listed = await collection.listSnapshots();
  const found = listed.map((snapshot) => snapshot.name).toSorted();
  assert.deepEqual(found, expected, `snapshots of ${name}`);
  for (const { lane, snapshots } of lanes) {
    for (const [snapshot, { sequence, records }] of snapshots) {
      const filter = { lane: lane.number };
      const then = await scanAll(collection, { filter, asOf: sequence, includeDeleted: true }, PAGE);
      const wrong = faultOfAll(then, records);
      assert.equal(wrong, undefined, `${name}, snapshot ${snapshot} at ${sequence}: ${wrong}`);
    }
  }
}

export async function mustBeSound(
  database: Database,
): Promise<Pick<CheckReport, 'notices' | 'garbageBytes'>> {
  const result = await database.scrub();
  const findings = [result, ...result.collections].flatMap((place) => place.findings);
  const errors = findings.filter(({ severity }) => severity === 'error');
  assert.deepEqual(errors, [], 'a scrub of the whole store finds no error');
  assert.equal(result.errorsTotal, 0, 'errors of the scrub');
  const garbageBytes = result.collections.reduce((sum, { garbage }) => sum + garbage.bytes, 0);
  return { notices: result.noticesTotal, garbageBytes };
}
