/**
 * Calls of the kernels of product quantization, over codes that stay in the cache, as code-kernels.mjs has them of others: making the
 * tables of a query, measuring rows sixteen at a time, and a single row, which is looked up without SIMD.
 */
import { PqTable, layOutPqTable } from '../dist/core/index/codes/index.js';
import {
  HOP_BYTES,
  KernelState,
  Layout,
  codeSizes,
  pqCompressions,
} from '../dist/core/index/layout/index.js';
import { PAYLOAD_OFFSET } from '../dist/core/kernel/index.js';
import { randomFrom } from './random.mjs';

const DIMENSION = 784;
const ROWS = 32;

/**
 * @param {import('../dist/core/kernel/index.js').Kernel} kernel
 * @returns {Record<string, { call: () => void, repeats: number }>}
 */
export function preparePqKernels(kernel) {
  return Object.assign({}, ...pqCompressions.map((compression) => callsOf(kernel, compression)));
}

function callsOf(kernel, compression) {
  const arena = kernel.pool.acquire(1 << 20);
  const { exports, u8, f32, u32 } = arena;
  const random = randomFrom(1);
  const coding = { kind: 'pq', compression };
  const layout = new Layout(PAYLOAD_OFFSET);
  const place = layOutPqTable(layout, coding, DIMENSION);
  const { stride, paramBytes } = codeSizes(coding, { dimension: DIMENSION, metric: 'euclidean' });
  const params = layout.take((DIMENSION + 1) * paramBytes);
  const codes = layout.take(ROWS * stride);
  const [pool, hop] = [layout.take(ROWS * 8), layout.take(HOP_BYTES)];
  const order = params / 4 + 16 * DIMENSION;
  for (let at = params / 4; at < order; at++) f32[at] = random() * 2 - 1;
  for (let d = 0; d < DIMENSION; d++) u32[order + d] = d;
  f32.fill(0.5, order + DIMENSION, order + 2 * DIMENSION);
  f32[order + 2 * DIMENSION] = 1;
  for (let at = codes; at < codes + ROWS * stride; at++) u8[at] = random() * 256;
  const state = new KernelState(arena);
  state.set({ rows: ROWS, pool, hop });
  const options = { dimension: DIMENSION, metric: 'euclidean', coding, params, codes, ...place };
  const table = new PqTable(arena, state, options);
  table.select();
  const query = Float32Array.from({ length: DIMENSION }, random);
  table.prepare(query);
  const repeat = (repeats, kernelCall) => ({
    repeats,
    call: () => {
      for (let i = 0; i < repeats; i++) kernelCall();
    },
  });
  u32[hop / 4] = 7;
  const name = `pq ${compression}x`;
  return {
    [`${name}: tables of a query, d = ${DIMENSION}`]: repeat(100, () => table.prepare(query)),
    [`${name}: ${ROWS} rows of codes`]: repeat(100, () => exports.scanCodes(10, 0)),
    [`${name}: a row of codes`]: repeat(500, () => exports.measurePq(hop, 1, hop + 1_024)),
  };
}
