/** Strategy: a store whose calls end when they are told to; what is counted meanwhile is what was asked for or sent. */
import { beforeEach, describe, expect, test } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { MemoryAccount } from '../../core/base/memory-account.js';
import { holdingStore, memoryStore } from '../../core/store/index.js';
import type { HoldingStore, ObjectStore } from '../../core/store/index.js';
import { storeOver, TestClock } from '../engine/fixture.js';

const MiB = 1024 * 1024;
let clock: TestClock;
let inner: ObjectStore;
let account: MemoryAccount;
const lent = new Uint8Array(MiB);
let room: number[];
let store: HoldingStore;
/** Ends what waits. */
let ends: (() => void)[];

function make(): void {
  const waiting = async (): Promise<void> => await new Promise<void>((resolve) => ends.push(resolve));
  const slow = storeOver(inner, {
    get: async (key, options) => {
      await waiting();
      return await inner.get(key, options);
    },
    put: async (key, bytes, options) => {
      await waiting();
      return await inner.put(key, bytes, options);
    },
  });
  store = holdingStore(slow, {
    clock,
    account,
    isCounted: (memory) => memory === lent.buffer,
    makeRoom: (bytes) => room.push(bytes),
  });
}

beforeEach(async () => {
  clock = new TestClock();
  inner = memoryStore({ clock });
  await inner.put('a', new Uint8Array(3 * MiB), { if: 'any' });
  account = new MemoryAccount();
  room = [];
  ends = [];
  make();
});

describe('the store counts what is on its way', () => {
  test('gets by what they asked for, until they end', async () => {
    const first = store.get('a', { range: { offset: 0, length: MiB } });
    const second = store.get('a', { range: { offset: MiB, length: 2 * MiB } });
    expect(store.heldBytes).toBe(3 * MiB);
    expect(room).toEqual([MiB, 2 * MiB]);
    ends[0]!();
    await first;
    expect(store.heldBytes).toBe(2 * MiB);
    ends[1]!();
    await second;
    const past = store.get('a', { range: { offset: 9 * MiB, length: 7 } });
    ends[2]!();
    await expect(past).rejects.toMatchObject({ kind: 'invalid' });
    expect(store.heldBytes).toBe(0);
    expect(account).toMatchObject({ bytes: 0, peakBytes: 3 * MiB });
  });

  test('gets that are lent memory, but where that counts already', async () => {
    const range = { offset: 0, length: MiB };
    const gets = [
      store.get('a', { range, into: new Uint8Array(MiB) }),
      store.get('a', { range, into: lent }),
    ];
    expect(store.heldBytes).toBe(MiB);
    for (const end of ends) end();
    await Promise.all(gets);
    expect(store.heldBytes).toBe(0);
  });

  test('puts by what they send', async () => {
    const put = store.put('b', new Uint8Array(5), { if: 'absent' });
    expect(store.heldBytes).toBe(5);
    ends[0]!();
    await put;
    expect(store.heldBytes).toBe(0);
  });

  test.each(['finish', 'abort'] as const)(
    'uploads by the parts that they may hold, until %s',
    async (end) => {
      const upload = await store.upload('c');
      const most = limits.uploadPartBytes * (limits.uploadPartsParallel + 1);
      let written = 0;
      while (written < most + 3 * MiB) {
        await upload.write(new Uint8Array(4 * MiB));
        written += 4 * MiB;
        expect(store.heldBytes).toBe(Math.min(written, most));
      }
      await upload[end]();
      expect(store.heldBytes).toBe(0);
    },
  );

  test('what has come and is waited with, until that ends or fails', async () => {
    let end: (error?: Error) => void = () => {};
    const wait = async (): Promise<void> =>
      await store.during(
        MiB,
        async () =>
          await new Promise((resolve, reject) => {
            end = (error) => (error === undefined ? resolve() : reject(error));
          }),
      );
    for (const error of [undefined, new Error('away')]) {
      const waiting = wait();
      expect(account.bytes).toBe(MiB);
      end(error);
      await waiting.catch(() => {});
      expect(store.heldBytes).toBe(0);
    }
    expect(room).toEqual([MiB, MiB]);
  });

  test('calls of which nothing was heard for long no more, also where they end after all', async () => {
    const lost = store.get('a', { range: { offset: 0, length: MiB } });
    clock.advance(limits.placeLostMs + 1);
    const next = store.get('a', { range: { offset: 0, length: 7 } });
    expect(store.heldBytes).toBe(7);
    for (const end of ends) end();
    await Promise.all([lost, next]);
    expect(store.heldBytes).toBe(0);
  });
});
