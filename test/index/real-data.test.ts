/**
 * Recall floors on real data: 20,000 abstracts (cosine) and Fashion-MNIST (L2, its first 10,000 rows here; the floors of
 * all 60,000 are the benchmark's). Skipped where the data is not there: CAIRN_DATA names the folder.
 */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { attached, built, exactDistance, exactNearest, kernel, recallOf, rowOf, stored } from './fixture.js';
import type { Metric } from '../../core/kernel/index.js';

const folder = process.env['CAIRN_DATA'] ?? new URL('../../../shared/data', import.meta.url).pathname;

function read(name: string): ArrayBuffer {
  return Uint8Array.from(gunzipSync(readFileSync(`${folder}/${name}.gz`))).buffer;
}

interface Scene {
  readonly metric: Metric;
  readonly dimension: number;
  readonly rows: Float32Array;
  readonly queries: readonly Float32Array[];
  readonly truth: readonly (readonly number[])[];
}

/** Recall of the first ten by codes, and of the ten best after measuring all `ef` with the vectors themselves. */
function recalls({ metric, dimension, rows, queries, truth }: Scene, efs: readonly number[]): number[][] {
  const shape = { dimension, metric, rows: rows.length / dimension };
  const builder = built(rows, shape, { m: 16, efConstruction: 128, seed: 1 });
  const { index, arena } = attached(stored(builder, shape));
  builder.release();
  const found = efs.map((ef) => {
    const walks = queries.map((query) => [...index.walk({ query, ef, limit: ef }).rows]);
    const reranked = walks.map((list, q) =>
      list
        .map((row) => ({ row, distance: exactDistance(metric, queries[q]!, rowOf(rows, dimension, row)) }))
        .toSorted((a, b) => a.distance - b.distance)
        .slice(0, 10)
        .map(({ row }) => row),
    );
    const heads = walks.map((list) => list.slice(0, 10));
    return [recallOf(heads, truth), recallOf(reranked, truth)];
  });
  kernel.pool.release(arena);
  return found;
}

describe.skipIf(!existsSync(`${folder}/README.md`))('recall@10 on real data', () => {
  test('arXiv abstracts, 20,000 x 256, cosine', () => {
    const queries = new Float32Array(read('arxiv-20k/query-lsa256.f32'));
    const truth = new Int32Array(read('arxiv-20k/gt100-ids.i32'));
    const count = 200;
    const [at40, at160] = recalls(
      {
        metric: 'cosine',
        dimension: 256,
        rows: new Float32Array(read('arxiv-20k/base-lsa256.f32')),
        queries: Array.from({ length: count }, (_, q) => rowOf(queries, 256, q)),
        truth: Array.from({ length: count }, (_, q) => [...truth.subarray(q * 100, q * 100 + 10)]),
      },
      [40, 160],
    );
    expect(at40![1]!).toBeGreaterThan(0.95);
    expect(at160![0]!).toBeGreaterThan(0.98);
    expect(at160![1]!).toBeGreaterThan(0.993);
  });

  test('Fashion-MNIST, 10,000 x 784, L2', () => {
    const rows = Float32Array.from(new Uint8Array(read('fashion-mnist/train.u8')).subarray(0, 10_000 * 784));
    const all = Float32Array.from(new Uint8Array(read('fashion-mnist/test-1000.u8')));
    const queries = Array.from({ length: 30 }, (_, q) => rowOf(all, 784, q));
    const truth = queries.map((query) => exactNearest('euclidean', rows, query, { k: 10 }));
    const [at40] = recalls({ metric: 'euclidean', dimension: 784, rows, queries, truth }, [40]);
    expect(at40![0]!).toBeGreaterThan(0.985);
    expect(at40![1]!).toBeGreaterThan(0.985);
  });
});
