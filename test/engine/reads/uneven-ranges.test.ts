/**
 * Strategy: a few rows lie so far from all others that these share a few steps of the scalar codes. What is answered still has to keep the
 * target: of a segment with a graph and of one without, by walks and by scans.
 */
import { expect, test } from 'vitest';
import { numberSource } from '../../kernel/number-source.js';
import { newBench } from '../fixture.js';

const DIMENSION = 16;
const QUERIES = 40;
const FAR = 200;

const next = numberSource(23);
const near = (): Float32Array => Float32Array.from({ length: DIMENSION }, () => next() + next() + next());

test.each([
  [1_500, 'euclidean'],
  [2_400, 'euclidean'],
  [2_400, 'manhattan'],
] as const)('%d rows by %s, one in 100 of which is far', { timeout: 60_000 }, async (rows, metric) => {
  const db = await newBench().openAgain();
  const c = await db.createCollection('c', { dimension: DIMENSION, metric });
  const vectors = new Float32Array(rows * DIMENSION);
  for (let row = 0; row < rows; row++)
    vectors.set(
      near().map((value) => (row % 100 === 0 ? FAR * value : value)),
      row * DIMENSION,
    );
  await c.upsert({ ids: Array.from({ length: rows }, (_, row) => String(row)), vectors });
  await c.compact();
  for (const index of ['auto', 'flat'] as const) {
    let found = 0;
    for (let query = 0; query < QUERIES; query++) {
      const asked = { vector: near(), k: 10, include: [] };
      const truth = new Set((await c.query({ ...asked, exact: true })).matches.map(({ id }) => id));
      const { matches } = await c.query({ ...asked, index });
      found += matches.filter(({ id }) => truth.has(id)).length;
    }
    expect(found / (10 * QUERIES)).toBeGreaterThan(0.94);
  }
  await db.close();
});
