/** The tables from which the kernels encode rows, prepare one as a query, and compare two. */
import { KERNEL_DOT, KERNEL_L1, KERNEL_L2 } from '../kernel/index.js';
import { pairWeights, stepWeights, weightScale } from './code-params.js';
import { kindOf, type IndexMemory } from './index-memory.js';
import { codeStride } from './shape.js';

/** f32 per dimension (of the stride) that the tables take. */
export const ROW_TABLE_FLOATS = 6;

export function putRowTables(
  memory: IndexMemory,
  at: { readonly floats: number; readonly pairWeights: number },
): void {
  const { arena, params, unit } = memory;
  const { dimension, metric } = memory.shape;
  const stride = codeStride(dimension);
  arena.f32.fill(0, at.floats / 4, at.floats / 4 + stride * ROW_TABLE_FLOATS);
  const table = (i: number): number => at.floats + i * stride * 4;
  const put = (i: number, values: Iterable<number> & ArrayLike<number>): void =>
    arena.f32.set(values, table(i) / 4);
  memory.set({
    lows: table(0),
    inverses: table(1),
    factors: table(2),
    offsets: table(3),
    termA: table(4),
    termB: table(5),
    pairWeights: at.pairWeights,
  });
  put(0, params.lo);
  put(
    1,
    params.step.map((step) => (step > 0 ? 1 / step : 0)),
  );
  const kind = kindOf(metric);
  const pairs = new Int16Array(arena.u8.buffer, at.pairWeights, stride);
  if (kind === KERNEL_L1) {
    const { weights, scale } = stepWeights(params, unit);
    pairs.set(weights);
    memory.setNumber('pairScale', scale);
    return;
  }
  // A row v as the query: (v - mid) step = a (code - 128) for L2, and v step = a (code - 128) + b for dot.
  const a = Float64Array.from(params.step, (step) => (step / unit) ** 2);
  const b = Float64Array.from(params.step, (step, d) =>
    kind === KERNEL_DOT ? ((params.lo[d]! + 128 * step) / unit) * (step / unit) : 0,
  );
  if (kind === KERNEL_L2) put(4, a);
  put(5, b);
  const most = a.map((value, d) => 128 * value + Math.abs(b[d]!));
  const scale = weightScale(
    most.reduce((largest, value) => Math.max(largest, value), 0),
    most.reduce((sum, value) => sum + value, 0),
    dimension,
  );
  put(
    2,
    a.map((value) => value / scale),
  );
  put(
    3,
    b.map((value) => value / scale),
  );
  memory.setNumber('rowScale', scale);
  const { weights, scale: pairScale, blocks } = pairWeights(params, unit);
  pairs.set(weights);
  memory.setNumber('pairScale', pairScale);
  memory.set({ pairBlocks: blocks });
}
