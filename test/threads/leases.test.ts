/**
 * No index leaves memory under a thread that searches it, and nobody waits for a thread that is gone.
 *
 * Held: while indexes that do not fit together push each other out, collections are compacted and dropped, and threads are ended in
 * the middle, each query finds what it finds without threads, or fails because its collection is gone; what closes waits for what
 * is under way; the memory comes back.
 */
import { execFile } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Collection, Database, Match } from '../../core/index.js';
import { root } from '../../scripts/set-up.mjs';
import { generated, newFolder, open, remove, threadsHaveStarted, upsert, workers } from './world.js';
import type { Rows } from './world.js';

const rows: Rows = generated(5_000, 40, 'euclidean', 64);
const NAMES = ['a', 'b', 'c'];

/** The store that each test begins with a copy of. */
let scene: string;
let folder: string;
let database: Database;

beforeAll(async () => {
  scene = newFolder();
  database = await open(`file:${scene}`);
  for (const name of NAMES) {
    const collection = await database.createCollection(name, { dimension: 64, metric: 'euclidean' });
    await upsert(collection, rows, 0, 5_000);
    await collection.compact();
  }
  await database.close();
});
afterAll(() => remove(scene));

beforeEach(() => {
  folder = newFolder();
  cpSync(scene, folder, { recursive: true, preserveTimestamps: true });
});

afterEach(async () => {
  await database.close();
  remove(folder);
});

async function openWith(threads: number, memoryBudgetBytes = 1024 ** 3): Promise<void> {
  database = await open(`file:${folder}`, { threads, memoryBudgetBytes });
}

/** A search of some milliseconds: in whatever middle something happens, threads are at it. */
function ask(collection: Collection, i: number): Promise<readonly Match[]> {
  const vector = rows.queries[i % rows.queries.length]!;
  return collection
    .query({ vector, include: [], ef: 3_000, k: 20, consistency: 'eventual' })
    .then(({ matches }) => matches);
}

async function expected(): Promise<readonly (readonly Match[])[]> {
  await openWith(0);
  const all = await Promise.all(rows.queries.map((_, i) => ask(database.collection('a'), i)));
  await database.close();
  return all;
}

test('while indexes that do not fit together push each other out', async () => {
  const right = await expected();
  // One index of 5,000 x 64 and its searches take a memory of 4 MiB: there is room for one.
  await openWith(2, 8 * 1024 * 1024);
  await threadsHaveStarted();
  const found: { readonly i: number; readonly matches: Promise<readonly Match[]> }[] = [];
  for (let round = 0; round < 12; round++) {
    const name = round % 2 === 0 ? 'a' : 'b';
    const other = round % 2 === 0 ? 'b' : 'a';
    await ask(database.collection(name), 0);
    // It is in memory now: these are with the threads, or wait for them, when the other one needs the room.
    const asked = Array.from({ length: 60 }, (_, i) => ({ i, matches: ask(database.collection(name), i) }));
    found.push(...asked, { i: round, matches: ask(database.collection(other), round) });
    await Promise.all(found.map(({ matches }) => matches));
  }
  for (const { i, matches } of found) expect(await matches).toEqual(right[i % rows.queries.length]);
  const { budgetBytes, arenaBytes, idleArenaBytes } = database.memoryUsage();
  expect(arenaBytes + idleArenaBytes).toBeLessThanOrEqual(budgetBytes);
});

test('while collections are compacted and dropped', async () => {
  await openWith(2);
  const [a, b, c] = NAMES.map((name) => database.collection(name));
  const right = await Promise.all(rows.queries.map((_, i) => ask(a!, i)));
  const isGone = (error: unknown): undefined => {
    expect(error).toMatchObject({ code: 'collection_not_found' });
    return undefined;
  };
  const asking = Array.from({ length: 8 }, async (_, lane) => {
    for (let i = lane; i < 400; i += 8) {
      expect(await ask(a!, i)).toEqual(right[i % rows.queries.length]);
      await ask(b!, i);
      await ask(c!, i).catch(isGone);
    }
  });
  const changing = (async () => {
    for (let round = 0; round < 4; round++) {
      await upsert(b!, rows, round * 500, (round + 1) * 500);
      await b!.compact();
    }
    await database.dropCollection('c');
  })();
  await Promise.all([...asking, changing]);
});

test('where threads are ended in the middle, all of them in the end', async () => {
  const right = await expected();
  const before = workers.length;
  await openWith(2);
  const a = database.collection('a');
  await ask(a, 0);
  await threadsHaveStarted();
  const started = workers.slice(before);
  expect(started).toHaveLength(2);
  for (const worker of started) {
    const asked = Array.from({ length: 200 }, (_, i) => ask(a, i));
    await new Promise((resolve) => setTimeout(resolve, 20));
    const ended = worker.terminate();
    const found = await Promise.all(asked);
    await ended;
    found.forEach((matches, i) => expect(matches).toEqual(right[i % rows.queries.length]));
  }
  expect(await ask(a, 1)).toEqual(right[1]);
});

test('closing waits for what is under way, and gives the memory back', async () => {
  const right = await expected();
  const before = workers.length;
  await openWith(3);
  await ask(database.collection('a'), 0);
  const asked = Array.from({ length: 100 }, (_, i) => ask(database.collection('a'), i));
  const ends = workers.slice(before).map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
  await database.close();
  (await Promise.all(asked)).forEach((matches, i) => expect(matches).toEqual(right[i % rows.queries.length]));
  expect(await Promise.all(ends)).toHaveLength(3);
});

test('scratch of each thread and what jobs are passed in count in the budget', async () => {
  const wide = generated(16_000, 1, 'euclidean', 16);
  await openWith(0);
  const collection = await database.createCollection('wide', { dimension: 16, metric: 'euclidean' });
  await upsert(collection, wide, 0, 16_000);
  await collection.compact();
  await database.close();
  const taken = async (threads: number): Promise<{ open: number; searched: number }> => {
    await openWith(threads);
    const opened = database.memoryUsage().arenaBytes;
    const vector = wide.queries[0]!;
    await database.collection('wide').query({ vector });
    const searched = database.memoryUsage().arenaBytes;
    await database.close();
    return { open: opened, searched };
  };
  const alone = await taken(0);
  const many = await taken(15);
  expect(many.open - alone.open).toBe(4 * 1024 * 1024 + 65_536);
  // 16,000 x 16 and the scratch of one search fit a memory of 4 MiB, and with that of sixteen searches they do not.
  expect(many.searched - many.open).toBeGreaterThan(alone.searched - alone.open);
});

const endings = { closes: 'await database.close();', 'just ends': '' };
test.each(Object.entries(endings))('a process that %s is kept by no idle thread', async (_, ending) => {
  const script = join(folder, 'user.mjs');
  const text = `import { open } from ${JSON.stringify(join(root, 'dist/core/index.js'))};
const database = await open(${JSON.stringify(`file:${folder}`)}, { threads: 2, createStore: false });
const vector = new Float32Array(64);
const answers = await Promise.all(Array.from({ length: 50 }, () => database.collection('a').query({ vector, ef: 300 })));
${ending}
console.log(answers.length);
`;
  writeFileSync(script, text);
  const { stdout } = await promisify(execFile)(process.execPath, [script], { timeout: 60_000 });
  expect(stdout).toBe('50\n');
});
