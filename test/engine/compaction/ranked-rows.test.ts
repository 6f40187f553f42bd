/** Strategy: estimates of all kinds, held against an order by numbers. */
import { describe, expect, test } from 'vitest';
import { RankedRows } from '../../../core/engine/compaction/ranked-rows.js';
import { numberSource } from '../../kernel/number-source.js';

function ranked(of: readonly (readonly [number, number])[]): RankedRows {
  const rows = new RankedRows();
  for (const [estimate, row] of of) rows.add(estimate, row);
  return rows;
}

describe('ranked rows', () => {
  test('come by their estimates, of whatever sign and size', () => {
    const estimates = [3, -1e-40, 0, -2, 1e38, -1e38, 1e-40, Infinity, -0.5];
    const { estimates: found, rows } = ranked(estimates.map((estimate, row) => [estimate, row])).best(20);
    const order = [...estimates.keys()].sort((a, b) => estimates[a]! - estimates[b]!);
    expect([...rows]).toEqual(order);
    expect([...found]).toEqual(order.map((row) => Math.fround(estimates[row]!)));
  });

  test('come once, with the least of their estimates', () => {
    const { estimates, rows } = ranked([
      [2, 7],
      [1, 8],
      [0.5, 7],
      [4, 8],
      [3, 134_217_727],
    ]).best(2);
    expect([[...rows], [...estimates]]).toEqual([
      [7, 8],
      [0.5, 1],
    ]);
  });

  test('are as many as are wanted of many more', () => {
    const next = numberSource(3);
    const all = Array.from({ length: 5_000 }, (_, row) => [Math.fround(next() - 0.5), row] as const);
    const { estimates, rows } = ranked(all).best(100);
    const order = all.toSorted((a, b) => a[0] - b[0]).slice(0, 100);
    expect([...estimates]).toEqual(order.map(([estimate]) => estimate));
    expect([...rows]).toEqual(order.map(([, row]) => row));
  });

  test('of none are none', () => {
    expect(new RankedRows().best(5).rows).toHaveLength(0);
  });
});
