/** Which copies a root is put with, of heads that name objects of any size: nobody opens these, so their bytes are anything but for an end. */
import { describe, expect, test } from 'vitest';
import { bytesToHex } from '../../../core/base/bytes.js';
import { limits } from '../../../core/base/limits.js';
import { putRoot } from '../../../core/engine/compaction/root-writer.js';
import { openRoot, rootKey, sealRoot, segmentKey, windowKey } from '../../../core/log/index.js';
import type { Head, LogContext, PartCopy, SegmentEntry } from '../../../core/log/index.js';
import { digests, LogWorld } from '../../log/fixture.js';
import { storeOver } from '../fixture.js';

const KiB = 1_024;
const NOTHING: ReadonlyMap<string, Uint8Array> = new Map();

const hexOf = (n: number, digits: number): string => n.toString(16).padStart(digits, '0');

interface World {
  readonly context: LogContext;
  /** Keys that were read by range, and roots that were put, since the last look. */
  readonly asked: string[];
  readonly headOf: (tails: readonly number[], edit?: Partial<Head>) => Promise<Head>;
  /** Numbers of segments of which the root has the tail. */
  readonly copied: () => Promise<readonly number[]>;
}

/** Bytes of what is taken for a footer. */
const END = 64 + 16;

/** A file of one number, but for its last bytes, which say where a footer begins: at a multiple of 64. */
function fileOf(i: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length).fill(i + 1);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(length - 16, BigInt(Math.floor((length - 16) / 64) * 64), true);
  bytes.set(new TextEncoder().encode('CAIRNSEG'), length - 8);
  return bytes;
}

const endOf = (file: Uint8Array): Uint8Array => file.subarray(Math.floor((file.length - 16) / 64) * 64);

async function newWorld(fail: (key: string) => boolean = () => false): Promise<World> {
  const world = await new LogWorld().start();
  const { truth } = world.bucket;
  const { uid } = world;
  const asked: string[] = [];
  const store = storeOver(truth, {
    get: async (key, options) => {
      asked.push(key);
      if (fail(key)) throw new Error('the store is on fire');
      return await truth.get(key, options);
    },
    put: async (key, bytes, options) => {
      asked.push(`put ${key}`);
      return await truth.put(key, bytes, options);
    },
  });
  const context = { ...world.context, store };
  const keyOf = (i: number): string => segmentKey(uid, hexOf(i, 32), 0);
  const headOf = async (tails: readonly number[], edit: Partial<Head> = {}): Promise<Head> => {
    const segments = tails.map((tailBytes, i): SegmentEntry => {
      const bytes = tailBytes + 128;
      const footerSha256 = bytesToHex(digests.sha256(endOf(fileOf(i, bytes))));
      return {
        ...{ key: keyOf(i), bytes, tailBytes, footerSha256 },
        ...{ rows: 10, live: 10, residentBytes: 0, graph: false },
      };
    });
    for (const [i, { key, bytes }] of segments.entries())
      await truth.put(key, fileOf(i, bytes), { if: 'any' });
    return { ...(await world.head()), segments, ...edit };
  };
  const copies = async (): Promise<readonly PartCopy[]> => {
    const got = await truth.get(rootKey(uid));
    return got.status === 'found' ? [...openRoot(world.context.ports.digests, uid, got.bytes).values()] : [];
  };
  const copied = async (): Promise<readonly number[]> =>
    (await copies()).map(({ key, bytes }) => {
      const i = Number.parseInt(key.split('/').at(-1)!, 16);
      expect(bytes.subarray(0, -END).every((byte) => byte === ((i + 1) & 255))).toBe(true);
      return i;
    });
  return { context, asked, headOf, copied };
}

