/**
 * Strategy: the same segment is scanned in memory and streamed through the smallest arena that it can be streamed through, so that
 * it comes in many pieces. Rows, distances and what was visited have to be the same to the bit, for each metric, filter and depth.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { fullBitmap, setBit } from '../../../core/base/bitmap.js';
import { scanStreamed, streamBytes } from '../../../core/engine/segments/streamed-scan.js';
import type { SegmentFile } from '../../../core/engine/segments/index.js';
import { acquireBytes } from '../../../core/index/index.js';
import type { Hits, ScanRequest } from '../../../core/index/index.js';
import type { Metric } from '../../../core/kernel/index.js';
import { clustered, nearSubspace } from '../../index/fixture.js';
import { newBench, storeOver } from '../fixture.js';
import type { Bench } from '../fixture.js';
import { fold, kernel, openState } from './fixture.js';
import type { OpenState } from './fixture.js';

const open: OpenState[] = [];

afterEach(() => {
  for (const state of open.splice(0)) state.close();
});

async function opened(bench: Bench): Promise<{ readonly file: SegmentFile; readonly state: OpenState }> {
  const state = await openState(bench);
  open.push(state);
  expect(state.state.sink.overlays).toHaveLength(1);
  return { file: state.state.sink.overlays[0]!.segment.file, state };
}

async function streamed(file: SegmentFile, request: ScanRequest): Promise<Hits> {
  const before = kernel.pool.usage().usedBytes;
  const arena = acquireBytes(kernel.pool, streamBytes(file, request, 0));
  try {
    return await scanStreamed(arena, { file, request, parallel: 6, goOn: () => {} });
  } finally {
    kernel.pool.release(arena);
    expect(kernel.pool.usage().usedBytes).toBe(before);
  }
}

async function expectSame(
  { state, file }: Awaited<ReturnType<typeof opened>>,
  request: ScanRequest,
): Promise<Hits> {
  const { residency } = state.state.sink.store;
  const resident = await residency.withIndex(file, 'nothing', ({ index }) => index.scan(request));
  const found = await streamed(file, request);
  expect(found).toEqual(resident);
  expect(found.rows.length).toBeGreaterThan(0);
  return found;
}

/** Every so many-th row from the first on; a block in the middle; all but a few. */
function filtersOf(rows: number): readonly (Uint8Array | undefined)[] {
  const of = (isIn: (row: number) => boolean): Uint8Array => {
    const bits = new Uint8Array(Math.ceil(rows / 8));
    for (let row = 0; row < rows; row++) if (isIn(row)) setBit(bits, row);
    return bits;
  };
  return [
    undefined,
    fullBitmap(rows),
    of((row) => row % 3 === 0),
    of((row) => row % 977 === 5),
    of((row) => row > rows / 2 && row < rows / 2 + 300),
    of((row) => row === rows - 1),
    of((row) => row % 50 !== 7),
  ];
}

async function folded(rows: Float32Array, dimension: number, metric: Metric): Promise<Bench> {
  const bench = newBench();
  const db = await bench.openAgain();
  const c = await db.createCollection('c', { dimension, metric });
  const perBatch = 5_000;
  for (let at = 0; at < rows.length / dimension; at += perBatch) {
    const vectors = rows.subarray(at * dimension, (at + perBatch) * dimension);
    await c.upsert({
      ids: Array.from({ length: vectors.length / dimension }, (_, i) => `${at + i}`),
      vectors,
    });
  }
  await fold(bench);
  await db.close();
  return bench;
}

/** Rows of long codes, and of short ones, that come in several pieces. */
const [FEWER, MORE] = [4_500, 9_000];

