/**
 * The maintenance thread of the Node server: the real one, from the build, on a file store that the test has open too.
 *
 * Held: it compacts what it is asked to, and says why where it cannot; whoever waits for it is told when it ends, is
 * stopped or called off; one that crashed is started again, by time and by the next compaction, and works on.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MaintenanceThread } from '../../functions/node/index.js';
import type { MaintenanceThreadOptions } from '../../functions/node/index.js';
import { open } from '../../core/index.js';
import type { Database } from '../../core/index.js';
import { root } from '../../scripts/set-up.mjs';
import { until } from './harness.js';

const built = join(root, 'dist/functions/node/maintenance-worker.js');
/** What no test waits for. */
const NEVER_MS = 3_600_000;
const DIMENSION = 32;

let folder: string;
let database: Database;
let workers: Worker[];
let failures: string[];
let thread: MaintenanceThread;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cairn-thread-'));
  database = await open(`file:${folder}`);
  await database.createCollection('papers', { dimension: DIMENSION, metric: 'euclidean' });
  workers = [];
  failures = [];
});

afterEach(async () => {
  await thread.stop();
  await database.close();
  await rm(folder, { recursive: true });
});

function make(options: Partial<MaintenanceThreadOptions> = {}): MaintenanceThread {
  thread = new MaintenanceThread({
    store: `file:${folder}`,
    options: {},
    memoryBudgetBytes: 268_435_456,
    intervalMs: 100,
    restartMs: NEVER_MS,
    onFailure: (failure) => failures.push(failure),
    newWorker: (workerData) => {
      const worker = new Worker(built, { workerData });
      workers.push(worker);
      return worker;
    },
    ...options,
  });
  return thread;
}

async function upsert(rows: number): Promise<void> {
  const vectors = Float32Array.from({ length: rows * DIMENSION }, (_, i) => Math.sin(i * i));
  const ids = Array.from({ length: rows }, (_, i) => `r${i}`);
  await database.collection('papers').upsert({ ids, vectors });
}

const compact = (signal = new AbortController().signal, collection = 'papers') =>
  thread.compact({ collection, minor: false, signal });

describe('a compaction asked of the thread', () => {
  test('is done there, and its answer comes back', async () => {
    await upsert(10);
    make().start();
    expect(await compact()).toEqual({
      foldedSlots: 1,
      segmentsWritten: 1,
      segmentsMerged: 0,
      rowsIn: 10,
      rowsWritten: 10,
      rowsDropped: 0,
      bytesWritten: expect.any(Number) as number,
      sequence: 1,
      more: false,
      tooLarge: false,
    });
    const { log } = await database.collection('papers').stats();
    expect(log.foldedSequence).toBe(1);
  });

  test('fails with the error that it failed with there', async () => {
    make().start();
    await expect(compact(undefined, 'nobody')).rejects.toMatchObject({
      name: 'CairnError',
      kind: 'not_found',
      code: 'collection_not_found',
      message: 'there is no collection nobody',
      details: { collection: 'nobody' },
    });
  });

  test('fails where the store cannot be opened there, which the log of the server tells too', async () => {
    make({ store: `file:${join(folder, 'nowhere')}` });
    await expect(compact()).rejects.toMatchObject({ kind: 'not_found', code: 'store_not_found' });
    await until(() => failures.length > 0);
    expect(failures[0]).toContain('there is no store directory');
  });

  test('is called off by its signal, and the thread goes on', async () => {
    await upsert(9_000);
    make().start();
    const caller = new AbortController();
    const asked = compact(caller.signal);
    await until(async () => (await headVersion()) === 2);
    caller.abort();
    await expect(asked).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'compaction_cancelled',
      outcome: 'not_applied',
    });
    await expect(compact(caller.signal)).rejects.toMatchObject({ code: 'compaction_cancelled' });
    expect(await compact()).toMatchObject({ rowsWritten: 9_000 });
  });

  test('ends where the thread is told to stop, and none begins after that', async () => {
    await upsert(9_000);
    make().start();
    const asked = compact();
    await until(async () => (await headVersion()) === 2);
    const [ended] = await Promise.allSettled([asked, thread.stop()]);
    expect(ended).toMatchObject({ status: 'rejected', reason: { code: 'compaction_cancelled' } });
    await expect(compact()).rejects.toMatchObject({ code: 'compaction_cancelled' });
    expect(workers).toHaveLength(1);
    expect(await headVersion()).toBe(3);
  });
});

/** 1 where nothing has happened to the collection; 2 once it lists a job; 3 where that is gone, or has committed. */
async function headVersion(): Promise<number> {
  return (await database.collection('papers').stats()).head.version;
}

describe('a thread that crashed', () => {
  test('tells whoever waits for it, and does what is asked of it next', async () => {
    await upsert(9_000);
    make().start();
    const asked = compact();
    await until(async () => (await headVersion()) === 2);
    await workers[0]!.terminate();
    await expect(asked).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'compactor_lost',
      outcome: 'unknown',
    });
    expect(failures).toEqual([expect.stringMatching(/^the maintenance thread has ended/)]);
    await upsert(5);
    expect(await compact()).toMatchObject({ sequence: 2 });
    expect(workers).toHaveLength(2);
  });

  test('is started again after a while, and maintains', async () => {
    const mark = join(folder, 'work/pass.obj');
    make({ restartMs: 20 }).start();
    await until(() => existsSync(mark));
    await workers[0]!.terminate();
    await rm(mark);
    // The pass of the day is the first thing that a new thread does.
    await until(() => existsSync(mark));
    expect(workers).toHaveLength(2);
    await upsert(5);
    expect(await compact()).toMatchObject({ rowsWritten: 5 });
  });

  test('is not started again where it was told to stop', async () => {
    make({ restartMs: 1 }).start();
    await compact();
    await thread.stop();
    await new Promise((resolve) => setTimeout(resolve, 50));
    thread.start();
    expect(workers).toHaveLength(1);
  });
});
