/** Strategy: a tail of more than 1 MiB is read in pieces beside each other; what is damaged in any of them is found, in the bucket and in a cache. */
import { describe, expect, test } from 'vitest';
import type { SegmentReader } from '../../core/segment/index.js';
import type { SegmentRef } from '../../core/segment/index.js';
import type { ObjectStore } from '../../core/store/index.js';
import { storeOver } from '../engine/fixture.js';
import { KEY, newStore, openSegment, plainRows, writeSegment } from './fixture.js';

const rows = plainRows(2_000, 3);
const curve = { recall: [1], padding: 'x'.repeat(1_045_000) };

interface Written {
  readonly store: ObjectStore;
  readonly ref: SegmentRef;
  readonly bytes: Uint8Array;
}

async function written(): Promise<Written> {
  const store = newStore();
  const ref = await writeSegment(store, rows, { curve });
  const found = await store.get(KEY);
  if (found.status !== 'found') throw new Error(found.status);
  return { store, ref, bytes: found.bytes };
}

/** Answers ranges of bytes that a cache holds, and the bucket's where it is asked to renew them. */
function cached(
  bucket: ObjectStore,
  held: Uint8Array,
): { readonly store: ObjectStore; readonly asked: unknown[] } {
  const asked: unknown[] = [];
  const store = storeOver(bucket, {
    get: async (key, options) => {
      asked.push(options?.cache ?? options?.range?.length);
      const got = await bucket.get(key, options);
      if (got.status !== 'found' || options?.cache === 'renew') return got;
      const { offset, length } = options!.range!;
      return { ...got, bytes: held.slice(offset, offset + length), sentBytes: 0 };
    },
  });
  return { store, asked };
}

const open = (store: ObjectStore, ref: SegmentRef): Promise<SegmentReader> => openSegment(store, ref);

describe('a large tail', () => {
  test('is read in pieces of the same size, which are all of it', async () => {
    const { store, ref, bytes } = await written();
    expect(ref.tailBytes).toBeGreaterThan(1_048_576);
    const { store: counted, asked } = cached(store, bytes);
    const reader = await open(counted, ref);
    expect(asked).toEqual([Math.ceil(ref.tailBytes / 2), Math.floor(ref.tailBytes / 2)]);
    expect(reader.curve).toEqual(curve);
    expect(await reader.possibleIds(rows.ids)).toEqual(rows.ids);
  });

  test.each([0.25, 0.75])('that is damaged at %d of it is corrupt', async (share) => {
    const { store, ref, bytes } = await written();
    const damaged = bytes.slice();
    damaged[ref.bytes - Math.floor(ref.tailBytes * (1 - share))]! ^= 1;
    await store.put(KEY, damaged, { if: 'any' });
    await expect(open(store, ref)).rejects.toMatchObject({ kind: 'corrupt' });
    // Only in a cache: the bucket is asked.
    await store.put(KEY, bytes, { if: 'any' });
    const { store: behind, asked } = cached(store, damaged);
    expect((await open(behind, ref)).curve).toEqual(curve);
    expect(asked.at(-1)).toBe('renew');
  });
});