describe('a streamed scan answers what the scan of the index in memory does', () => {
  test.each([
    ['euclidean', 40],
    ['cosine', 40],
    ['dot', 40],
    ['manhattan', 40],
    ['euclidean', 1],
    ['dot', 300],
  ] as const)('%s of %i dimensions', async (metric, dimension) => {
    const rows = clustered(dimension === 40 ? 30_000 : 8_000, dimension, 3);
    const at = await opened(await folded(rows, dimension, metric));
    const query = clustered(1, dimension, 9);
    for (const allowed of filtersOf(at.file.rows)) {
      for (const limit of [1, 50, 20_000]) await expectSame(at, { query, limit, allowed });
    }
  });

  test.each(['euclidean', 'dot', 'manhattan'] as const)(
    'with exact distances of whole numbers: %s',
    async (metric) => {
      // Few values: many rows are at one distance, and their numbers decide.
      const rows = clustered(20_000, 24, 4).map((value) => Math.round(value * 3));
      const at = await opened(await folded(rows, 24, metric));
      const query = clustered(1, 24, 5);
      for (const allowed of filtersOf(at.file.rows)) {
        for (const limit of [7, 300])
          expect((await expectSame(at, { query, limit, allowed })).exact).toBe(true);
      }
    },
  );

  test.each([
    ['none', 'cosine', FEWER],
    ['none', 'manhattan', FEWER],
    ['rabitq', 'cosine', MORE],
    [{ type: 'rabitq', bits: 2 }, 'euclidean', MORE],
    [{ type: 'rabitq', bits: 4 }, 'dot', FEWER],
    ['pq', 'cosine', MORE],
    [{ type: 'pq', compression: 8 }, 'dot', MORE],
    [{ type: 'pq', compression: 32 }, 'manhattan', FEWER],
  ] as const)('coded by %j under %s', async (quantization, metric, count) => {
    const dimension = 130;
    const bench = newBench();
    const db = await bench.openAgain();
    const c = await db.createCollection('c', { dimension, metric, quantization });
    const rows = clustered(count, dimension, 3);
    await c.upsert({ ids: Array.from({ length: count }, (_, i) => `${i}`), vectors: rows });
    await c.compact();
    await db.close();
    const at = await opened(bench);
    const type = typeof quantization === 'string' ? quantization : quantization.type;
    expect(at.file.numbers['coding']).toBe({ none: 1, rabitq: 2, pq: 3 }[type]);
    const query = clustered(1, dimension, 9);
    for (const allowed of filtersOf(count)) {
      for (const limit of [1, 50, 20_000])
        expect((await expectSame(at, { query, limit, allowed })).exact).toBe(quantization === 'none');
    }
  });

  test('of an index that is compared by fewer dimensions first', async () => {
    const dimension = 256;
    const space = { dimension, rank: 20, noise: 0.4, seed: 3 };
    const bench = newBench();
    const db = await bench.openAgain();
    const c = await db.createCollection('c', { dimension, metric: 'euclidean' });
    const rows = nearSubspace(16_500, space);
    for (let at = 0; at < 16_500; at += 2_000) {
      const vectors = rows.subarray(at * dimension, (at + 2_000) * dimension);
      await c.upsert({
        ids: Array.from({ length: vectors.length / dimension }, (_, i) => `${at + i}`),
        vectors,
      });
    }
    await c.compact();
    await db.close();
    const at = await opened(bench);
    expect(at.file.numbers['outputs']).toBeGreaterThan(0);
    const query = nearSubspace(1, space, 50);
    for (const allowed of filtersOf(at.file.rows)) {
      for (const coarse of [undefined, 128, 2_048])
        await expectSame(at, { query, limit: 40, coarse, allowed });
    }
    // A coarse scan reads a part of the codes: those of rows that are near each other lie so.
    const { context } = at.state;
    let bytes = 0;
    const counting = storeOver(context.store, {
      get: (key, options) => {
        bytes += options?.range?.length ?? 0;
        return context.store.get(key, options);
      },
    });
    const other = await opened({ ...bench, store: counting });
    bytes = 0;
    await streamed(other.file, { query, limit: 40, coarse: 128 });
    const coarse = bytes;
    await streamed(other.file, { query, limit: 40 });
    expect(coarse).toBeLessThan(bytes - coarse);
  });
});

describe('a stream', () => {
  test('reads pages of rows that count only, and each once', async () => {
    const bench = await folded(clustered(30_000, 128, 3), 128, 'euclidean');
    const ranges: number[] = [];
    const counting = storeOver(bench.store, {
      get: (key, options) => {
        if (options?.range !== undefined) ranges.push(options.range.length);
        return bench.store.get(key, options);
      },
    });
    const { file } = await opened({ ...bench, store: counting });
    const query = clustered(1, 128, 9);
    const readBy = async (allowed: Uint8Array | undefined): Promise<number> => {
      ranges.length = 0;
      await streamed(file, { query, limit: 10, allowed });
      return ranges.reduce((sum, length) => sum + length, 0);
    };
    await readBy(undefined);
    const all = await readBy(undefined);
    const codes = 30_000 * 132;
    expect(all).toBeGreaterThanOrEqual(codes);
    // Two pages of each piece may be shared with its neighbours.
    expect(all).toBeLessThan(1.6 * codes);
    const few = new Uint8Array(3_750);
    for (const row of [17, 15_000, 29_999]) setBit(few, row);
    expect(await readBy(few)).toBeLessThan(10 * 16_384);
  });

  test('of damaged pages fails, and its memory comes back', async () => {
    const bench = await folded(clustered(8_000, 64, 3), 64, 'euclidean');
    const damaged = storeOver(bench.store, {
      get: async (key, options) => {
        const found = await bench.store.get(key, options);
        if (options?.cache === 'pass' && found.status === 'found') found.bytes[9] = ~found.bytes[9]!;
        return found;
      },
    });
    const { file } = await opened({ ...bench, store: damaged });
    const query = clustered(1, 64, 9);
    await expect(streamed(file, { query, limit: 10 })).rejects.toMatchObject({ code: 'corrupt_object' });
  });
});
