/**
 * Strategy: rows in clusters that are far apart, and of each query only clusters far from it may be answered: what was measured of all
 * rows says little of these. Walks have to tell that nothing near is allowed, and coarse codes, which tell far rows apart worse, have to be
 * compared as deep as it takes.
 */
import { describe, expect, test } from 'vitest';
import type { CollectionSettings } from '../../../core/index.js';
import type { Metric } from '../../../core/kernel/index.js';
import { numberSource } from '../../kernel/number-source.js';
import { newBench } from '../fixture.js';

const DIMENSION = 96;
const CLUSTERS = 20;
const ROWS = 10_000;
const QUERIES = 40;
const TARGET = 0.95;

const next = numberSource(11);
const normal = (): number => (next() + next() + next() + next()) * 0.87;
const centres = Array.from({ length: CLUSTERS }, () => Float32Array.from({ length: DIMENSION }, normal));

function near(cluster: number): Float32Array {
  return centres[cluster]!.map((value) => value + normal() / 2);
}

const rows = new Float32Array(ROWS * DIMENSION);
for (let row = 0; row < ROWS; row++) rows.set(near(row % CLUSTERS), row * DIMENSION);
const queries = Array.from({ length: QUERIES }, (_, q) => near(q % CLUSTERS));

const product = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, value, d) => sum + value * b[d]!, 0);

/** The farthest clusters of a query, by products: they are about equally long. */
function farthest(query: Float32Array, count: number): number[] {
  const ranked = centres.map((centre, c) => [c, product(centre, query)] as const).sort((a, b) => a[1] - b[1]);
  return ranked.slice(0, count).map(([c]) => c);
}

type Quantization = NonNullable<CollectionSettings['quantization']>;

const cases: readonly (readonly [Quantization, Metric])[] = [
  ['sq8', 'dot'],
  ['rabitq', 'dot'],
];

describe.each(cases)('%j under %s', (quantization, metric) => {
  test('answers at the recall that is asked for, where the filter keeps clear of the query', async () => {
    const db = await newBench().openAgain();
    const c = await db.createCollection('c', { dimension: DIMENSION, metric, quantization });
    const ids = Array.from({ length: ROWS }, (_, row) => String(row));
    await c.upsert({ ids, vectors: rows, metadata: ids.map((_, row) => ({ c: row % CLUSTERS })) });
    const asked = [1, 4, 7].flatMap((count) =>
      queries.map((vector) => ({
        ...{ count, vector, k: 10, include: [] },
        filter: `c IN (${farthest(vector, count).join(', ')})`,
      })),
    );
    const truths: ReadonlySet<string>[] = [];
    for (const { count: _, ...query } of asked) {
      const { matches } = await c.query({ ...query, exact: true });
      truths.push(new Set(matches.map(({ id }) => id)));
    }
    await c.compact();
    const found = new Map<number, number>();
    for (const [i, { count, ...query }] of asked.entries()) {
      const { matches } = await c.query({ ...query, targetRecall: TARGET });
      const right = matches.filter(({ id }) => truths[i]!.has(id)).length;
      found.set(count, (found.get(count) ?? 0) + right);
    }
    for (const [count, right] of found)
      expect(right / (10 * QUERIES), `${count} clusters`).toBeGreaterThanOrEqual(TARGET);
  });
});
