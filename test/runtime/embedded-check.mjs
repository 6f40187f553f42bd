/**
 * Run by the Node under test, with the built library of dist/ on a file store:
 * `write FOLDER` makes a collection and goes through the calls of the embedded interface, then opens the store again;
 * `read FOLDER` reads what another Node left there, then adds a record that carries this Node's version.
 * Prints what it saw as JSON. The vectors are made by one rule, so the answers of any two Nodes can be compared.
 */
import process from 'node:process';

/** @type {typeof import('../../core/index.js')} */
const { open } = await import(new URL('../../dist/core/index.js', import.meta.url).href);

const rows = 200;
const dimension = 12;

/**
 * Whole numbers by a rule of whole numbers: Math.sin and its like may differ from one V8 to the next.
 * @param {number} row
 */
function vectorOf(row) {
  return Float32Array.from({ length: dimension }, (_, i) => (((row * dimension + i) * 7_919) % 1_000) - 500);
}

/**
 * Everything that a reader can see: search, exact order and scores, filter, ids, vectors, hidden records.
 * @param {import('../../core/index.js').Collection} papers
 */
async function see(papers) {
  const near = await papers.query({ vector: vectorOf(42), k: 5, include: ['metadata', 'vector'] });
  const filtered = await papers.query({
    id: 'row-7',
    k: 3,
    filter: { $and: [{ n: { $gte: 50 } }, { even: true }] },
  });
  const { records } = await papers.fetch({ ids: ['row-1', 'row-2', 'row-3', 'row-4'], includeDeleted: true });
  const { count } = await papers.count();
  return { near: near.matches, filtered: filtered.matches, records, count, sequence: near.sequence };
}

/** @param {string} folder */
async function write(folder) {
  const database = await open(`file:${folder}`);
  const papers = await database.createCollection('papers', { dimension, metric: 'euclidean' });
  const numbers = [...Array(rows).keys()];
  const vectors = new Float32Array(rows * dimension);
  for (const row of numbers) vectors.set(vectorOf(row), row * dimension);
  const { upserted } = await papers.upsert({
    ids: numbers.map((row) => `row-${row}`),
    vectors,
    metadata: numbers.map((row) => ({ n: row, even: row % 2 === 0, title: `Zeile ${row} \u{1F5FF}` })),
  });
  const { patched, missing } = await papers.patch({
    records: [{ id: 'row-1', metadata: { n: null, more: [1, 'two'] } }, { id: 'nowhere' }],
  });
  const deleted = await papers.delete({ ids: ['row-2'] });
  const hidden = await papers.delete({ filter: 'n = 3', soft: true });
  await database.close();
  const again = await open(`file:${folder}`, { createStore: false });
  const seen = await see(again.collection('papers'));
  await again.close();
  return { upserted, patched, missing, deleted: deleted.deleted, hidden: hidden.deleted, seen };
}

/** @param {string} folder */
async function read(folder) {
  const database = await open(`file:${folder}`, { createStore: false });
  const papers = database.collection('papers');
  const seen = await see(papers);
  const mark = {
    id: `from-${process.version}`,
    vector: vectorOf(rows).map((x) => x + 100),
    metadata: { n: -1 },
  };
  await papers.upsert([mark]);
  await database.close();
  return { seen };
}

const [, , action, folder = ''] = process.argv;
const answer = action === 'write' ? await write(folder) : await read(folder);
process.stdout.write(`${JSON.stringify({ version: process.version, ...answer })}\n`);
