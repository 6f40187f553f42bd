/**
 * Strategy: rows appended together against the same rows appended one by one, in runs of any length, for dimensions
 * whose rows lie densely and whose rows do not, until the block is full.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RowBlock, arenaClasses, cosineScale } from '../../core/kernel/index.js';
import { normSquaredScalar } from '../../core/kernel/scalar/numbers.js';
import { newKernel } from './fixture.js';

const { pool } = newKernel();
const [SMALL] = arenaClasses;

test('appendRows does what append does for each row', () => {
  const runs = fc.array(fc.nat(40), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.constantFrom(1, 3, 4, 5, 8, 784), runs, fc.boolean(), (dimension, lengths, scaled) => {
      const together = new RowBlock(pool, dimension, SMALL);
      const singly = new RowBlock(pool, dimension, SMALL);
      for (const [run, length] of lengths.entries()) {
        const vectors = Float32Array.from(
          { length: length * dimension },
          (_, i) => ((run * 31 + i) % 17) + 1,
        );
        const scales = Float32Array.from({ length }, (_, row) => 1 / (row + 1));
        const taken = together.appendRows(vectors, scaled ? scales : undefined);
        expect(taken).toBe(Math.min(length, singly.capacity - singly.rowCount));
        for (let row = 0; row < taken; row++)
          singly.append(vectors.subarray(row * dimension, (row + 1) * dimension), scaled ? scales[row]! : 1);
        if (together.rowCount > 1) for (const block of [together, singly]) block.kill(together.rowCount - 2);
      }
      expect([together.rowCount, together.liveCount]).toEqual([singly.rowCount, singly.liveCount]);
      const query = new Float32Array(dimension).fill(2);
      for (const metric of ['euclidean', 'cosine'] as const) {
        const search = { query, metric, k: together.capacity };
        expect(together.search(search)).toEqual(singly.search(search));
      }
      for (let row = 0; row < together.rowCount; row++) {
        expect(together.vector(row)).toEqual(singly.vector(row));
        expect(together.isLive(row)).toBe(singly.isLive(row));
      }
      for (const block of [together, singly]) block.release();
    }),
  );
});

test('appendRows takes what there is room for, and refuses what is no row', () => {
  const block = new RowBlock(pool, 784, SMALL);
  const vectors = new Float32Array((block.capacity + 3) * 784).fill(1);
  expect(block.appendRows(vectors, undefined)).toBe(block.capacity);
  expect(block.appendRows(vectors, undefined)).toBe(0);
  expect(() => block.appendRows(new Float32Array(785), undefined)).toThrow('785 numbers are no rows of 784');
  block.release();
});

test.each([3, 4, 784])(
  'appendCopied scales rows as those are that are appended: %i dimensions',
  (dimension) => {
    const copied = new RowBlock(pool, dimension, SMALL);
    const singly = new RowBlock(pool, dimension, SMALL);
    const vectors = Float32Array.from({ length: 7 * dimension }, (_, i) => ((i * 31) % 17) - 7.5);
    const bytes = new Uint8Array(vectors.buffer);
    for (const [first, count] of [
      [0, 3],
      [3, 4],
    ] as const) {
      const done = copied.appendCopied(count, 'cosine', (target, at, stride) => {
        for (let i = 0; i < count; i++) {
          const row = bytes.subarray((first + i) * dimension * 4, (first + i + 1) * dimension * 4);
          target.set(row, at + i * stride);
        }
        return true;
      });
      expect(done).toBe(true);
      expect(copied.appendCopied(1, 'cosine', () => false)).toBe(false);
    }
    for (let row = 0; row < 7; row++) {
      const vector = vectors.subarray(row * dimension, (row + 1) * dimension);
      singly.append(vector, cosineScale(normSquaredScalar(vector)));
    }
    const query = Float32Array.from({ length: dimension }, (_, i) => i + 1);
    for (const metric of ['euclidean', 'cosine'] as const)
      expect(copied.search({ query, metric, k: 7 })).toEqual(singly.search({ query, metric, k: 7 }));
    expect(() => copied.appendCopied(copied.capacity - 6, 'dot', () => true)).toThrow(
      'rows more in a block of',
    );
    for (const block of [copied, singly]) block.release();
  },
);
