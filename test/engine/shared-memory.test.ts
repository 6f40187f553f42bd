/** Strategy: a budget of a few MiB, filled from every side. All of it counts, and pages and idle arenas give way to what cannot. */
import { beforeEach, expect, test } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { SharedMemory } from '../../core/engine/shared-memory.js';
import { compileEmbeddedKernel, createDigests, Kernel } from '../../core/kernel/index.js';
import { knownChecksums, memoryStore } from '../../core/store/index.js';
import type { PagedHandle, PagedObject } from '../../core/store/index.js';
import { failure, TestClock } from './fixture.js';

const MiB = 1_048_576 as const;
const BUDGET = 8 * MiB;
const PAGES = 512;
const kernelModule = await compileEmbeddedKernel();
let kernel: Kernel;
let memory: SharedMemory;
let paged: PagedObject;
let object: PagedHandle;

beforeEach(async () => {
  const clock = new TestClock();
  const store = memoryStore({ clock });
  kernel = new Kernel(kernelModule, { memoryBudgetBytes: BUDGET });
  memory = new SharedMemory(kernel.pool, {
    store,
    clock,
    reads: { requestsParallel: 6, readRoomBytes: MiB },
  });
  const bytes = new Uint8Array(PAGES * limits.pageBytes);
  await store.put('a', bytes, { if: 'any' });
  const digests = createDigests(kernel);
  const pageChecksums = digests.crc32cPages(bytes, limits.pageBytes);
  const checksums = knownChecksums(pageChecksums);
  paged = { store: memory.store, key: 'a', size: bytes.length, checksums, digests };
  object = memory.cache.register(paged);
});

function expectSound(): void {
  const { totalBytes, peakBytes, arenaBytes, idleArenaBytes, pageCacheBytes, tailBytes, inFlightBytes } =
    memory.usage();
  expect(totalBytes).toBe(arenaBytes + idleArenaBytes + pageCacheBytes + tailBytes + inFlightBytes);
  expect(peakBytes).toBeGreaterThanOrEqual(totalBytes);
  expect(peakBytes).toBeLessThanOrEqual(BUDGET);
}

test('pages count from when they are asked for until they are forgotten', async () => {
  const { peakBytes } = memory.usage();
  await memory.cache.read(object, [{ offset: 0, length: 10 }]);
  expectSound();
  memory.cache.forget(object);
  expectSound();
  expect(memory.usage()).toMatchObject({ pageCacheBytes: 0, peakBytes: peakBytes + limits.pageBytes });
});

test('pages that wait for the table of checksums are on their way', async () => {
  let arrive = (): void => {};
  const sums = new Promise<Uint32Array>((resolve) => {
    arrive = () => resolve(paged.checksums.load());
  });
  const slow = memory.cache.register({ ...paged, checksums: { sumOf: () => undefined, load: () => sums } });
  const bytes = 40 * limits.pageBytes;
  const read = memory.cache.read(slow, [{ offset: 0, length: bytes }]);
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(memory.usage()).toMatchObject({ inFlightBytes: bytes, pageCacheBytes: 0 });
  expectSound();
  arrive();
  await read;
  expect(memory.usage()).toMatchObject({ inFlightBytes: 0, pageCacheBytes: bytes });
  expectSound();
});

test('idle arenas make room for pages, and those for arenas', async () => {
  const { pool } = kernel;
  const arenas = Array.from({ length: 6 }, () => pool.acquire(MiB));
  for (const arena of arenas) pool.release(arena);
  expectSound();
  for (let page = 0; page < PAGES; page += 8) {
    await memory.cache.read(object, [{ offset: page * limits.pageBytes, length: 8 * limits.pageBytes }]);
    expectSound();
  }
  // A quarter, less what filters may take.
  expect(memory.usage().pageCacheBytes).toBeGreaterThan(1.5 * MiB);
  expect(memory.usage().idleArenaBytes).toBeGreaterThan(0);
  for (let i = 0; i < 6; i++) pool.acquire(MiB);
  expectSound();
  expect(memory.usage()).toMatchObject({ idleArenaBytes: 0 });
  expect(memory.usage().pageCacheBytes).toBeLessThan(1.5 * MiB);
});

test('arenas leave room for reads, up to a quarter', async () => {
  const { pool } = kernel;
  for (let i = 0; i < 6; i++) pool.acquire(MiB);
  await failure(() => pool.acquire(MiB), { kind: 'unavailable', code: 'memory_budget_exceeded' });
  expect(pool.roomBytes).toBe(BUDGET - MiB - BUDGET / 64);
  const clock = new TestClock();
  const other = new Kernel(kernelModule, { memoryBudgetBytes: BUDGET });
  const reads = { requestsParallel: 6, readRoomBytes: 24 * MiB };
  const shared = new SharedMemory(other.pool, { store: memoryStore({ clock }), clock, reads });
  expect(other.pool.roomBytes).toBe(BUDGET - BUDGET / 4 - shared.filters.budgetBytes);
});

test('arenas leave alone what tails of segments take, beside the room for reads', async () => {
  memory.tails.take(MiB);
  const { pool } = kernel;
  for (let i = 0; i < 5; i++) pool.acquire(MiB);
  await failure(() => pool.acquire(MiB), { kind: 'unavailable', code: 'memory_budget_exceeded' });
  await memory.store.get('a', { range: { offset: 0, length: MiB } });
  expectSound();
});
