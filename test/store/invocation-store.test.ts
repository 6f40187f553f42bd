/**
 * The requests of an invocation: what is counted, on whose account, and which one is not made. That R2 counts the same is held
 * on a bucket (test/runtime/r2/r2-store.test.ts).
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import { CairnError } from '../../core/base/errors.js';
import { limits } from '../../core/base/limits.js';
import { accountingStore, memoryStore, meteringStore, retryingStore } from '../../core/store/index.js';
import type { Invocation, ObjectStore } from '../../core/store/index.js';
import { failure, seededRandom, storeOver } from '../engine/fixture.js';

const body = new Uint8Array(100);
const EXHAUSTED = { kind: 'unavailable', code: 'subrequests_exhausted' } as const;
const newMemory = (): ObjectStore => memoryStore({ clock: { wallMs: () => 1_000 } });

interface Metered {
  readonly invocation: Invocation;
  readonly store: ObjectStore;
  /** Calls that reached the store inside. */
  readonly calls: () => number;
}

function metered(limit: number, inner = newMemory()): Metered {
  const invocation = { limit, used: 0 };
  const counted = accountingStore(inner);
  const store = meteringStore(counted, { current: () => invocation });
  return { invocation, store, calls: () => counted.snapshot().requests };
}

describe('an invocation', () => {
  it('is charged for every call', async () => {
    const { invocation, store } = metered(100);
    await store.put('a', body, { if: 'any' });
    await store.get('a');
    await store.get('a', { range: { offset: 0, length: 1 } });
    await store.get('none');
    await store.list('');
    await store.delete(['a', 'b']);
    await store.delete([]);
    expect(invocation.used).toBe(6);
  });

  it('is charged for a call that fails', async () => {
    const { invocation, store } = metered(100);
    await expect(store.get('none', { range: { offset: 0, length: 1 } })).resolves.toEqual({
      status: 'absent',
    });
    await store.put('a', body, { if: 'any' });
    await expect(store.get('a', { range: { offset: 100, length: 1 } })).rejects.toThrow('starts past');
    expect(invocation.used).toBe(3);
  });

  it('is charged for each thousand deletions, and for each page of a list', async () => {
    const { invocation, store } = metered(10_000);
    const keys = Array.from({ length: limits.listPageKeys + 1 }, (_, i) => `k${String(i).padStart(5, '0')}`);
    for (const key of keys) await store.put(key, body, { if: 'any' });
    invocation.used = 0;
    expect((await store.list('k')).map(({ key }) => key)).toEqual(keys);
    expect(invocation.used).toBe(2);
    expect(await store.list('k', { limit: 1_000 })).toHaveLength(1_000);
    expect(invocation.used).toBe(3);
    expect((await store.list('k', { after: keys[0]!, limit: 1_001 })).map(({ key }) => key)).toEqual(
      keys.slice(1),
    );
    expect(invocation.used).toBe(5);
    await store.delete(keys);
    expect(invocation.used).toBe(7);
  });

  it.each([
    ['nothing', [], 1],
    ['a part', [limits.uploadPartBytes], 1],
    ['a part and a byte', [limits.uploadPartBytes, 1], 4],
    ['three parts in one', [3 * limits.uploadPartBytes], 5],
  ] as const)('is charged for an upload of %s', async (_, writes, requests) => {
    const { invocation, store } = metered(100);
    const upload = await store.upload('a');
    for (const bytes of writes) await upload.write(new Uint8Array(bytes));
    await upload.finish();
    expect(invocation.used).toBe(requests);
    expect((await store.get('a')).status).toBe('found');
  });

  it('is charged for each repeat of a request', async () => {
    let failures = 2;
    const flaky = storeOver(newMemory(), {
      get: () =>
        failures-- > 0
          ? Promise.reject(new CairnError('unavailable', 'store_busy', 'busy'))
          : Promise.resolve({ status: 'absent' }),
    });
    const { invocation, store } = metered(100, flaky);
    const ports = { sleep: () => Promise.resolve(), random: seededRandom(1) };
    await retryingStore(store, ports).get('a');
    expect(invocation.used).toBe(3);
  });

  it('without an account is not counted', async () => {
    const store = meteringStore(newMemory(), { current: () => undefined });
    for (let i = 0; i < 3; i++) expect(await store.get('a')).toEqual({ status: 'absent' });
  });

  it('is told apart from one that runs between its requests', async () => {
    const current = new AsyncLocalStorage<Invocation>();
    const store = meteringStore(newMemory(), { current: () => current.getStore() });
    const invoke = (limit: number, gets: number): Promise<Invocation> => {
      const invocation = { limit, used: 0 };
      return current.run(invocation, async () => {
        for (let i = 0; i < gets; i++) await store.get('a').catch(() => {});
        return invocation;
      });
    };
    const [a, b, c] = await Promise.all([invoke(10, 7), invoke(10, 9), invoke(3, 9)]);
    expect([a.used, b.used, c.used]).toEqual([7, 9, 3]);
  });
});

describe('the last requests', () => {
  const { invocationReserve, invocationPutReserve } = limits;

  it.each([
    ['a read of a whole object', 0, (store: ObjectStore) => store.get('a')],
    ['a put', invocationPutReserve, (store: ObjectStore) => store.put('b', body, { if: 'any' })],
    [
      'a range',
      invocationReserve,
      (store: ObjectStore) => store.get('a', { range: { offset: 0, length: 1 } }),
    ],
    ['a list', invocationReserve, (store: ObjectStore) => store.list('')],
    ['a deletion', invocationReserve, (store: ObjectStore) => store.delete(['a'])],
    ['an upload', invocationReserve, async (store: ObjectStore) => (await store.upload('b')).finish()],
  ] as const)('are left by %s: %i', async (_, left, call) => {
    const { invocation, store, calls } = metered(100);
    await store.put('a', body, { if: 'any' });
    invocation.used = 100 - left - 1;
    await call(store);
    expect(invocation.used).toBe(100 - left);
    const before = calls();
    const { details, retryAfterS } = await failure(() => call(store), EXHAUSTED);
    expect(details).toEqual({ limit: 'subrequests', value: 100 - left, maximum: 100 });
    expect(retryAfterS).toBe(1);
    expect([invocation.used, calls()]).toEqual([100 - left, before]);
  });

  it('that would write say that nothing was written', async () => {
    const { store } = metered(4);
    expect((await failure(() => store.put('a', body, { if: 'any' }), EXHAUSTED)).outcome).toBe('not_applied');
    const upload = await store.upload('a');
    expect((await failure(() => upload.finish(), EXHAUSTED)).outcome).toBe('not_applied');
    expect((await failure(() => store.list(''), EXHAUSTED)).outcome).toBeUndefined();
    expect(await store.get('a')).toEqual({ status: 'absent' });
  });

  it('are not asked for again and again', async () => {
    const { store } = metered(0);
    let sleeps = 0;
    const sleep = (): Promise<void> => Promise.resolve(void sleeps++);
    await failure(() => retryingStore(store, { sleep, random: seededRandom(1) }).get('a'), EXHAUSTED);
    expect(sleeps).toBe(0);
  });

  it('end an upload between its parts, whose beginning is left to time', async () => {
    const { invocation, store } = metered(invocationReserve + 2);
    const upload = await store.upload('a');
    await upload.write(new Uint8Array(2 * limits.uploadPartBytes));
    expect(invocation.used).toBe(2);
    await failure(() => upload.write(body), EXHAUSTED);
    await upload.abort();
    expect(invocation.used).toBe(2);
    expect(await store.get('a')).toEqual({ status: 'absent' });
  });
});
