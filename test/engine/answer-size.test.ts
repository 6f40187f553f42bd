/**
 * Strategy: a collection whose records are so large that a full answer would not fit, asked for all of them. A query and
 * a fetch are refused before the memory is taken; a scan answers what fits and goes on with its cursor.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { limits, open } from '../../core/index.js';
import type { Collection, Database } from '../../core/index.js';

const dimension = 4_096;
const rows = 4_000;
const ids = Array.from({ length: rows }, (_, i) => String(i).padStart(5, '0'));
let database: Database;
let collection: Collection;

beforeAll(async () => {
  database = await open('memory:');
  collection = await database.createCollection('wide', { dimension, metric: 'dot' });
  for (let at = 0; at < rows; at += 1_000) {
    const part = ids.slice(at, at + 1_000);
    await collection.upsert({ ids: part, vectors: new Float32Array(part.length * dimension).fill(at + 1) });
  }
});
afterAll(() => database.close());

const tooLarge = {
  kind: 'invalid',
  code: 'limit_exceeded',
  details: { limit: 'answerBytes', maximum: limits.answerBytes },
};

test('a query that would answer more is refused, and without the vectors it is not', async () => {
  const query = { vector: new Float32Array(dimension).fill(1), k: rows };
  await expect(collection.query({ ...query, include: ['vector'] })).rejects.toMatchObject(tooLarge);
  await expect(collection.query({ ...query, include: [] })).resolves.toMatchObject({
    matches: { length: rows },
  });
});

test('many queries of one request share the bound', async () => {
  const query = { vector: new Float32Array(dimension).fill(1), k: 1_000, include: ['vector'] };
  await expect(collection.query(query)).resolves.toMatchObject({ matches: { length: 1_000 } });
  await expect(collection.queryMany([query, query, query, query])).rejects.toMatchObject(tooLarge);
});

test('a fetch that would answer more is refused', async () => {
  await expect(collection.fetch({ ids })).rejects.toMatchObject(tooLarge);
});

test('a scan answers what fits, and its cursor all the rest', async () => {
  const first = await collection.scan({ limit: rows, include: ['vector'] });
  expect(first.records.length).toBeGreaterThan(1_000);
  expect(first.records.length).toBeLessThan(rows);
  const rest = await collection.scan({ limit: rows, include: ['vector'], cursor: first.cursor! });
  expect([...first.records, ...rest.records].map(({ id }) => id)).toEqual(ids);
  expect(rest.cursor).toBeUndefined();
});
