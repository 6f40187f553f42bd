/**
 * Calls of the kernels that compare codes, prepare and project queries and read base64, over data that stays in the cache: what
 * kernels.mjs measures once per module. Each call repeats its kernel, because a clock is too coarse for one.
 */
import { CodeTable, kindOf, layOutTable } from '../dist/core/index/codes/index.js';
import { KernelState, Layout, codeStride } from '../dist/core/index/layout/index.js';
import { Projector, layOutProjector } from '../dist/core/index/projection/index.js';
import { PAYLOAD_OFFSET, metrics } from '../dist/core/kernel/index.js';
import { randomFrom } from './random.mjs';

const DIMENSION = 784;
const OUTPUTS = 128;
const ROWS = 32;

/**
 * @param {import('../dist/core/kernel/index.js').Kernel} kernel
 * @returns {Record<string, { call: () => void, repeats: number }>}
 */
export function prepareCodeKernels(kernel) {
  const calls = {};
  for (const metric of metrics) Object.assign(calls, queryCalls(kernel, metric));
  const text = Buffer.from(Uint8Array.from({ length: 3 << 20 }, numbers(256))).toString('base64');
  const decode = () => kernel.decodeBase64F32(text, 'text');
  return { ...calls, [`base64 to f32, ${text.length >> 20} Mi characters`]: { call: decode, repeats: 1 } };
}

function numbers(size) {
  const random = randomFrom(1);
  return () => random() * size;
}

function queryCalls(kernel, metric) {
  const arena = kernel.pool.acquire(1 << 20);
  const { exports, u8, f32 } = arena;
  const next = numbers(1);
  u8.forEach((_, at) => at >= PAYLOAD_OFFSET && (u8[at] = next() * 256));
  const layout = new Layout(PAYLOAD_OFFSET);
  const place = layOutTable(layout, DIMENSION);
  const scratch = layOutProjector(layout, DIMENSION);
  const stride = codeStride(DIMENSION);
  const [codes, terms] = [layout.take(ROWS * stride), layout.take(ROWS * 4)];
  const [pool, hop, out] = [layout.take(ROWS * 8), layout.take(256 * 24), layout.take(OUTPUTS * 4)];
  const projection = layout.take(OUTPUTS * (stride + 4));
  f32.fill(1, (projection + OUTPUTS * stride) / 4, (projection + OUTPUTS * (stride + 4)) / 4);
  f32.fill(1, terms / 4, terms / 4 + ROWS);
  const state = new KernelState(arena);
  state.set({ kind: kindOf(metric), rows: ROWS, pool, hop });
  const params = {
    lo: Float32Array.from({ length: DIMENSION }, next),
    step: Float32Array.from({ length: DIMENSION }, () => 0.01 + next() / 100),
  };
  const table = new CodeTable(arena, state, { dimension: DIMENSION, metric, params, codes, terms, ...place });
  const projector = new Projector(arena, state, { full: table, outputs: OUTPUTS, projection, scratch });
  table.select();
  const query = params.lo.map((low, d) => low + params.step[d] * next() * 255);
  const repeat = (repeats, kernelCall) => ({
    repeats,
    call: () => {
      for (let i = 0; i < repeats; i++) kernelCall();
    },
  });
  const prepare = repeat(200, () => table.prepare(query));
  table.prepare(query);
  const calls = {
    [`${metric}: prepare a query, d = ${DIMENSION}`]: prepare,
    [`${metric}: ${ROWS} rows of codes`]: repeat(100, () => exports.scanCodes(10, 0)),
  };
  if (metric !== 'euclidean') return calls;
  const project = repeat(50, () => {
    table.prepare(query);
    projector.project(out);
  });
  const projectRows = repeat(5, () => exports.projectRows(0, 8, out));
  return {
    ...calls,
    [`prepare and project a query to ${OUTPUTS}`]: project,
    [`project 8 rows to ${OUTPUTS}`]: projectRows,
  };
}
