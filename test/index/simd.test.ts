/**
 * Strategy: one index built and walked by the module with relaxed SIMD and by the plain one: every byte of what is stored, every
 * row and every distance must be the same, because segments that one host builds are read by all others. Only hosts that take both
 * run it (vitest.config.ts); the suite of other runtimes (test/runtime) sees to it that there is one.
 */
import { describe, expect, test } from 'vitest';
import { Kernel, PAYLOAD_OFFSET, arenaClassFor, compileEmbeddedKernel } from '../../core/kernel/index.js';
import { IndexBuilder, RangeTrainer, SearchIndex, trainProjection } from '../../core/index/index.js';
import type { Hits, IndexShape } from '../../core/index/index.js';
import type { Metric, Simd } from '../../core/kernel/index.js';
import { expectSame } from '../kernel/fixture.js';
import { clustered, graphOptions, nearSubspace, rowOf, stored, upTo } from './fixture.js';
import type { StoredIndex } from './fixture.js';

interface Answers {
  readonly index: StoredIndex;
  readonly hits: readonly Hits[];
}

/** The region first, and by its bytes: it is long. */
function expectEqual(found: Answers, wanted: Answers): void {
  const { region, ...index } = found.index;
  const { region: wantedRegion, ...wantedIndex } = wanted.index;
  expectSame(region, wantedRegion);
  expect({ ...index, hits: found.hits }).toEqual({ ...wantedIndex, hits: wanted.hits });
}

interface Scene {
  readonly shape: IndexShape;
  readonly rows: Float32Array;
  readonly queries: readonly Float32Array[];
}

/** What one module makes of the rows, and finds. */
async function answersOf(simd: Simd, { shape, rows, queries }: Scene): Promise<Answers> {
  const kernel = new Kernel(await compileEmbeddedKernel(simd), { memoryBudgetBytes: 1 << 28 });
  expect(kernel.simd).toBe(simd);
  const { dimension, metric } = shape;
  const trainer = new RangeTrainer(dimension, metric);
  trainer.add(rows);
  const projection = trainProjection(kernel.pool, rows, { dimension, metric, seed: 5 });
  const options = { shape, params: trainer.finish(), graph: graphOptions, projection, extraResidentBytes: 0 };
  const builder = new IndexBuilder(kernel.pool, options);
  builder.encode(0, rows);
  builder.insert(upTo(shape.rows));
  const index = stored(builder, shape);
  const { region, sections, numbers, leafStarts } = index;
  const bytes = region.length + SearchIndex.scratchBytes({ shape, numbers: { ...numbers }, leafStarts });
  const arena = kernel.pool.acquire(arenaClassFor(bytes)!);
  arena.u8.set(region, PAYLOAD_OFFSET);
  const attachment = {
    shape,
    sections,
    numbers: { ...numbers },
    leafStarts,
    regionBytes: region.length,
    key: 'seg/test',
  };
  const search = SearchIndex.attach(arena, attachment);
  return {
    index,
    hits: queries.flatMap((query) => [
      search.walk({ query, ef: 40, limit: 40 }),
      search.scan({ query, limit: 40 }),
    ]),
  };
}

function near(metric: Metric): Scene {
  const space = { dimension: 300, rank: 24, noise: 0.4, seed: 2 };
  const rows = nearSubspace(4_096, space);
  const asked = nearSubspace(20, space, 99);
  const queries = Array.from({ length: 20 }, (_, q) => rowOf(asked, 300, q));
  return {
    shape: { dimension: 300, metric, rows: 4_096 },
    rows,
    // Within the ranges of the rows, and far outside of them.
    queries: [...queries, ...queries.map((query) => query.map((value) => value * 20))],
  };
}

function among(metric: Metric): Scene {
  const rows = clustered(600, 67, 3);
  return {
    shape: { dimension: 67, metric, rows: 600 },
    rows,
    queries: [3, 5, 8].map((row) => rowOf(rows, 67, row)),
  };
}

describe('relaxed SIMD answers as plain SIMD', () => {
  test.each(['euclidean', 'cosine'] as const)('on fewer dimensions: %s', async (metric) => {
    const scene = near(metric);
    const [plain, relaxed] = [await answersOf('plain', scene), await answersOf('relaxed', scene)];
    expect(plain.index.numbers.outputs).toBeGreaterThan(0);
    expectEqual(relaxed, plain);
  });

  test.each(['euclidean', 'cosine', 'dot', 'manhattan'] as const)('on all dimensions: %s', async (metric) => {
    const scene = among(metric);
    expectEqual(await answersOf('relaxed', scene), await answersOf('plain', scene));
  });
});
