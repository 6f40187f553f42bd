/**
 * What a handler of the edge tier makes of work that is large. Strategy: the largest merge that it begins, over rows that lie as
 * badly as can be, with every request counted; and collections of the server tier that are more than it holds, which it has to leave
 * to others without failing, and without holding up the rest.
 */
import { expect, it } from 'vitest';
import { limits, tierLimits } from '../../core/base/limits.js';
import { workOf } from '../../core/engine/compaction/policy.js';
import type { Database } from '../../core/index.js';
import { meteringStore } from '../../core/store/index.js';
import { fenceSleep, newBench, seededRandom } from './fixture.js';
import type { Bench } from './fixture.js';

const EDGE = { tier: 'edge', memoryBudgetBytes: 96_000_000, shareRequests: false } as const;

function randomVectors(rows: number, dimension: number, seed: number): Float32Array {
  const bytes = seededRandom(seed).fill(new Uint8Array(rows * dimension));
  return Float32Array.from(bytes, (byte) => byte - 127.5);
}

it('makes no more requests in its largest merge than an invocation may', async () => {
  const { mergeInputs, mergeBytes, run } = tierLimits.edge;
  const [rows, dimension] = [1_000, 784];
  const invocation = { limit: limits.invocationRequests, used: 0 };
  const bench = newBench();
  const store = meteringStore(bench.store, { current: () => invocation });
  const db = await bench.openAgain({ store, ...EDGE });
  await db.createCollection('c', { dimension, metric: 'euclidean' });
  const collection = db.collection('c');
  for (let segment = 0; segment < mergeInputs; segment++) {
    invocation.used = 0;
    const ids = Array.from({ length: rows }, (_, i) => `r${segment}-${i}`);
    await collection.upsert({ ids, vectors: randomVectors(rows, dimension, segment) });
    await collection.compact({ minor: true });
  }
  const before = (await collection.stats()).segments;
  const bytes = before.reduce((sum, segment) => sum + segment.bytes, 0);
  expect(bytes).toBeGreaterThan(0.9 * mergeBytes);
  invocation.used = 0;
  const { segmentsMerged, rowsWritten, more } = await collection.compact();
  expect({ segmentsMerged, rowsWritten, more }).toEqual({
    segmentsMerged: mergeInputs,
    rowsWritten: mergeInputs * rows,
    more: false,
  });
  const [after] = (await collection.stats()).segments;
  expect(after).toMatchObject({ graph: true });
  const size = { dimension, logRows: 0, logBytes: 0, inputs: before, segments: mergeInputs };
  expect(invocation.used).toBeLessThan(workOf(size).requests);
  expect(workOf(size).requests).toBeLessThan(run.requests);
  await db.close();
}, 60_000);

it('estimates no job at more than an invocation may do', () => {
  const { mergeInputs, mergeBytes, logBytes, run } = tierLimits.edge;
  const inputs = Array.from({ length: mergeInputs }, () => ({ live: 0, bytes: mergeBytes / mergeInputs }));
  // With as many segments beside as there are before writers fold no more.
  const { requests, bytes } = workOf({ dimension: 1, logRows: 0, logBytes, inputs, segments: 64 });
  expect(requests).toBeLessThan(limits.invocationRequests - limits.invocationReserve - run.requests / 8);
  expect(bytes).toBeLessThan(run.bytes);
});

const ROWS = 900;
const DOCUMENT_BYTES = 60_000;

/** Documents that nothing shortens: more bytes than a handler of the edge tier merges, in few rows. */
async function writeLarge(db: Database, from: number): Promise<void> {
  const text = (n: number): string => {
    const bytes = seededRandom(n + 1).fill(new Uint8Array((DOCUMENT_BYTES * 3) / 4));
    return Buffer.from(bytes).toString('base64');
  };
  for (let at = from; at < from + ROWS; at += 100) {
    const records = Array.from({ length: 100 }, (_, i) => {
      const n = at + i;
      return { id: `r${n}`, vector: [n, 1], metadata: { text: text(n) } };
    });
    await db.collection('large').upsert(records);
  }
}

async function writeSmall(db: Database): Promise<void> {
  for (let slot = 0; slot < limits.foldSlots; slot++)
    await db.collection('small').upsert([{ id: `s${slot}`, vector: [slot, 1] }]);
}

/** Of a database that knows nothing older. */
async function described({ openAgain }: Bench, name: string) {
  const db = await openAgain();
  const { segments, count } = await db.collection(name).describe();
  await db.close();
  return { segments, count };
}

async function maintained(bench: Bench, options: typeof EDGE | { readonly tier: 'server' }) {
  const db = await bench.openAgain({ ...options, sleep: fenceSleep(bench.clock) });
  const result = await db.maintain();
  await db.close();
  return result;
}

it('leaves to others what it cannot hold of a collection of the server tier, and goes on with the rest', async () => {
  const bench = newBench();
  const db = await bench.openAgain({ memoryBudgetBytes: 1 << 29 });
  await db.createCollection('large', { dimension: 2, metric: 'euclidean' });
  await db.createCollection('small', { dimension: 2, metric: 'euclidean' });
  const left = { left: [{ reason: 'collection_too_large_for_handler' }], failures: [] };
  const hints = async (): Promise<number> => (await bench.store.list('work/')).length - 1;

  // A log that is more than its memory.
  await writeLarge(db, 0);
  await writeSmall(db);
  expect(await maintained(bench, EDGE)).toMatchObject({
    ...left,
    compacted: 1,
    foldedSlots: limits.foldSlots,
  });
  expect(await hints()).toBe(1);
  expect(await described(bench, 'small')).toMatchObject({ segments: 1 });
  await db.collection('large').compact();

  // Segments that are more than it may merge.
  await writeLarge(db, ROWS);
  await db.collection('large').compact({ minor: true });
  await writeSmall(db);
  expect(await maintained(bench, EDGE)).toMatchObject({
    ...left,
    compacted: 1,
    foldedSlots: limits.foldSlots,
  });
  expect(await hints()).toBe(1);
  expect(await described(bench, 'large')).toMatchObject({ segments: 2 });

  // Another takes it.
  const others = await maintained(bench, { tier: 'server' });
  expect(others).toMatchObject({ left: [], failures: [], compacted: 1, segmentsMerged: 2 });
  expect(await hints()).toBe(0);
  expect(await described(bench, 'large')).toEqual({ segments: 1, count: 2 * ROWS });
  await db.close();
}, 60_000);
