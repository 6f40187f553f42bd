/**
 * Whoever links rows, the graph is the same to the byte: an index is built without other threads and with one and three, of real
 * vectors and generated ones of every metric, with copies of one row among them, and where all rows are alike; and where threads
 * stand still or end in the middle. A collection that is compacted by threads answers as one that is not.
 */
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import type * as indexes from '../../core/index/index.js';
import type * as kernels from '../../core/kernel/index.js';
import type * as threads from '../../core/threads/adapters/node/index.js';
import type { Random } from '../../core/index.js';
import { ROW_LOCKS_OFFSET } from '../../core/kernel/layout.js';
import { root } from '../../scripts/set-up.mjs';
import { numberSource } from '../kernel/number-source.js';
import {
  abstracts,
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

const dist = (path: string): string => join(root, 'dist/core', path, 'index.js');
const { IndexBuilder, RangeTrainer, trainProjection } = (await import(dist('index'))) as typeof indexes;
const { Kernel, compileEmbeddedKernel } = (await import(dist('kernel'))) as typeof kernels;
const { nodeThreads } = (await import(dist('threads/adapters/node'))) as typeof threads;

const memoryBudgetBytes = 256 * 1024 * 1024;
const folders: string[] = [];
let close: (() => Promise<void>) | undefined;

afterEach(async () => {
  await close?.();
  close = undefined;
  folders.splice(0).forEach(remove);
});

/** What builds a graph of rows, by so many other threads. Call `close` once it is built. */
async function begin({ vectors, dimension, metric }: Rows, count: number) {
  const started = count === 0 ? undefined : await nodeThreads(count);
  const module = started?.module ?? (await compileEmbeddedKernel());
  const kernel = new Kernel(module, { memoryBudgetBytes, shared: started !== undefined });
  const pool = started?.open(kernel.pool);
  close = pool && (() => pool.close());
  const ranges = new RangeTrainer(dimension, metric);
  ranges.add(vectors);
  const rows = vectors.length / dimension;
  const usedBytes = kernel.pool.usage().usedBytes;
  const given = vi.spyOn(kernel.pool, 'acquire');
  const builder = new IndexBuilder(kernel.pool, {
    shape: { dimension, metric, rows },
    params: ranges.finish(),
    // Of few links: nodes of upper levels are many, so that they are inserted together.
    graph: { m: 6, efConstruction: 64, seed: 11 },
    projection: trainProjection(kernel.pool, vectors.subarray(0, 2_000 * dimension), {
      ...{ dimension, metric, seed: 5 },
    }),
    extraResidentBytes: 0,
    threads: pool,
  });
  const arena = given.mock.results[0]!.value as kernels.Arena;
  builder.encode(0, vectors);
  if (pool !== undefined) await threadsHaveStarted();
  return {
    builder,
    link: () => builder.link(Uint32Array.from({ length: rows }, (_, i) => (i * 7_919) % rows)),
    arena,
    locks: arena.u32.subarray(ROW_LOCKS_OFFSET / 4, ROW_LOCKS_OFFSET / 4 + 16),
    mustHaveAllBack: () => expect(kernel.pool.usage().usedBytes).toBe(usedBytes),
  };
}

type Begun = Awaited<ReturnType<typeof begin>>;

async function finish({ builder, mustHaveAllBack }: Begun): Promise<readonly Uint8Array[]> {
  for (const _ of builder.connect());
  const sections = builder.sections().map(({ bytes }) => Uint8Array.from(bytes));
  builder.release();
  mustHaveAllBack();
  await close?.();
  close = undefined;
  return sections;
}

/** The sections of a graph of the rows. */
async function built(rows: Rows, count: number): Promise<readonly Uint8Array[]> {
  const begun = await begin(rows, count);
  let turns = 0;
  for (const _ of begun.link()) {
    turns++;
    // Now and then, as whoever builds gives way: threads end and begin meanwhile.
    if (turns % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return await finish(begun);
}

/** Links by threads that come to wait for locks that nobody gives back: `whenWaiting` is called then. */
async function linkWhileHeld({ arena, link, locks }: Begun, whenWaiting: () => void): Promise<void> {
  const { exports } = arena;
  let waits = 0;
  Object.assign(arena, {
    exports: {
      ...exports,
      offerPairs: (...args: Parameters<typeof exports.offerPairs>) => {
        const done = exports.offerPairs(...args);
        if (done === 0) waits++;
        return done;
      },
    },
  });
  let isWaiting = false;
  for (const _ of link()) {
    // The others have long begun what they were given by then, each a tenth of a second later.
    if (waits >= 3 && !isWaiting) whenWaiting();
    isWaiting ||= waits >= 3;
    // Held anew each time: a thread that had one has given it back.
    if (!isWaiting) locks.fill(1);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function mustBeSame(rows: Rows, counts: readonly number[]): Promise<void> {
  const alone = await built(rows, 0);
  expect(alone.length).toBeGreaterThanOrEqual(6);
  for (const count of counts) expect(await built(rows, count)).toEqual(alone);
}

test.skipIf(!hasData)('of real vectors', async () => {
  await mustBeSame(abstracts(4_009, 0), [1, 3]);
});

test.each(['euclidean', 'dot', 'manhattan', 'cosine'] as const)(
  'of generated vectors by %s',
  async (metric) => {
    const rows = generated(3_003, 0, metric);
    for (let row = 1_000; row < 1_400; row++) rows.vectors.copyWithin(row * 48, 0, 48);
    await mustBeSame(rows, [2]);
  },
);

test('of rows that are all alike', async () => {
  const rows = generated(2_001, 0, 'euclidean');
  for (let row = 1; row < 2_001; row++) rows.vectors.copyWithin(row * 48, 0, 48);
  await mustBeSame(rows, [2]);
});

const many = generated(9_001, 0, 'euclidean');

test('a thread that has no core for long, in the middle of what it offers, is waited for', async () => {
  const begun = await begin(many, 2);
  const told = vi.fn<() => void>(() => void begun.locks.fill(0));
  await linkWhileHeld(begun, told);
  expect(told).toHaveBeenCalledOnce();
  expect(await finish(begun)).toEqual(await built(many, 0));
});

test('a thread that ends in the middle fails what is built, and the memory comes back', async () => {
  const before = workers.length;
  const begun = await begin(many, 2);
  // The other one waits for the same.
  const link = linkWhileHeld(begun, () => void workers[before]!.terminate());
  await expect(link).rejects.toMatchObject({ code: 'thread_lost' });
  begun.builder.release();
  begun.mustHaveAllBack();
});

test('a compaction by threads answers as one without', async () => {
  const rows = generated(6_000, 20, 'euclidean');
  const answers = [];
  for (const threads of [0, 2]) {
    const folder = newFolder();
    folders.push(folder);
    // The same chance for both: it decides where a graph begins.
    const next = numberSource(9);
    const random: Random = {
      fill: (target) => {
        target.forEach((_, i) => (target[i] = Math.floor(128 * (next() + 1))));
        return target;
      },
    };
    const database = await open(`file:${folder}`, { threads, random });
    close = () => database.close();
    if (threads > 0) await threadsHaveStarted();
    const papers = await database.createCollection('papers', { dimension: 48, metric: 'euclidean' });
    await upsert(papers, rows, 0, 6_000);
    await papers.compact();
    const found = await Promise.all(
      rows.queries.map((vector) => papers.query({ vector, ef: 40, include: [] })),
    );
    answers.push(found.map(({ matches }) => matches));
    await database.close();
    close = undefined;
  }
  expect(answers[1]).toEqual(answers[0]);
});
