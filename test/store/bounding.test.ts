/** The bound of requests in flight: it holds for all of them, in the order of coming, and no lost place blocks those that come. */
import { describe, expect, it } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { boundingStore, memoryStore } from '../../core/store/index.js';
import type { ObjectStore } from '../../core/store/index.js';
import { SlowStore } from './slow-store.js';

interface World {
  readonly slow: SlowStore;
  readonly store: ObjectStore;
}

function newWorld(parallel: number): World {
  const slow = new SlowStore(memoryStore({ clock: { wallMs: () => 1_000 } }));
  const { clock, sleep } = slow;
  return { slow, store: boundingStore(slow, { clock, sleep, parallel }) };
}

const body = new Uint8Array(10);

describe('a bounded store', () => {
  it('has so many requests in flight and no more, and answers all of them', async () => {
    const { slow, store } = newWorld(3);
    slow.waitOf = (at) => 10 + ((at * 7) % 13);
    const puts = Array.from({ length: 8 }, (_, i) => store.put(`k${i}`, body, { if: 'any' }));
    const gets = Array.from({ length: 8 }, (_, i) => store.get(`k${i}`));
    const uploading = async (): Promise<void> => {
      const upload = await store.upload('u');
      await upload.write(body);
      await upload.finish();
    };
    const all = Promise.all([...puts, ...gets, uploading(), store.list('k'), store.delete(['none'])]);
    await slow.runUntil(all);
    expect(slow.mostInFlight).toBe(3);
    expect((await all)[16 + 1]).toHaveLength(8);
    expect((await slow.runUntil(store.get('u'))).status).toBe('found');
  });

  it('lets them begin in the order of coming', async () => {
    const { slow, store } = newWorld(2);
    slow.waitOf = (at) => [50, 5, 5, 5, 5][at] ?? 5;
    await slow.runUntil(Promise.all(['a', 'b', 'c', 'd', 'e'].map((key) => store.get(key))));
    expect(slow.asked).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('gives up the place of a request that its host has ended', async () => {
    const { slow, store } = newWorld(1);
    slow.waitOf = (at) => (at === 0 ? Infinity : 5);
    void store.get('ended');
    await slow.pass(limits.placeLostMs + 1);
    const begunMs = slow.nowMs;
    await slow.runUntil(store.get('next'));
    expect(slow.nowMs - begunMs).toBe(5);
  });

  it('tells those whose turn does not come that the store is busy, and sends nothing of theirs', async () => {
    const { slow, store } = newWorld(2);
    const open = await slow.runUntil(store.upload('open'));
    slow.waitOf = () => Infinity;
    for (const key of ['hangs', 'hangs too']) void store.get(key);
    const reads = [
      ...Array.from({ length: 10 }, () => store.get('waits')),
      store.list(''),
      store.delete(['k']),
    ];
    const writes = [
      store.put('k', body, { if: 'absent' }),
      store.upload('u'),
      open.write(body),
      open.finish(),
    ];
    const aborted = open.abort();
    const ends = await slow.runUntil(Promise.allSettled([...reads, ...writes]));
    await slow.runUntil(aborted);
    const reason = { kind: 'unavailable', code: 'store_busy', retryAfterS: 1 };
    for (const [i, end] of ends.entries()) {
      const outcome = i < reads.length ? undefined : 'not_applied';
      expect(end).toMatchObject({ status: 'rejected', reason: { ...reason, outcome } });
    }
    expect(slow.asked).toEqual(['hangs', 'hangs too']);
    expect(slow.mostInFlight).toBe(2);
    expect(slow.nowMs).toBeLessThan(limits.placeLostMs);
    // Once those places are given up the next ones begin.
    slow.waitOf = () => 5;
    await slow.pass(limits.placeLostMs);
    expect((await slow.runUntil(store.get('next'))).status).toBe('absent');
  });

  it('frees the place of a request that fails', async () => {
    const { slow, store } = newWorld(1);
    slow.failureOf = (at) => (at === 0 ? new Error('broken') : undefined);
    const first = store.get('a');
    const second = store.get('b');
    await expect(slow.runUntil(first)).rejects.toThrow('broken');
    expect((await slow.runUntil(second)).status).toBe('absent');
  });

  it('tells its host of every call, that waits for its turn too, until it has ended', async () => {
    const slow = new SlowStore(memoryStore({ clock: { wallMs: () => 1_000 } }));
    const { clock, sleep } = slow;
    const kept: Promise<void>[] = [];
    const waitUntil = (call: Promise<void>): void => void kept.push(call);
    const store = boundingStore(slow, { clock, sleep, parallel: 1, waitUntil });
    slow.failureOf = (at) => (at === 0 ? new Error('broken') : undefined);
    const calls = Promise.all([store.get('a'), store.get('b'), store.get('c')]);
    await expect(slow.runUntil(calls)).rejects.toThrow('broken');
    expect(kept).toHaveLength(3);
    expect(await slow.runUntil(Promise.all(kept))).toEqual([undefined, undefined, undefined]);
    expect(slow.asked).toEqual(['a', 'b', 'c']);
  });
});
