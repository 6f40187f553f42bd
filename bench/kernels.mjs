/**
 * Speed of the kernels, alone on one core:
 *
 *   npm run build && taskset -c 0 node bench/kernels.mjs
 *
 * The exact scan is measured three ways: the bare kernel over 24 KiB of rows (cache-hot), `RowBlock.search` over one
 * block of 1 MiB (what a small memtable pays, set-up and answer included), and `RowBlock.search` over 256 MiB in blocks
 * of 16 MiB (streaming from memory). `read` is what merely loading the streamed bytes takes. Medians; k = 10.
 *
 * Then the kernels of codes and of base64, by each module that the host takes: plain SIMD and relaxed SIMD.
 */
import { measure } from 'mitata';
import { Arena } from '../dist/core/kernel/arena.js';
import { Kernel, RowBlock, arenaClasses, compileEmbeddedKernel } from '../dist/core/kernel/index.js';
import { prepareCodeKernels } from './code-kernels.mjs';
import { preparePqKernels } from './pq-kernels.mjs';

const DIMENSIONS = [128, 256, 768, 784];
const METRICS = ['euclidean', 'dot', 'manhattan', 'cosine'];
const MiB = 1024 * 1024;
const [smallClass, mediumClass, , largeClass] = arenaClasses;
const STREAM_BLOCKS = 16;
const K = 10;

const module = await compileEmbeddedKernel();
const kernel = new Kernel(module, { memoryBudgetBytes: 512 * MiB });

function randomNumbers(length) {
  return Float32Array.from({ length }, () => Math.random() * 2 - 1);
}

/** Median nanoseconds of a call. */
async function nanoseconds(call, cpuNanoseconds = 3e8) {
  const { p50 } = await measure(call, { min_cpu_time: cpuNanoseconds });
  return p50;
}

function filledBlock(dimension, arenaClass) {
  const block = new RowBlock(kernel.pool, dimension, arenaClass);
  const vector = randomNumbers(dimension);
  for (let row = 0; row < block.capacity; row++) {
    vector[row % dimension] = Math.random();
    block.append(vector, 1);
  }
  return block;
}

/** The bare kernel over rows that stay in the first-level cache, called often enough per measurement. */
async function hotScan(dimension, metricCode) {
  const arena = new Arena(module, smallClass);
  const query = 65_536;
  const heap = query + 16_384;
  const rows = heap + 16_384;
  const count = Math.floor((24 * 1024) / (dimension * 4));
  arena.f32.set(randomNumbers(dimension), query / 4);
  arena.f32.set(randomNumbers(dimension * count), rows / 4);
  const { exports } = arena;
  const repeats = 100;
  const call = () => {
    for (let i = 0; i < repeats; i++) {
      exports.scanTopK(metricCode, query, rows, count, dimension, dimension * 4, 0, 0, heap, K);
    }
  };
  return (await nanoseconds(call)) / (repeats * count);
}

async function blockScan(blocks, metric) {
  const query = randomNumbers(blocks[0].dimension);
  const rows = blocks.reduce((sum, block) => sum + block.rowCount, 0);
  const call = () => {
    for (const block of blocks) block.search({ query, metric, k: K });
  };
  return (await nanoseconds(call)) / rows;
}

/** Nanoseconds to merely load one row with the cheapest kernel there is: the floor that memory sets. */
async function readFloor(arena, dimension) {
  const count = arena.arenaClass / 4;
  const bytesPerNanosecond =
    arena.arenaClass / (await nanoseconds(() => arena.exports.firstNonFinite(65_536, count)));
  return (dimension * 4) / bytesPerNanosecond;
}

async function scans() {
  console.log('exact scan, ns per vector');
  console.log('  d    metric     cache-hot   1 MiB block   streaming   read');
  const metricCodes = { euclidean: 0, dot: 1, manhattan: 2, cosine: 1 };
  const wide = new Arena(module, arenaClasses[5]);
  wide.f32.fill(1);
  for (const dimension of DIMENSIONS) {
    const small = [filledBlock(dimension, mediumClass)];
    const large = Array.from({ length: STREAM_BLOCKS }, () => filledBlock(dimension, largeClass));
    for (const metric of METRICS) {
      const hot = await hotScan(dimension, metricCodes[metric]);
      const block = await blockScan(small, metric);
      const streaming = await blockScan(large, metric);
      const read = await readFloor(wide, dimension);
      const figures = [hot, block, streaming, read].map((ns) => ns.toFixed(1).padStart(11));
      console.log(`  ${String(dimension).padEnd(5)}${metric.padEnd(10)}${figures.join(' ')}`);
    }
    for (const block of [...small, ...large]) block.release();
  }
}

async function throughput(name, bytes, call) {
  console.log(`  ${name.padEnd(44)}${(bytes / (await nanoseconds(call))).toFixed(2).padStart(8)} GB/s`);
}

async function checksumsAndText() {
  const bytes = new Uint8Array(randomNumbers(2 * MiB).buffer);
  const values = new Float32Array(bytes.buffer);
  const text = Buffer.from(bytes).toString('base64');
  console.log('bytes in, over 8 MiB, copies into the arena included');
  await throughput('crc32c', bytes.length, () => kernel.crc32c(bytes));
  await throughput('crc32c of 16 KiB pages', bytes.length, () => kernel.crc32cPages(bytes, 16_384));
  await throughput('base64 to f32, characters', text.length, () => kernel.decodeBase64F32(text, 'text'));
  await throughput('base64 by Buffer.from, for comparison', text.length, () => Buffer.from(text, 'base64'));
  await throughput('normSquared, d = 128', bytes.length, () => kernel.normSquared(values, 128));
  await throughput('firstNonFinite', bytes.length, () => kernel.firstNonFinite(values));
}

async function appends() {
  const dimension = 128;
  const block = new RowBlock(kernel.pool, dimension, mediumClass);
  const { capacity } = block;
  block.release();
  const vectors = randomNumbers(dimension * capacity);
  const call = () => {
    const fresh = new RowBlock(kernel.pool, dimension, mediumClass);
    for (let row = 0; row < capacity; row++) {
      fresh.append(vectors.subarray(row * dimension, (row + 1) * dimension), 1);
    }
    fresh.release();
  };
  console.log(`append, d = 128: ${((await nanoseconds(call)) / capacity).toFixed(0)} ns per row`);
}

/** The two modules in turns, the best of five: what disturbs one is not to be the other's gain. */
async function byModule() {
  const kernels = [];
  for (const simd of ['plain', 'relaxed']) {
    try {
      const compiled = await compileEmbeddedKernel(simd);
      const own = new Kernel(compiled, { memoryBudgetBytes: 64 * MiB });
      kernels.push({ simd, calls: { ...prepareCodeKernels(own), ...preparePqKernels(own) } });
    } catch {
      console.log(`this host does not take ${simd} SIMD`);
    }
  }
  console.log(`codes and text, us per call: ${kernels.map(({ simd }) => simd).join(', ')}`);
  for (const name of Object.keys(kernels[0].calls)) {
    const best = kernels.map(() => Infinity);
    for (let round = 0; round < 5; round++) {
      for (const [i, { calls }] of kernels.entries()) {
        const { call, repeats } = calls[name];
        best[i] = Math.min(best[i], (await nanoseconds(call, 5e7)) / repeats / 1000);
      }
    }
    console.log(`  ${name.padEnd(44)}${best.map((us) => us.toFixed(3).padStart(11)).join(' ')}`);
  }
}

console.log(`node ${process.version}, ${process.arch}, ${kernel.simd} SIMD`);
await scans();
await checksumsAndText();
await appends();
await byModule();
