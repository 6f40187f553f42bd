/**
 * Whoever searches, the answer is the same to the bit: one store is opened without threads and with one, two and three, and asked
 * the same, all at once, in every way that an index answers differently. Real vectors, generated ones of every metric; segments with
 * graphs and tiny ones, with rows deleted and replaced since.
 */
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { Database } from '../../core/index.js';
import {
  abstracts,
  ask,
  generated,
  hasData,
  newFolder,
  open,
  remove,
  threadsHaveStarted,
  upsert,
  workers,
} from './world.js';
import type { Rows } from './world.js';

const folders: string[] = [];
let database: Database | undefined;

afterEach(() => database?.close());
afterAll(() => folders.forEach(remove));

/** Segments of most rows and of few, rows deleted and replaced, and a log. */
async function fill(rows: Rows): Promise<string> {
  const store = `file:${newFolder()}`;
  folders.push(store.slice('file:'.length));
  database = await open(store);
  const { metric, dimension, vectors } = rows;
  const papers = await database.createCollection('papers', { dimension, metric });
  const count = vectors.length / dimension;
  await upsert(papers, rows, 0, count - 600);
  await papers.compact();
  await upsert(papers, rows, count - 600, count - 300);
  await papers.compact({ minor: true });
  await papers.delete({ filter: { hundred: 42 } });
  await papers.delete({ ids: ['r3'], soft: true });
  await upsert(papers, rows, count - 320, count);
  await database.close();
  return store;
}

async function answersWith(store: string, threads: number, rows: Rows): Promise<unknown> {
  const before = workers.length;
  database = await open(store, { threads });
  const papers = database.collection('papers');
  const cold = await ask(papers, rows);
  if (threads > 0) await threadsHaveStarted();
  const warm = await ask(papers, rows);
  expect(warm).toEqual(cold);
  const together = await papers.queryMany(rows.queries.map((vector) => ({ vector, include: [] })));
  await database.close();
  expect(workers.length).toBe(before + threads);
  return [warm, together.map(({ matches }) => matches)];
}

async function mustBeSame(rows: Rows): Promise<void> {
  const store = await fill(rows);
  const alone = await answersWith(store, 0, rows);
  for (const threads of [1, 2, 3]) expect(await answersWith(store, threads, rows)).toEqual(alone);
}

test.skipIf(!hasData)('of real vectors', async () => {
  await mustBeSame(abstracts(8_000, 30));
});

describe.each(['euclidean', 'dot', 'manhattan', 'cosine'] as const)('of generated vectors', (metric) => {
  test(`compared by ${metric}`, async () => {
    await mustBeSame(generated(6_000, 20, metric));
  });
});
