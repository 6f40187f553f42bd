/** Strategy: estimates of all kinds, held against an order by numbers. */
import { describe, expect, test } from 'vitest';
import { RankedRows } from '../../../core/engine/compaction/ranked-rows.js';
import type { Ranked } from '../../../core/engine/compaction/ranked-rows.js';
import { numberSource } from '../../kernel/number-source.js';

const NONE: Ranked = { estimates: new Float32Array(0), rows: new Uint32Array(0) };

const ROWS = 134_217_728;
const ranking = new RankedRows(ROWS);

function ranked(of: readonly (readonly [number, number])[], most: number, before = NONE): Ranked {
  for (const [estimate, row] of of) ranking.add(estimate, row);
  return ranking.rank(before, most);
}

describe('ranked rows', () => {
  test('come by their estimates, of whatever sign and size', () => {
    const estimates = [3, -1e-40, 0, -2, 1e38, -1e38, 1e-40, Infinity, -0.5];
    const { estimates: found, rows } = ranked(
      estimates.map((estimate, row) => [estimate, row]),
      20,
    );
    const order = [...estimates.keys()].sort((a, b) => estimates[a]! - estimates[b]!);
    expect([...rows]).toEqual(order);
    expect([...found]).toEqual(order.map((row) => Math.fround(estimates[row]!)));
  });

  test('come once, with the least of their estimates', () => {
    const all = [
      [2, 7],
      [1, 8],
      [0.5, 7],
      [4, 8],
      [3, ROWS - 1],
    ] as const;
    const { estimates, rows } = ranked(all, 2);
    expect([[...rows], [...estimates]]).toEqual([
      [7, 8],
      [0.5, 1],
    ]);
  });

  test('are as many as are wanted of many more', () => {
    const next = numberSource(3);
    const all = Array.from({ length: 5_000 }, (_, row) => [Math.fround(next() - 0.5), row] as const);
    const { estimates, rows } = ranked(all, 100);
    const order = all.toSorted((a, b) => a[0] - b[0]).slice(0, 100);
    expect([...estimates]).toEqual(order.map(([estimate]) => estimate));
    expect([...rows]).toEqual(order.map(([, row]) => row));
  });

  test('are the same whether all come at once or some after others were ranked', () => {
    const next = numberSource(4);
    // Few values and few rows: many come twice, and many are as near as others.
    const all = Array.from(
      { length: 600 },
      () => [Math.round(next() * 10) / 4, Math.floor(Math.abs(next()) * 300)] as const,
    );
    for (const most of [1, 50, 1_000]) {
      let known = NONE;
      for (const [from, to] of [
        [0, 1],
        [1, 300],
        [300, 300],
        [300, 600],
      ])
        known = ranked(all.slice(from, to), most, known);
      expect(known).toEqual(ranked(all, most));
    }
  });

  test('of none are none', () => {
    expect(ranked([], 5).rows).toHaveLength(0);
  });
});
