/**
 * Strategy: a memory store with a cache before it, beside the same store without: every answer is compared with the bare store's, in
 * full, and counted, so that a hit that is none and a miss that should be a hit both show. Then entries are damaged, cut, exchanged and
 * exchanged between stores: none of that is an error, nor another answer (19).
 */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { trySegmentObject } from '../../core/log/index.js';
import {
  accountingStore,
  knownChecksums,
  memoryStore,
  PageCache,
  readRange,
  warmStore,
} from '../../core/store/index.js';
import type {
  AccountingStore,
  ByteRange,
  GetResult,
  ObjectStore,
  WarmCache,
} from '../../core/store/index.js';
import { corrupt } from '../../core/base/errors.js';
import { digests } from '../segment/fixture.js';
import { MapCache } from './map-cache.js';

const { warmBlockBytes: BLOCK } = limits;
const UID = 'a'.repeat(32);
const JOB = '1'.repeat(32);
const KEY = `c/${UID}/seg/${JOB}-0.seg`;

function bytesOf(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + seed + (i >> 8)) & 255);
}

interface World {
  readonly bucket: ObjectStore;
  readonly cache: MapCache;
  /** A process with the cache: each counts what it asks the bucket for. */
  readonly open: (cache?: WarmCache, identity?: string) => { store: ObjectStore; asked: AccountingStore };
}

async function newWorld(objects: Readonly<Record<string, Uint8Array>>): Promise<World> {
  const bucket = memoryStore({ clock: { wallMs: () => 1_234.5 } });
  for (const [key, bytes] of Object.entries(objects)) await bucket.put(key, bytes, { if: 'absent' });
  const cache = new MapCache();
  const open: World['open'] = (given = cache, identity = 's3://bucket/prefix') => {
    const asked = accountingStore(bucket);
    return {
      asked,
      store: warmStore(asked, { cache: given, digests, identity, placeOf: trySegmentObject }),
    };
  };
  return { bucket, cache, open };
}

/** An answer with a digest in the place of its bytes, which take long to compare one by one. */
async function shown(answer: Promise<GetResult>): Promise<object> {
  const result = await answer;
  if (result.status !== 'found') return result;
  const { bytes, sentBytes, ...rest } = result;
  const warm = sentBytes === 0;
  return { ...rest, warm, length: bytes.length, bytes: createHash('sha256').update(bytes).digest('hex') };
}

/** What a bare store answers, and that a cache was before it. */
async function warmAnswer(bucket: ObjectStore, range?: ByteRange): Promise<object> {
  return { ...(await shown(bucket.get(KEY, range === undefined ? {} : { range }))), warm: true };
}

