/**
 * Strategy: distances of rows that somebody copies, in parts of any size, against the twins: equal to the bit wherever a part
 * ends. A copy that cannot be made is no answer, and leaves nothing behind.
 */
import { describe, expect, test } from 'vitest';
import {
  RowBlock,
  RowScorer,
  arenaClasses,
  cosineScale,
  metrics,
  type Metric,
} from '../../core/kernel/index.js';
import { kernelMetric } from '../../core/kernel/metric.js';
import type { ScoredRows } from '../../core/kernel/row-scorer.js';
import { normSquaredScalar } from '../../core/kernel/scalar/numbers.js';
import { topKScalar } from '../../core/kernel/scalar/scan.js';
import { newKernel, randomVector } from './fixture.js';
import { numberSource } from './number-source.js';

const kernel = newKernel();

interface Part {
  readonly first: number;
  readonly count: number;
}

/** The copy of some rows, which notes what it was asked for. `fails`: from that part on. */
function copyOf(
  rows: readonly Float32Array[],
  fails = Infinity,
): { copy: ScoredRows['copy']; parts: Part[] } {
  const parts: Part[] = [];
  const copy: ScoredRows['copy'] = ({ first, count }, target, { at, stride }) => {
    parts.push({ first, count });
    if (parts.length > fails) return false;
    for (let i = 0; i < count; i++) {
      const { buffer, byteOffset, byteLength } = rows[first + i]!;
      target.set(new Uint8Array(buffer, byteOffset, byteLength), at + i * stride);
    }
    return true;
  };
  return { copy, parts };
}

function truthOf(metric: Metric, query: Float32Array, rows: readonly Float32Array[]): Float32Array {
  const scales = metric === 'cosine' ? rows.map((row) => cosineScale(normSquaredScalar(row))) : undefined;
  const hits = topKScalar(
    {
      metric: kernelMetric(metric),
      query,
      rows,
      isLive: () => true,
      scales: scales && Float32Array.from(scales),
    },
    rows.length,
  );
  return Float32Array.from(
    hits.toSorted((a, b) => a.row - b.row),
    ({ distance }) => distance,
  );
}

function rowsOf(count: number, dimension: number): Float32Array[] {
  const next = numberSource(count + dimension);
  return Array.from({ length: count }, () => randomVector(dimension, next));
}

describe.each(metrics)('distances of copied rows: %s', (metric) => {
  test.each([3, 16, 300, 784])(
    'in the order of the rows, however many there are: %i dimensions',
    (dimension) => {
      const scorer = new RowScorer(kernel);
      const capacity = RowBlock.capacityOf(dimension, arenaClasses[0]);
      const rows = rowsOf(2 * capacity + 5, dimension);
      const query = randomVector(dimension, numberSource(dimension));
      const truth = truthOf(metric, query, rows);
      for (const [count, wanted] of [
        [0, [0]],
        [1, [1]],
        [capacity, [capacity]],
        [capacity + 1, [capacity, 1]],
        [2 * capacity, [capacity, capacity]],
        [2 * capacity + 5, [capacity, capacity, 5]],
        [2, [2]],
      ] as const) {
        const { copy, parts } = copyOf(rows);
        expect(scorer.tryDistances({ query, metric, count, copy })).toEqual(truth.subarray(0, count));
        expect(parts.map((part) => part.count)).toEqual(wanted);
        expect(parts.map((part) => part.first)).toEqual(wanted.map((_, i) => i * capacity));
      }
      scorer.release();
    },
  );

  test('are none where one part cannot be copied, and good the next time', () => {
    const scorer = new RowScorer(kernel);
    const capacity = RowBlock.capacityOf(784, arenaClasses[0]);
    const rows = rowsOf(2 * capacity + 5, 784);
    const query = rows[3]!;
    for (const [count, fails] of [
      [7, 0],
      [capacity, 0],
      [rows.length, 0],
      [rows.length, 1],
      [rows.length, 2],
    ] as const) {
      const { copy, parts } = copyOf(rows, fails);
      expect(scorer.tryDistances({ query, metric, count, copy })).toBeUndefined();
      expect(parts).toHaveLength(fails + 1);
      const again = scorer.tryDistances({ query, metric, count: 9, ...copyOf(rows) });
      expect(again).toEqual(truthOf(metric, query, rows.slice(0, 9)));
    }
    scorer.release();
  });
});

test('a scorer keeps one block, of the dimension that it was asked for last', () => {
  const scorer = new RowScorer(kernel);
  const before = kernel.pool.usage().usedBytes;
  for (const dimension of [8, 4_096, 8, 8]) {
    const rows = rowsOf(3, dimension);
    const query = rows[0]!;
    const found = scorer.tryDistances({ query, metric: 'euclidean', count: 3, ...copyOf(rows) });
    expect(found).toEqual(truthOf('euclidean', query, rows));
  }
  expect(kernel.pool.usage().usedBytes - before).toBe(262_144 + 65_536);
  scorer.release();
  scorer.release();
  expect(kernel.pool.usage().usedBytes).toBe(before);
});
