/** Strategy: queries whose leaves lie at known distances; what is within reach is counted by hand. */
import { expect, test } from 'vitest';
import { reachFor } from '../../../core/engine/compaction/calibrate-probes.js';

const queryOf = (count: number, step: number): { readonly farther: Float32Array } => ({
  farther: Float32Array.from({ length: count }, (_, i) => i * step),
});

test('so many leaves are within reach on average', () => {
  const reach = reachFor([queryOf(100, 1), queryOf(100, 3)], { wanted: 6, most: 12, farthest: 300 });
  // Of the first 0 to 8, of the second 0, 3 and 6: twelve.
  expect(reach).toBeGreaterThanOrEqual(8);
  expect(reach).toBeLessThan(8.01);
});

test('a query that all leaves are as near to counts for no more than are read of it', () => {
  const asked = [queryOf(1_000, 0), queryOf(100, 1), queryOf(100, 1), queryOf(100, 1)];
  // Twelve of the first, and four of each of the others.
  const reach = reachFor(asked, { wanted: 6, most: 12, farthest: 100 });
  expect(reach).toBeGreaterThanOrEqual(3);
  expect(reach).toBeLessThan(3.01);
});