describe('what is kept', () => {
  const size = 5 * BLOCK + 77;
  const body = bytesOf(size);

  it.each<[string, ByteRange | undefined]>([
    ['a whole object', undefined],
    ['a page', { offset: 16_384, length: 16_384 }],
    ['a read across two blocks', { offset: BLOCK - 5, length: 10 }],
    ['the short last block', { offset: size - 7, length: 7 }],
    ['a read past the end', { offset: size - 7, length: 100 }],
    ['a long read', { offset: 3, length: 2 * BLOCK }],
    ['a long read past the end', { offset: BLOCK, length: 20 * BLOCK }],
    ['exactly one block', { offset: BLOCK, length: BLOCK }],
  ])('%s is read from the bucket once, by whichever process', async (_, range) => {
    const { bucket, open } = await newWorld({ [KEY]: body });
    const first = open();
    const options = range === undefined ? {} : { range };
    expect(await shown(first.store.get(KEY, options))).toEqual(await shown(bucket.get(KEY, options)));
    expect(first.asked.snapshot().requests).toBe(1);
    await first.store.close();
    const second = open();
    expect(await shown(second.store.get(KEY, options))).toEqual(await warmAnswer(bucket, range));
    expect(second.asked.snapshot().requests).toBe(0);
  });

  it('a page brings its neighbours', async () => {
    const { bucket, open } = await newWorld({ [KEY]: body });
    const { store: before, asked } = open();
    const store = accountingStore(before, () => true);
    await store.get(KEY, { range: { offset: BLOCK, length: 16_384 } });
    await store.close();
    const range = { offset: BLOCK + 32_768, length: 65_536 };
    expect(await shown(store.get(KEY, { range }))).toEqual(await warmAnswer(bucket, range));
    expect(asked.snapshot()).toMatchObject({ requests: 1, bytesRead: BLOCK });
    expect(store.snapshot()).toMatchObject({
      ...{ requests: 1, roundTrips: 1, bytesRead: BLOCK, immutableBytesRead: BLOCK },
      ...{ warmReads: 1, warmBytes: 65_536 },
    });
  });

  it("is the caller's to change, whether it came from the bucket or the cache", async () => {
    const { open } = await newWorld({ [KEY]: body });
    const { store } = open();
    for (const range of [
      { offset: 0, length: 64 },
      { offset: 0, length: 2 * BLOCK },
    ]) {
      for (let round = 0; round < 3; round++) {
        const got = await store.get(KEY, { range, into: new Uint8Array(range.length) });
        if (got.status !== 'found') throw new Error(got.status);
        expect(Buffer.compare(got.bytes, body.subarray(0, range.length))).toBe(0);
        got.bytes.fill(0);
      }
    }
  });

  it('refuses a read past the end that lies in a block of what is kept', async () => {
    const { open } = await newWorld({ [KEY]: body });
    const { store } = open();
    await store.get(KEY, { range: { offset: size - 7, length: 7 } });
    await store.close();
    await expect(store.get(KEY, { range: { offset: size, length: 7 } })).rejects.toMatchObject({
      code: 'range_past_end',
    });
  });

  it('holds no block for a page of it', async () => {
    const { open } = await newWorld({ [KEY]: body });
    const { store } = open();
    const range = { offset: BLOCK, length: 16_384 };
    for (const sentBytes of [BLOCK, 0]) {
      const got = await store.get(KEY, { range });
      await store.close();
      expect(got).toMatchObject({ sentBytes });
      expect(got.status === 'found' && got.bytes.buffer.byteLength).toBe(16_384);
    }
  });

  it('pages are found whichever run of them was read, and pieces in one entry', async () => {
    const { bucket, cache, open } = await newWorld({ [KEY]: body });
    const { store, asked } = open();
    await store.get(KEY, { range: { offset: 16_384, length: 3 * BLOCK }, pages: true });
    await store.close();
    expect(cache.entries.size).toBe(4);
    for (const range of [
      { offset: 0, length: 4 * BLOCK },
      { offset: BLOCK, length: 2 * BLOCK + 16_384 },
      { offset: 3 * BLOCK, length: 16_384 },
    ])
      expect(await shown(store.get(KEY, { range, pages: true }))).toEqual(await warmAnswer(bucket, range));
    expect(asked.snapshot().requests).toBe(1);
    await store.get(KEY, { range: { offset: 0, length: 3 * BLOCK } });
    await store.close();
    expect(cache.entries.size).toBe(5);
  });

  it('is of pages whatever the page cache of the next process misses', async () => {
    const { open } = await newWorld({ [KEY]: body });
    const checksums = knownChecksums(digests.crc32cPages(body, limits.pageBytes));
    const asks: number[] = [];
    for (const offset of [0, 16_384, BLOCK]) {
      const { store, asked } = open();
      const pages = new PageCache({ budgetBytes: size });
      const handle = pages.register({ store, key: KEY, size, checksums, digests });
      const read = await pages.read(handle, [{ offset, length: 3 * BLOCK - offset }]);
      expect(Buffer.compare(read.bytes(offset, 3 * BLOCK - offset), body.subarray(offset, 3 * BLOCK))).toBe(
        0,
      );
      await store.close();
      asks.push(asked.snapshot().requests);
    }
    expect(asks).toEqual([1, 0, 0]);
  });

  it('is no more than may be on its way at once, and nobody waits for it', async () => {
    const long = bytesOf(limits.warmFillBytes + 1);
    const { bucket, cache, open } = await newWorld({ [KEY]: long });
    let held = 0;
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => (release = resolve));
    const slow: WarmCache = {
      get: (name) => cache.get(name),
      put: async (name, bytes) => {
        held += bytes.length;
        await gate;
        await cache.put(name, bytes);
      },
    };
    const { store } = open(slow);
    const length = limits.warmFillBytes / 4;
    const rangeOf = (i: number): ByteRange => ({ offset: i, length: length - 4_096 });
    await Promise.all(Array.from({ length: 12 }, (_, i) => store.get(KEY, { range: rangeOf(i) })));
    expect(held).toBeGreaterThan(3 * length);
    expect(held).toBeLessThanOrEqual(4 * length);
    release();
    await store.close();
    expect(cache.entries.size).toBe(4);
    // There is room again.
    const range = rangeOf(20);
    await store.get(KEY, { range });
    await store.close();
    expect(await shown(store.get(KEY, { range }))).toEqual(await warmAnswer(bucket, range));
  });

  it('any order of reads is answered as the bucket answers', async () => {
    const small = 3 * BLOCK + 5;
    const world = await newWorld({ [KEY]: body.subarray(0, small) });
    const ranges = fc.array(
      fc.record({ offset: fc.nat(small + 3), length: fc.integer({ min: 1, max: small + 9 }) }),
      { minLength: 1, maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(ranges, async (asked) => {
        const { store } = world.open(new MapCache());
        for (const range of asked) {
          const [found, expected] = await Promise.allSettled(
            [store, world.bucket].map((each) => shown(each.get(KEY, { range }))),
          );
          if (expected!.status === 'rejected')
            expect(found).toMatchObject({ reason: { code: 'range_past_end' } });
          else
            expect(found).toMatchObject({
              value: { ...expected!.value, warm: expect.any(Boolean) as boolean },
            });
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('what passes', () => {
  it('everything that may change or whose absence means something', async () => {
    const keys = [
      `c/${UID}/head`,
      `c/${UID}/heads/00000000000001`,
      `c/${UID}/log/00000000000001`,
      `c/${UID}/inbox/00000000000001-x`,
      `c/${UID}/seg/${JOB}.job`,
      `c/${UID}/seg/${JOB}-00.seg`,
      `c/${UID}/seg/${JOB}-0.seg/..`,
      `catalog/${UID}/61`,
    ];
    const { cache, open } = await newWorld(Object.fromEntries(keys.map((key) => [key, bytesOf(100)])));
    const { store, asked } = open();
    for (const key of [...keys, ...keys]) await store.get(key, { range: { offset: 0, length: 10 } });
    await store.close();
    expect(asked.snapshot()).toMatchObject({ requests: 2 * keys.length, bytesRead: 20 * keys.length });
    expect(cache.entries.size).toBe(0);
  });

  it('what is absent, a question for a version, and who reads only once', async () => {
    const { bucket, cache, open } = await newWorld({});
    const { store } = open();
    expect(await store.get(KEY)).toEqual({ status: 'absent' });
    await bucket.put(KEY, bytesOf(10), { if: 'absent' });
    const got = await store.get(KEY, { cache: 'pass' });
    expect(got).toMatchObject({ bytes: bytesOf(10) });
    if (got.status !== 'found') throw new Error(got.status);
    expect(await store.get(KEY, { unless: got.version })).toEqual({ status: 'unchanged' });
    await store.close();
    expect(cache.entries.size).toBe(0);
  });

  it('what is longer than an entry', async () => {
    const { cache, open } = await newWorld({ [KEY]: bytesOf(1_000) });
    const { store } = open();
    await store.get(KEY, { range: { offset: 0, length: limits.warmEntryBytes + 1 } });
    await store.close();
    expect(cache.entries.size).toBe(0);
  });

  it('with a cache that fails in every way', async () => {
    const failing: readonly WarmCache[] = [
      { get: () => Promise.reject(new Error('get')), put: () => Promise.reject(new Error('put')) },
      {
        get: () => {
          throw new Error('get');
        },
        put: () => {
          throw new Error('put');
        },
      },
      { get: async () => new Uint8Array(0), put: async () => {} },
    ];
    const { bucket, open } = await newWorld({ [KEY]: bytesOf(1_000) });
    for (const cache of failing) {
      const { store } = open(cache);
      for (let round = 0; round < 2; round++) expect(await store.get(KEY)).toEqual(await bucket.get(KEY));
      await store.close();
    }
  });
});

describe('an entry that is not what was put', () => {
  const body = bytesOf(300);
  const range = { offset: 0, length: 300 };

  /** The one entry of the object, and its name. */
  async function filled(world: World): Promise<[string, Uint8Array]> {
    const { store } = world.open();
    await store.get(KEY, { range });
    await store.close();
    const [entry, ...others] = world.cache.entries;
    expect(others).toEqual([]);
    return entry!;
  }

  async function expectMiss(world: World): Promise<void> {
    const { store, asked } = world.open();
    expect(await store.get(KEY, { range })).toEqual(await world.bucket.get(KEY, { range }));
    expect(asked.snapshot().requests).toBe(1);
    await store.close();
  }

  it('is no entry, whichever byte is another', async () => {
    const world = await newWorld({ [KEY]: body });
    const [name, sound] = await filled(world);
    expect(sound.length).toBeGreaterThan(body.length);
    for (let at = 0; at < sound.length; at++) {
      const damaged = sound.slice();
      damaged[at]! ^= 1 << (at % 8);
      world.cache.entries.set(name, damaged);
      await expectMiss(world);
      // And it was put right.
      expect(Buffer.compare(world.cache.entries.get(name)!, sound)).toBe(0);
    }
  });

  it('is no entry, wherever it ends', async () => {
    const world = await newWorld({ [KEY]: body });
    const [name, sound] = await filled(world);
    for (let length = 0; length < sound.length; length++) {
      world.cache.entries.set(name, sound.slice(0, length));
      await expectMiss(world);
    }
    world.cache.entries.set(name, Uint8Array.of(...sound, 0));
    await expectMiss(world);
  });

  it("is no entry, where it is another object's, another collection's or another range's", async () => {
    const others = [`c/${UID}/seg/${JOB}-1.seg`, `c/${'b'.repeat(32)}/seg/${JOB}-0.seg`];
    const world = await newWorld({
      [KEY]: bytesOf(3 * BLOCK),
      ...Object.fromEntries(others.map((key) => [key, bytesOf(3 * BLOCK, 9)])),
    });
    const { store } = world.open();
    const reads = [KEY, ...others].flatMap((key) => [0, BLOCK].map((offset) => ({ key, offset })));
    for (const { key, offset } of reads) await store.get(key, { range: { offset, length: 50 } });
    await store.close();
    const names = [...world.cache.entries.keys()];
    const sound = new Map(world.cache.entries);
    expect(names).toHaveLength(reads.length);
    for (const [i, { key, offset }] of reads.entries()) {
      for (const foreign of names) {
        if (foreign === names[i]) continue;
        world.cache.entries.set(names[i]!, sound.get(foreign)!);
        const { store: next, asked } = world.open();
        const options = { range: { offset, length: 50 } };
        expect(await shown(next.get(key, options))).toEqual(await shown(world.bucket.get(key, options)));
        expect(asked.snapshot().requests).toBe(1);
        await next.close();
      }
    }
  });

  it('is asked of the bucket again, where its seal is sound and its bytes were damaged before', async () => {
    const world = await newWorld({ [KEY]: body });
    const damaged = (await newWorld({ [KEY]: bytesOf(300, 7) })).bucket;
    const sick = warmStore(damaged, {
      ...{ cache: world.cache, digests, placeOf: trySegmentObject },
      identity: 's3://bucket/prefix',
    });
    await sick.get(KEY, { range });
    await sick.close();
    const mustBeSound = (bytes: Uint8Array): Uint8Array => {
      if (Buffer.compare(bytes, body) === 0) return bytes;
      throw corrupt({ key: KEY, offset: 0, expected: 'the body', found: 'another' });
    };
    for (const requests of [1, 0]) {
      const { store, asked } = world.open();
      expect(await readRange({ store, key: KEY, range }, mustBeSound)).toEqual(body);
      await store.close();
      expect(asked.snapshot().requests).toBe(requests);
    }
    await expect(readRange({ store: damaged, key: KEY, range }, mustBeSound)).rejects.toThrow('the body');
  });
});

describe('who shares a cache', () => {
  it('sees no bytes of another store, under the same keys', async () => {
    const one = await newWorld({ [KEY]: bytesOf(500, 1) });
    const other = await newWorld({ [KEY]: bytesOf(500, 2) });
    for (const [world, identity] of [
      [one, 's3://bucket/one'],
      [other, 's3://bucket/other'],
      [one, 's3://bucket/one'],
    ] as const) {
      const { store } = world.open(one.cache, identity);
      expect(await store.get(KEY)).toMatchObject({ bytes: bytesOf(500, world === one ? 1 : 2) });
      await store.close();
    }
    expect(one.cache.entries.size).toBe(2);
  });

  it('has the entries of each store and collection below a part of the name of their own', async () => {
    const other = `c/${'b'.repeat(32)}/seg/${JOB}.win`;
    const world = await newWorld({ [KEY]: bytesOf(500), [other]: bytesOf(500) });
    for (const identity of ['one', 'other']) {
      const { store } = world.open(world.cache, identity);
      await store.get(KEY);
      await store.get(other);
      await store.close();
    }
    const names = [...world.cache.entries.keys()];
    expect(new Set(names.map((name) => name.split('/')[0])).size).toBe(2);
    expect(names.map((name) => name.split('/').slice(1).join('/')).sort()).toEqual(
      [`${UID}/${JOB}-0.seg@whole`, `${'b'.repeat(32)}/${JOB}.win@whole`].flatMap((name) => [name, name]),
    );
  });
});
