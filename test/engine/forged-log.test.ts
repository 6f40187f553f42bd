/**
 * Strategy: slots with valid checksums that no writer of ours would make, because whoever can write to the bucket can
 * compute checksums too. Each must end as a typed `corrupt` error, never as a wrong answer or an internal one.
 */
import { expect, test } from 'vitest';
import { open } from '../../core/index.js';
import type { Database } from '../../core/index.js';
import { CollectionLog, Committer, emptyBatch, NO_COUNTS, prepareBatch } from '../../core/log/index.js';
import type { Batch, LogSink } from '../../core/log/index.js';
import { compileEmbeddedKernel, createDigests, Kernel } from '../../core/kernel/index.js';
import { isUid } from '../../core/base/ids.js';
import { memoryStore } from '../../core/store/index.js';
import { systemClock, systemRandom, systemSleep } from '../../core/system-ports.js';
import { portableDeflate } from '../../core/segment/index.js';

class Nowhere implements LogSink<Nowhere> {
  apply(): void {}
  release(): void {}
  async ready(): Promise<void> {}
  async rebase(): Promise<() => Nowhere> {
    return () => this;
  }
}

/** A database over a collection whose log got one batch past every check of the engine. */
async function withForged(change: Partial<Batch>): Promise<Database> {
  const store = memoryStore({ clock: systemClock });
  const maker = await open('memory:', { store });
  await maker.createCollection('c', { dimension: 2, metric: 'euclidean' });
  await maker.close();
  const [first] = await store.list('c/', { limit: 1 });
  const uid = first!.key.split('/')[1]!;
  if (!isUid(uid)) throw new Error(`no uid in ${first!.key}`);
  const kernel = new Kernel(await compileEmbeddedKernel(), { memoryBudgetBytes: 16_777_216 });
  const digests = createDigests(kernel);
  const ports = {
    clock: systemClock,
    random: systemRandom,
    sleep: systemSleep,
    digests,
    deflate: portableDeflate,
  };
  const log = new CollectionLog({
    context: { store, ports, uid },
    newSink: () => new Nowhere(),
    shareReads: false,
  });
  const batch: Batch = {
    ...emptyBatch(2),
    kinds: new Uint8Array(1),
    ids: ['a'],
    vectors: Float32Array.of(1, 2),
    metadata: ['{"n":1}'],
    ...change,
  };
  await new Committer({ log, groupCommit: false }).commit({
    plan: { prepared: prepareBatch(digests, batch, NO_COUNTS) },
    key: 'k',
    requestHash: '0'.repeat(64),
    firstTail: undefined,
    timeoutMs: 1_000,
  });
  return open('memory:', { store });
}

const corruptObject = { kind: 'corrupt', code: 'corrupt_object' };

test('the forge itself makes what a reader takes', async () => {
  const db = await withForged({});
  const { matches } = await db.collection('c').query({ vector: [1, 2], filter: { n: 1 } });
  expect(matches).toEqual([{ id: 'a', score: 0, metadata: { n: 1 } }]);
});

test.each([
  ['a NaN', Float32Array.of(Number.NaN, 1)],
  ['an infinity', Float32Array.of(1, Number.POSITIVE_INFINITY)],
  ['numbers whose squares overflow', Float32Array.of(3e38, 3e38)],
])('vectors with %s', async (_name, vectors) => {
  const db = await withForged({ vectors });
  await expect(db.collection('c').query({ vector: [1, 2] })).rejects.toMatchObject(corruptObject);
  await expect(db.collection('c').count()).rejects.toMatchObject(corruptObject);
});

test.each(['{', 'null', '[1]', '7', '"text"'])('metadata %s', async (text) => {
  const db = await withForged({ metadata: [text] });
  const collection = db.collection('c');
  await expect(collection.query({ vector: [1, 2] })).rejects.toMatchObject(corruptObject);
  await expect(collection.count({ filter: 'n = 1' })).rejects.toMatchObject(corruptObject);
  await expect(collection.query({ vector: [1, 2], include: [] })).resolves.toMatchObject({
    matches: [{ id: 'a' }],
  });
});
