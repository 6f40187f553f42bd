/**
 * Run by the Node under test, with the built library: one store is asked the same without threads and with two, in shared memory, by
 * arrays and by base64, with the log in memory and folded. Prints what both saw as JSON.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

/** @type {typeof import('../../core/index.js')} */
const { open } = await import(new URL('../../dist/core/index.js', import.meta.url).href);

const rows = 4_000;
const dimension = 32;

/**
 * Whole numbers by a rule of whole numbers.
 * @param {number} row
 */
function vectorOf(row) {
  return Float32Array.from({ length: dimension }, (_, i) => (((row * dimension + i) * 7_919) % 1_009) - 500);
}

/** @param {Float32Array} vector */
const base64Of = (vector) => Buffer.from(vector.buffer).toString('base64');

/**
 * What forty queries find, all at once.
 * @param {import('../../core/index.js').Database} database
 */
async function see(database) {
  const of = database.collection('papers');
  const asked = Array.from({ length: 40 }, (_, i) => vectorOf(rows + i * 3));
  const answers = await Promise.all([
    ...asked.map((vector) => of.query({ vector, k: 5, ef: 100, include: ['vector'] })),
    ...asked.map((vector) => of.query({ vector: base64Of(vector), k: 5, filter: { even: true } })),
  ]);
  return answers.map(({ matches }) => matches);
}

const folder = mkdtempSync(join(tmpdir(), 'cairn-threads-check-'));
try {
  const seen = [];
  for (const [step, threads] of [2, 0, 2].entries()) {
    const database = await open(`file:${folder}`, { threads });
    if (step === 0) {
      const papers = await database.createCollection('papers', { dimension, metric: 'euclidean' });
      const numbers = Array.from({ length: rows }, (_, row) => row);
      await papers.upsert({
        ids: numbers.map((row) => `r${row}`),
        vectors: Float32Array.from(numbers.flatMap((row) => [...vectorOf(row)])),
        metadata: numbers.map((row) => ({ even: row % 2 === 0 })),
      });
      await see(database);
      await papers.compact();
    }
    seen.push(await see(database));
    await database.close();
  }
  process.stdout.write(JSON.stringify({ version: process.versions.node, seen }));
} finally {
  rmSync(folder, { recursive: true });
}
