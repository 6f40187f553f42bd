/**
 * Run by the Node under test: the built kernels of dist/ against their built scalar twins, to the bit. Prints how many
 * comparisons were made as JSON, and exits 1 at the first difference.
 */
import assert from 'node:assert/strict';

/** @param {string} path */
const load = (path) => import(new URL(`../../dist/core/kernel/${path}`, import.meta.url).href);

/** @type {typeof import('../../core/kernel/index.js')} */
const { compileEmbeddedKernel, cosineScale, Kernel, metrics, RowBlock } = await load('index.js');
/** @type {typeof import('../../core/kernel/arena.js')} */
const { Arena } = await load('arena.js');
/** @type {typeof import('../../core/kernel/layout.js')} */
const { PAYLOAD_OFFSET } = await load('layout.js');
/** @type {typeof import('../../core/kernel/metric.js')} */
const { kernelMetric, KERNEL_DOT, KERNEL_L1, KERNEL_L2 } = await load('metric.js');
/** @type {typeof import('../../core/kernel/scalar/crc32c.js')} */
const { crc32cScalar } = await load('scalar/crc32c.js');
/** @type {typeof import('../../core/kernel/scalar/distance.js')} */
const { distanceScalar } = await load('scalar/distance.js');
/** @type {typeof import('../../core/kernel/scalar/scan.js')} */
const { topKScalar } = await load('scalar/scan.js');

let state = 1;
function nextNumber() {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return (state / 2 ** 32) * 2 - 1;
}

/** @param {number} length */
const vectorOf = (length) => Float32Array.from({ length }, nextNumber);

const module = await compileEmbeddedKernel();
let compared = 0;

/**
 * @param {unknown} found
 * @param {unknown} wanted
 * @param {string} what
 */
function mustEqual(found, wanted, what) {
  assert.deepEqual(found, wanted, what);
  compared++;
}

/** Lengths 0 to 300 and a few embeddings' own, at aligned and unaligned starts. */
function checkDistances() {
  const { exports, u8 } = new Arena(module, 262_144);
  const kernels = /** @type {const} */ ([
    [KERNEL_L2, 'l2Squared'],
    [KERNEL_DOT, 'negatedDot'],
    [KERNEL_L1, 'l1'],
  ]);
  const lengths = [...Array(301).keys(), 384, 768, 1_024, 1_536, 3_072];
  for (const length of lengths) {
    const a = vectorOf(length);
    const b = vectorOf(length);
    for (const shift of [0, 1, 4]) {
      const [atA, atB] = [PAYLOAD_OFFSET + shift, PAYLOAD_OFFSET + 65_536 + 3 * shift];
      u8.set(new Uint8Array(a.buffer), atA);
      u8.set(new Uint8Array(b.buffer), atB);
      for (const [metric, name] of kernels) {
        const what = `metric ${metric}, length ${length}, start ${shift}`;
        mustEqual(exports[name](atA, atB, length), distanceScalar(metric, a, b), what);
      }
    }
  }
}

/** Exact search over a few hundred rows, some of them dead, by each metric. */
function checkSearches() {
  const { pool } = new Kernel(module, { memoryBudgetBytes: 16 * 1024 * 1024 });
  for (const metric of metrics) {
    for (const dimension of [1, 3, 17, 64, 129]) {
      const rows = Array.from({ length: 300 }, () => vectorOf(dimension));
      const scales = Float32Array.from(rows, (row) =>
        metric === 'cosine' ? cosineScale(row.reduce((sum, x) => sum + x * x, 0)) : 1,
      );
      const block = new RowBlock(pool, dimension, RowBlock.nextClass(dimension, undefined, rows.length));
      for (const [row, vector] of rows.entries()) block.append(vector, scales[row] ?? 1);
      for (let row = 0; row < rows.length; row += 7) block.kill(row);
      const query = vectorOf(dimension);
      const hits = block.search({ query, metric, k: 20 });
      const wanted = topKScalar(
        {
          metric: kernelMetric(metric),
          query,
          rows,
          isLive: (row) => row % 7 !== 0,
          ...(metric === 'cosine' ? { scales } : {}),
        },
        20,
      );
      const found = [...hits.rows].map((row, i) => ({ row, distance: hits.distances[i] }));
      mustEqual(found, wanted, `${metric}, dimension ${dimension}`);
      block.release();
    }
  }
}

function checkChecksums() {
  const kernel = new Kernel(module, { memoryBudgetBytes: 16 * 1024 * 1024 });
  for (const length of [...Array(70).keys(), 16_384, 200_000]) {
    const bytes = Uint8Array.from({ length }, () => (nextNumber() + 1) * 128);
    mustEqual(kernel.crc32c(bytes), crc32cScalar(bytes), `checksum of ${length} bytes`);
  }
}

checkDistances();
checkSearches();
checkChecksums();
process.stdout.write(`${JSON.stringify({ version: process.versions.node, compared })}\n`);
