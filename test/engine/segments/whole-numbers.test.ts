/**
 * Strategy: two collections of the same rows, of which one is whole numbers and the other a quarter off. Both answer what an
 * exact search answers; the one whose codes hold its rows has read nothing for it but its index and ids.
 */
import { expect, test } from 'vitest';
import { newBench, seededRandom } from '../fixture.js';
import { fold } from './fixture.js';

const DIMENSION = 64;
const ROWS = 2_000;

function vectors(rows: number, seed: number, shift: number): Float32Array {
  const bytes = seededRandom(seed).fill(new Uint8Array(rows * DIMENSION));
  return Float32Array.from(bytes, (byte, i) => (byte >> 2) + (Math.floor(i / DIMENSION) % 10) * 12 + shift);
}

test.each([
  ['euclidean', true],
  ['dot', true],
  ['manhattan', true],
  ['euclidean', false],
] as const)('%s, with a graph: %s', async (metric, graph) => {
  const readBy = async (shift: number): Promise<number> => {
    const bench = newBench();
    const writer = await bench.openAgain();
    const written = await writer.createCollection('c', { dimension: DIMENSION, metric });
    const ids = Array.from({ length: ROWS }, (_, i) => `r${i}`);
    await written.upsert({ ids, vectors: vectors(ROWS, 1, shift) });
    await fold({ ...bench, graph });
    await writer.close();
    const db = await bench.openAgain();
    const c = db.collection('c');
    // Loads the index, and the page of all ids.
    await c.query({ vector: vectors(1, 5, shift), k: 10, include: [] });
    let bytesRead = 0;
    let near = 0;
    for (let q = 0; q < 40; q++) {
      const vector = vectors(1, 100 + q, shift + 0.3);
      const { matches, usage } = await c.query({ vector, k: 10, include: [], targetRecall: 0.999 });
      bytesRead += usage.bytesRead;
      const { matches: truth } = await c.query({ vector, k: 10, include: [], exact: true });
      const scoreOf = new Map(truth.map(({ id, score }) => [id, score]));
      const found = matches.filter(({ id }) => scoreOf.has(id));
      near += found.length;
      for (const { id, score } of found) expect(score).toBe(scoreOf.get(id));
    }
    expect(near).toBeGreaterThan(350);
    await db.close();
    return bytesRead;
  };
  expect(await readBy(0)).toBe(0);
  expect(await readBy(0.25)).toBeGreaterThan(0);
});
