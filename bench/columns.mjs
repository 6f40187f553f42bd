/**
 * What columns cost and what they give, on the 20,000 papers of arXiv with all that is known of them as metadata, titles
 * and abstracts included, in one segment of a memory store:
 *
 *   npm run build && npm run bench:columns
 *
 * Prints what the columns take beside the deflated documents, what a compaction spends on them, and how long it takes until
 * the rows of a filter are known: from the columns alone, all pages cached, as a median of many. `open` are rows that
 * columns leave to their documents, which this does not read; the last column is the whole of `count`, through the library.
 */
import { cpus } from 'node:os';
import { performance } from 'node:perf_hooks';
import { countBits } from '../dist/core/base/bitmap.js';
import { parseFilter } from '../dist/core/filter/index.js';
import { open } from '../dist/core/index.js';
import { compileEmbeddedKernel, createDigests, Kernel } from '../dist/core/kernel/index.js';
import { ColumnWriter } from '../dist/core/segment/columns/column-writer.js';
import { memoryStore } from '../dist/core/store/index.js';
import { openSegment } from './open-segment.mjs';
import { realSet } from './real-sets.mjs';

const BATCH = 2_000;
const ROUNDS = 400;
const COUNTS = 30;

const filters = [
  ['equality, 88 values', "primary = 'cs.CL'"],
  ['equality, 18 values', "archive = 'math'"],
  ['range of a date', "listed >= '2026-06-01'"],
  ['between two dates', "listed >= '2025-06-01' AND listed < '2025-09-01'"],
  ['list of 5', "primary IN ('cs.CL', 'cs.LG', 'cs.CV', 'stat.ML', 'math.PR')"],
  ['prefix', "primary LIKE 'astro%'"],
  ['contains, of tags', "categories CONTAINS 'cs.LG'"],
  ['contains, of authors', "authors CONTAINS 'Yi Wang'"],
  ['number', 'n_authors = 1'],
  [
    'five tests',
    "NOT archive = 'cs' AND n_authors > 2 AND (listed < '2025-01-01' OR categories = 'math.PR')",
  ],
  ['glob over 18 values', "archive LIKE '%-ph'"],
  ['title, whole', "title = 'SPRINT: Script-agnostic Structure Recognition in Tables'"],
  ['title, a word', "title CONTAINS 'Quantum'"],
];

/** @param {number[]} values */
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
/** @param {number} bytes */
const kib = (bytes) => `${(bytes / 1024).toFixed(0)} KiB`.padStart(11);

const set = realSet('arxiv');
const documents = set.documents ?? [];
const store = memoryStore({ clock: { wallMs: () => Date.now() } });
const database = await open('memory:', { store });
const { dimension, metric } = set;
const collection = await database.createCollection('papers', { dimension, metric });
for (let row = 0; row < documents.length; row += BATCH) {
  const end = Math.min(documents.length, row + BATCH);
  const vectors = set.vectors.slice(row * dimension, end * dimension);
  await collection.upsert({ ids: set.ids.slice(row, end), vectors, metadata: documents.slice(row, end) });
}
let started = performance.now();
await collection.compact();
const compactMs = performance.now() - started;

const texts = documents.map((document) => JSON.stringify(document));
started = performance.now();
for (const text of texts) JSON.parse(text);
const parseMs = performance.now() - started;
started = performance.now();
const writer = new ColumnWriter({ unfilterable: [], bytesMax: Infinity });
for (const text of texts) writer.add(text);
const collectMs = performance.now() - started;
started = performance.now();
for (const _ of writer.columnBytes({ rows: texts.length, leafStarts: new Uint32Array(0) }));
const encodeMs = performance.now() - started;

const kernel = new Kernel(await compileEmbeddedKernel(), { memoryBudgetBytes: 64 * 1024 * 1024 });
const digests = createDigests(kernel);
const expected = { dimension, metric };
const { reader, footer } = await openSegment(store, {
  kernel,
  digests,
  expected,
  cacheBytes: 64 * 1024 * 1024,
});
const bytesOf = (/** @type {string} */ kind) =>
  footer.sections.filter((one) => one.kind === kind).reduce((sum, { length }) => sum + length, 0);
const columns = bytesOf('columns') + bytesOf('columnIndex');
const share = ((100 * columns) / bytesOf('documents')).toFixed(1);

console.log(`node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}: ${set.title}`);
console.log(`documents, JSON     ${kib(texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0))}`);
console.log(`documents, deflated ${kib(bytesOf('documents'))}`);
console.log(`columns             ${kib(bytesOf('columns'))}`);
console.log(`index of columns    ${kib(bytesOf('columnIndex'))}   together ${share} % of the documents`);
console.log(
  `compaction ${compactMs.toFixed(0)} ms; of columns ${(collectMs + encodeMs).toFixed(0)} ms: ` +
    `${parseMs.toFixed(0)} parse, ${(collectMs - parseMs).toFixed(0)} collect, ${encodeMs.toFixed(0)} encode`,
);

console.log('\n                          rows    open    columns us    count us');
for (const [what = '', text = ''] of filters) {
  const filter = parseFilter(text);
  const { sure, open: undecided } = await reader.filterRows(filter);
  const times = [];
  for (let round = 0; round < ROUNDS; round++) {
    const from = performance.now();
    // In the cache, so it is no promise.
    void reader.filterRows(filter);
    times.push(performance.now() - from);
  }
  const counts = [];
  for (let round = 0; round < COUNTS; round++) {
    const from = performance.now();
    await collection.count({ filter: text });
    counts.push(performance.now() - from);
  }
  console.log(
    `${what.padEnd(22)} ${String(countBits(sure)).padStart(7)} ` +
      `${String(undecided === undefined ? 0 : countBits(undecided)).padStart(7)} ` +
      `${(median(times) * 1_000).toFixed(1).padStart(13)} ${(median(counts) * 1_000).toFixed(0).padStart(11)}`,
  );
}
await database.close();
