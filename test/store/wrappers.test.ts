/** The wrappers around a store: what accounting counts, what retrying repeats and what it must leave alone. */
import { describe, expect, it } from 'vitest';
import { CairnError } from '../../core/base/errors.js';
import { limits } from '../../core/base/limits.js';
import {
  accountingStore,
  memoryStore,
  retryDelayMs,
  retryingStore,
  usageBetween,
} from '../../core/store/index.js';
import type { ObjectStore } from '../../core/store/index.js';

const newMemory = (): ObjectStore => memoryStore({ clock: { wallMs: () => 1_000 } });
const body = new Uint8Array(100);

describe('accounting', () => {
  it('counts requests by outcome, and bytes both ways', async () => {
    const store = accountingStore(newMemory());
    const put = await store.put('a', body, { if: 'absent' });
    if (put.status !== 'applied') throw new Error(put.status);
    await store.put('a', body, { if: 'absent' });
    await store.get('a');
    await store.get('a', { range: { offset: 0, length: 7 } });
    await store.get('a', { unless: put.version });
    await store.get('b');
    await expect(store.get('a', { range: { offset: 100, length: 1 } })).rejects.toThrow('starts past');
    await store.list('');
    await store.delete(['a', 'b']);
    const usage = store.snapshot();
    expect(usage).toMatchObject({
      requests: 9,
      bytesRead: 107,
      bytesWritten: 200,
      keysListed: 1,
      keysDeleted: 2,
      roundTrips: 9,
    });
    expect(store.reads()).toEqual({
      ...{ requests: 9, bytesRead: 107, immutableBytesRead: 0 },
      ...{ warmReads: 0, warmBytes: 0 },
    });
    expect(Object.entries(usage.outcomes).filter(([, count]) => count > 0)).toEqual([
      ['get_found', 2],
      ['get_unchanged', 1],
      ['get_absent', 1],
      ['get_failed', 1],
      ['put_applied', 1],
      ['put_refused', 1],
      ['list_answered', 1],
      ['delete_answered', 1],
    ]);
  });

  it('counts an upload as one put at its end, and all bytes that were sent', async () => {
    const store = accountingStore(newMemory());
    const upload = await store.upload('a');
    await upload.write(body);
    await upload.write(body);
    expect(store.snapshot()).toMatchObject({ requests: 0, bytesWritten: 200, roundTrips: 0 });
    await upload.finish();
    await expect(upload.finish()).rejects.toThrow('has ended');
    const given = await store.upload('b');
    await given.write(body);
    await given.abort();
    const { outcomes, ...usage } = store.snapshot();
    expect(usage).toMatchObject({ requests: 2, bytesWritten: 300 });
    expect(outcomes).toMatchObject({ put_applied: 1, put_failed: 1 });
  });

  it('counts requests side by side as one round trip', async () => {
    const store = accountingStore(newMemory());
    await store.get('before');
    const before = store.snapshot();
    await Promise.all([store.get('head'), store.get('log/1')]);
    expect(usageBetween(before, store.snapshot())).toMatchObject({ requests: 2, roundTrips: 1 });
  });

  it('finds the longest chain, whatever runs beside it', async () => {
    const gates = new Map<string, () => void>();
    const inner: ObjectStore = {
      ...passThrough(newMemory()),
      get: (key) =>
        new Promise((resolve) => {
          gates.set(key, () => resolve({ status: 'absent' }));
        }),
    };
    const store = accountingStore(inner);
    const end = async (key: string, request: Promise<unknown>): Promise<void> => {
      gates.get(key)!();
      await request;
    };
    // a - c - e is a chain of 3; b runs through all of it, d starts after a and ends after e, f after b alone.
    const [a, b] = [store.get('a'), store.get('b')];
    await end('a', a);
    const [c, d] = [store.get('c'), store.get('d')];
    await end('c', c);
    const e = store.get('e');
    await end('b', b);
    await end('e', e);
    await end('d', d);
    expect(store.snapshot()).toMatchObject({ requests: 5, roundTrips: 3 });
  });
});

describe('retrying', () => {
  const zeros = { fill: (target: Uint8Array) => target.fill(0) };
  const ones = { fill: (target: Uint8Array) => target.fill(255) };
  const unavailable = new CairnError('unavailable', 'busy', 'busy');

  it('repeats get, list and delete while they are unavailable, and waits longer each time', async () => {
    for (const run of [
      (store: ObjectStore) => store.get('a'),
      (store: ObjectStore) => store.list(''),
      (store: ObjectStore) => store.delete(['a']),
    ]) {
      const waits: number[] = [];
      const { store } = flaky({ failures: 3, waits });
      await run(store);
      expect(waits).toEqual([20, 40, 80]);
    }
  });

  it('gives up after its limit, with the last error', async () => {
    const waits: number[] = [];
    const { store, calls } = flaky({ failures: 100, waits });
    await expect(store.get('a')).rejects.toBe(unavailable);
    expect(calls()).toBe(limits.readRetries + 1);
    expect(waits).toHaveLength(limits.readRetries);
  });

  it('never repeats a put, nor what would fail again', async () => {
    const { store, calls } = flaky({ failures: 1, waits: [] });
    await expect(store.put('a', body, { if: 'any' })).rejects.toBe(unavailable);
    expect(calls()).toBe(1);
    const denied = new CairnError('forbidden', 'denied', 'denied');
    const other = flaky({ failures: 1, waits: [], error: denied });
    await expect(other.store.get('a')).rejects.toBe(denied);
    expect(other.calls()).toBe(1);
    const bug = flaky({ failures: 1, waits: [], error: new TypeError('bug') });
    await expect(bug.store.get('a')).rejects.toThrow('bug');
    expect(bug.calls()).toBe(1);
  });

  it('waits between half and the whole of the step, at least what the store asked for, at most the limit', () => {
    expect(retryDelayMs(0, zeros)).toBe(20);
    expect(retryDelayMs(0, ones)).toBeCloseTo(10, 2);
    expect(retryDelayMs(30, zeros)).toBe(limits.retryMaxMs);
    expect(retryDelayMs(0, zeros, 1)).toBe(1_000);
    expect(retryDelayMs(0, zeros, 3_600)).toBe(limits.retryMaxMs);
  });

  function flaky({
    failures,
    waits,
    error = unavailable,
  }: {
    readonly failures: number;
    readonly waits: number[];
    readonly error?: Error;
  }): { readonly store: ObjectStore; readonly calls: () => number } {
    let made = 0;
    const failing = async <T>(answer: () => Promise<T>): Promise<T> => {
      made += 1;
      if (made <= failures) throw error;
      return answer();
    };
    const good = newMemory();
    const inner: ObjectStore = {
      description: 'flaky',
      get: (...request) => failing(() => good.get(...request)),
      put: (...request) => failing(() => good.put(...request)),
      upload: (...request) => failing(() => good.upload(...request)),
      list: (...request) => failing(() => good.list(...request)),
      delete: (...request) => failing(() => good.delete(...request)),
      close: () => good.close(),
    };
    const sleep = async (ms: number): Promise<void> => {
      waits.push(ms);
    };
    return { store: retryingStore(inner, { sleep, random: zeros }), calls: () => made };
  }
});

function passThrough(store: ObjectStore): ObjectStore {
  return {
    description: store.description,
    get: (...request) => store.get(...request),
    put: (...request) => store.put(...request),
    upload: (...request) => store.upload(...request),
    list: (...request) => store.list(...request),
    delete: (...request) => store.delete(...request),
    close: () => store.close(),
  };
}
