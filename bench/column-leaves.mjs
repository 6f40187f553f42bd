/**
 * What summaries of leaves take from filters and add to columns, on a segment of generated rows in leaves of 256 to 1,023, in a
 * memory store, once with leaves and once without:
 *
 *   npm run build && npm run bench:leaves [-- 500000]
 *
 * Prints the bytes of the columns, and how long it takes until the rows of a filter are known, all pages cached: medians of
 * rounds in turns. `leaf`, `time`, `many`, `about` and `here` follow the leaves, `mostly` but for one row in 20, `any`, `tags` and
 * `rare` not at all.
 */
import { cpus } from 'node:os';
import { performance } from 'node:perf_hooks';
import { countBits } from '../dist/core/base/bitmap.js';
import { parseFilter } from '../dist/core/filter/index.js';
import { compileEmbeddedKernel, createDigests, Kernel } from '../dist/core/kernel/index.js';
import { decodeFooter, footerOffset } from '../dist/core/segment/footer.js';
import { portableDeflate, rowMaps, SegmentReader, SegmentWriter } from '../dist/core/segment/index.js';
import { memoryStore, PageCache } from '../dist/core/store/index.js';
import { randomFrom } from './random.mjs';

const ROWS = Number(process.argv[2] ?? 500_000);
const AT_ONCE = 1_000;
const ROUNDS = Math.max(200, Math.min(4_000, 200_000_000 / ROWS));

const filters = [
  'leaf = 17',
  'leaf IN (3, 100, 250, 400, 600)',
  'leaf >= 0',
  'leaf BETWEEN 100 AND 300',
  'leaf != 17',
  'time >= 400000 AND time < 410000',
  'mostly = 17',
  'any = 17',
  'any IN (3, 100, 250, 400, 600)',
  'any >= 0',
  "tags = 'tag 17'",
  "about = 'about 17'",
  "about LIKE '%7'",
  'rare = 17',
  'here = 17',
  'leaf = 17 AND any < 300',
  'many = 1700',
  'many IN (10, 1000, 100000, 400000)',
];

const random = randomFrom(7);
/** @param {number} below */
const draw = (below) => Math.floor(random() * below);
const leafStarts = [0];
for (let row = 256 + draw(768); row < ROWS - 256; row += 256 + draw(768)) leafStarts.push(row);
const documents = leafStarts.flatMap((start, leaf) =>
  Array.from({ length: (leafStarts[leaf + 1] ?? ROWS) - start }, (_, i) => ({
    leaf,
    time: start + draw(2_000),
    mostly: draw(20) === 0 ? draw(leafStarts.length) : leaf,
    any: draw(leafStarts.length),
    many: start + i,
    tags: [`tag ${draw(200)}`, `tag ${draw(200)}`],
    about: [`about ${leaf % 200}`, `about ${(leaf + 1 + draw(3)) % 200}`],
    ...(draw(20) === 0 ? { rare: draw(100) } : {}),
    ...(leaf < 20 && i % 2 === 0 ? { here: draw(100) } : {}),
  })),
);

const store = memoryStore({ clock: { wallMs: () => 0 } });
const kernel = new Kernel(await compileEmbeddedKernel(), { memoryBudgetBytes: 64 * 1024 * 1024 });
const digests = createDigests(kernel);
const ids = documents.map((_, row) => String(row));
const { sortedIds, rowOfRank, rankOfRow } = rowMaps(ids);

/**
 * @param {string} key
 * @param {Uint32Array} starts
 */
async function segmentOf(key, starts) {
  const options = { store, digests, deflate: portableDeflate, key, uid: '10'.repeat(16) };
  const writer = await SegmentWriter.create({
    ...options,
    ...{ dimension: 1, metric: 'dot', rows: ROWS, seqBase: 0 },
    ...{ unfilterable: [], columnBytesMax: Infinity },
  });
  await writer.writeRaw(new Float32Array(ROWS));
  for (let row = 0; row < ROWS; row += AT_ONCE)
    await writer.writeDocuments(
      documents.slice(row, row + AT_ONCE).map((document) => JSON.stringify(document)),
    );
  await writer.writeIds(sortedIds);
  await writer.writeSeqs(new Uint32Array(ROWS));
  await writer.writeColumns(starts);
  await writer.writeResident([
    { kind: 'rowOfRank', bytes: new Uint8Array(rowOfRank.buffer), count: ROWS },
    { kind: 'rankOfRow', bytes: new Uint8Array(rankOfRow.buffer), count: ROWS },
  ]);
  const ref = await writer.finish({ numbers: {}, curve: null });
  const reader = await SegmentReader.open({
    ...{ store, digests, deflate: portableDeflate, ref, masks: kernel.masks },
    cache: new PageCache({ budgetBytes: 256 * 1024 * 1024 }),
    expected: { dimension: 1, metric: 'dot' },
  });
  const found = await store.get(key);
  if (found.status !== 'found') throw new Error(`${key} is not there`);
  const offset = footerOffset(key, found.bytes, 0);
  const { sections } = decodeFooter(digests, { key, offset }, found.bytes.subarray(offset));
  return { reader, bytes: sections.find(({ kind }) => kind === 'columns')?.length ?? 0 };
}

/** @param {number[]} values */
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

const plain = await segmentOf('c/plain.seg', new Uint32Array(0));
const summarized = await segmentOf('c/leaves.seg', Uint32Array.from(leafStarts));
console.log(`node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}`);
console.log(
  `${ROWS} rows in ${leafStarts.length} leaves; bytes of columns without summaries and with: ${plain.bytes}, ${summarized.bytes}`,
);
console.log(`\n${'filter'.padEnd(34)}    rows   without us   with us`);
for (const text of filters) {
  const filter = parseFilter(text);
  const readers = [plain.reader, summarized.reader];
  const found = [];
  for (const reader of readers) found.push(countBits((await reader.filterRows(filter)).sure));
  if (found[0] !== found[1]) throw new Error(`${text}: ${found.join(' rows and ')}`);
  const times = readers.map(() => /** @type {number[]} */ ([]));
  for (let round = 0; round < ROUNDS; round++) {
    readers.forEach((reader, i) => {
      const from = performance.now();
      // In the cache, so it is no promise.
      void reader.filterRows(filter);
      times[i]?.push((performance.now() - from) * 1_000);
    });
  }
  const [without = 0, withLeaves = 0] = times.map(median);
  const shown = `${without.toFixed(1).padStart(12)} ${withLeaves.toFixed(1).padStart(9)}`;
  console.log(`${text.padEnd(34)} ${String(found[0]).padStart(7)} ${shown}`);
}
