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
import type { Metric } from '../../core/kernel/index.js';
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
async function withForged(change: Partial<Batch>, metric: Metric = 'euclidean'): Promise<Database> {
  const store = memoryStore({ clock: systemClock });
  const maker = await open('memory:', { store });
  await maker.createCollection('c', { dimension: 2, metric });
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

test.each([
  ['no date', Number.NaN],
  ['a date that no text has', 8.65e15],
])('an expiry that is %s', async (_name, ms) => {
  const db = await withForged({ expiresMs: Float64Array.of(ms) });
  await expect(db.collection('c').scan({ include: ['expires_at'] })).rejects.toMatchObject(corruptObject);
  await expect(db.collection('c').compact()).rejects.toMatchObject(corruptObject);
});

test('an id that is empty', async () => {
  const db = await withForged({ ids: [''] });
  await expect(db.collection('c').scan()).rejects.toMatchObject(corruptObject);
  await expect(db.collection('c').compact()).rejects.toMatchObject(corruptObject);
});

test('a vector without a direction under cosine', async () => {
  const db = await withForged({ vectors: Float32Array.of(0, 0) }, 'cosine');
  await expect(db.collection('c').query({ vector: [1, 2] })).rejects.toMatchObject(corruptObject);
});

test('metadata deeper than any writer leaves', async () => {
  const nested = (depth: number): string => '{"a":'.repeat(depth) + '1' + '}'.repeat(depth);
  const deepest = await withForged({ metadata: [nested(32)] });
  expect((await deepest.collection('c').scan()).records).toHaveLength(1);
  for (const depth of [33, 10_000]) {
    const db = await withForged({ metadata: [nested(depth)] });
    await expect(db.collection('c').scan()).rejects.toMatchObject(corruptObject);
    const patched = db.collection('c').patch({ records: [{ id: 'a', metadata: { n: 1 } }] });
    await expect(patched).rejects.toMatchObject(corruptObject);
  }
});

test.each(['{"__proto__":{"n":1}}', '{"n":1e999}'])('metadata that no writer leaves: %s', async (text) => {
  const db = await withForged({ metadata: [text] });
  const patch = { records: [{ id: 'a', metadata: { m: 1 } }] };
  // What is wrong is not what the caller asked for.
  await expect(db.collection('c').patch(patch)).rejects.toMatchObject(corruptObject);
  await expect(db.collection('c').patch({ ...patch, mode: 'replace' })).resolves.toMatchObject({
    patched: 1,
  });
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