describe('a root', () => {
  test('takes the smallest tails until it is full', async () => {
    const { context, headOf, copied, asked } = await newWorld();
    const head = await headOf([600 * KiB, 1_100 * KiB, 300 * KiB, 200 * KiB, 500 * KiB]);
    await putRoot({ context, head, written: NOTHING });
    expect(await copied()).toEqual([3, 2, 4]);
    // What has no place is not read.
    expect(asked.filter((key) => key.endsWith('.seg'))).toHaveLength(3);
    const got = await context.store.get(rootKey(context.uid));
    expect(got.status === 'found' && got.size).toBeLessThanOrEqual(limits.rootBytes);
  });

  test('is as large as it may be, and no larger', async () => {
    for (let tail = limits.rootBytes - 600; tail < limits.rootBytes; tail += 40) {
      const { context, headOf, copied } = await newWorld();
      await putRoot({ context, head: await headOf([tail]), written: NOTHING });
      const got = await context.store.get(rootKey(context.uid));
      expect(await copied()).toEqual(got.status === 'found' ? [0] : []);
      if (got.status === 'found') expect(got.size).toBeLessThanOrEqual(limits.rootBytes);
      // With its entry, envelope and table of pages it is about 500 bytes more.
      else expect(tail).toBeGreaterThan(limits.rootBytes - 560);
    }
  });

  test('has no copies where nothing fits, and is put for that once', async () => {
    const { context, headOf, copied, asked } = await newWorld();
    const window = { key: windowKey(context.uid, hexOf(1, 32)), sha256: hexOf(1, 64), bytes: 100 };
    const root = rootKey(context.uid);
    for (const head of [await headOf([2_000 * KiB]), await headOf([], { window })]) {
      await putRoot({ context, head: await headOf([KiB]), written: NOTHING });
      expect(await copied()).toEqual([0]);
      asked.length = 0;
      await putRoot({ context, head, written: NOTHING });
      expect(await copied()).toEqual([]);
      await putRoot({ context, head, written: NOTHING });
      expect(asked).toEqual([root, `put ${root}`, root]);
    }
  });

  test.each([0, 30])('is put where the one that is there is %d bytes of something', async (length) => {
    const { context, headOf, copied } = await newWorld();
    await context.store.put(rootKey(context.uid), new Uint8Array(length), { if: 'any' });
    await putRoot({ context, head: await headOf([KiB]), written: NOTHING });
    expect(await copied()).toEqual([0]);
  });

  test('has no copy that is not what the head names, wherever it comes from', async () => {
    const { context, headOf, copied } = await newWorld();
    const head = await headOf([KiB, 2 * KiB]);
    const [first, second] = head.segments;
    const { uid, store } = context;
    const damaged = fileOf(0, first!.bytes);
    damaged[damaged.length - 30]! ^= 1;
    const forged = { key: first!.key, sha256: first!.footerSha256, bytes: damaged.subarray(-KiB) };
    await store.put(rootKey(uid), sealRoot(digests, uid, [forged]), { if: 'any' });
    // That of the root is not, and is read again; nor is that of the bucket, then.
    await putRoot({ context, head, written: NOTHING });
    expect(await copied()).toEqual([0, 1]);
    await store.put(first!.key, damaged, { if: 'any' });
    await store.delete([rootKey(uid)]);
    await putRoot({ context, head, written: new Map([[second!.key, new Uint8Array(2 * KiB)]]) });
    expect(await copied()).toEqual([1]);
  });

  test('is made in so many reads at most, and grows with each compaction', async () => {
    const { context, headOf, copied, asked } = await newWorld();
    const most = limits.rootReads;
    const head = await headOf(Array.from({ length: 2 * most + 3 }, () => KiB));
    for (const expected of [most, 2 * most, 2 * most + 3, 2 * most + 3]) {
      const before = (await copied()).length;
      asked.length = 0;
      await putRoot({ context, head, written: NOTHING });
      expect(await copied()).toHaveLength(expected);
      expect(asked).toHaveLength(2 + expected - before);
    }
  });

  test('reads what it has of another segment of that name, or of another length', async () => {
    const { context, headOf, copied, asked } = await newWorld();
    await putRoot({ context, head: await headOf([KiB, KiB, KiB]), written: NOTHING });
    const next = await headOf([KiB, 2 * KiB, KiB]);
    const [first, second, third] = next.segments;
    const other = fileOf(2, third!.bytes);
    other[other.length - 30] = 99;
    await context.store.put(third!.key, other, { if: 'any' });
    const footerSha256 = bytesToHex(digests.sha256(endOf(other)));
    const segments = [first!, second!, { ...third!, footerSha256 }];
    asked.length = 0;
    await putRoot({ context, head: { ...next, segments }, written: NOTHING });
    expect(asked.filter((key) => key.endsWith('.seg')).toSorted()).toEqual([second!.key, third!.key]);
    expect(new Set(await copied())).toEqual(new Set([0, 1, 2]));
  });

  test('goes without what cannot be read or is of another size', async () => {
    let failing = '';
    const { context, headOf, copied } = await newWorld((key) => key === failing);
    const head = await headOf([KiB, 2 * KiB, 3 * KiB]);
    failing = head.segments[1]!.key;
    const [first, second, third] = head.segments;
    const segments = [first!, second!, { ...third!, bytes: third!.bytes + 1 }];
    await putRoot({ context, head: { ...head, segments }, written: NOTHING });
    expect(await copied()).toEqual([0]);
  });

  test('is left as it is where it cannot be read', async () => {
    let failing = false;
    const { context, headOf, copied, asked } = await newWorld((key) => failing && key.endsWith('/root'));
    await putRoot({ context, head: await headOf([KiB, KiB]), written: NOTHING });
    failing = true;
    asked.length = 0;
    await putRoot({ context, head: await headOf([KiB, KiB, KiB]), written: NOTHING });
    expect(asked).toEqual([rootKey(context.uid)]);
    expect(await copied()).toEqual([0, 1]);
  });

  test('has what was written just now, unread', async () => {
    const { context, headOf, asked } = await newWorld();
    const key = windowKey(context.uid, hexOf(1, 32));
    const bytes = new Uint8Array(100);
    const window = { key, sha256: bytesToHex(digests.sha256(bytes)), bytes: 100 };
    const head = await headOf([KiB], { window });
    await putRoot({ context, head, written: new Map([[key, bytes]]) });
    expect(asked).toEqual([rootKey(context.uid), head.segments[0]!.key, `put ${rootKey(context.uid)}`]);
  });
});
