/** What a write leaves behind: beside it, or, where a host freezes what is answered, before it is answered. */
import { expect, test } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { open } from '../../core/index.js';
import type { OpenOptions } from '../../core/index.js';
import { memoryStore } from '../../core/store/index.js';
import type { ObjectStore } from '../../core/store/index.js';
import { systemClock, systemSleep } from '../../core/system-ports.js';

const HINT_MS = 100;

/** Hints are late, so that one that was not waited for is not there. */
function lateHints(): ObjectStore {
  const inner = memoryStore({ clock: systemClock });
  return {
    description: inner.description,
    get: (key, options) => inner.get(key, options),
    put: async (key, bytes, options) => {
      if (key.startsWith('work/')) await systemSleep(HINT_MS);
      return await inner.put(key, bytes, options);
    },
    upload: (key) => inner.upload(key),
    list: (prefix, options) => inner.list(prefix, options),
    delete: (keys) => inner.delete(keys),
    close: () => inner.close(),
  };
}

async function hintsAfterWrites(options: OpenOptions): Promise<number> {
  const store = lateHints();
  const db = await open('memory:', { ...options, store });
  const collection = await db.createCollection('c', { dimension: 1 });
  for (let n = 0; n < limits.foldSlots; n++) await collection.upsert({ ids: [`r${n}`], vectors: [[n + 1]] });
  const { length } = await store.list('work/');
  await db.close();
  return length;
}

test('a hint is put beside the write that found it due, unless nothing goes on in the background', async () => {
  expect(await hintsAfterWrites({})).toBe(0);
  expect(await hintsAfterWrites({ background: false })).toBe(1);
  expect(await hintsAfterWrites({ shareRequests: false })).toBe(1);
  expect(await hintsAfterWrites({ shareRequests: false, background: true })).toBe(0);
});
