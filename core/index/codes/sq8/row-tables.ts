/** The tables from which the kernels encode rows, prepare one as a query, and compare two. */
import { KERNEL_DOT, KERNEL_L1, KERNEL_L2, type Arena } from '../../../kernel/index.js';
import { kindOf, type CodeTable } from './code-table.js';
import { pairWeights, stepWeights, weightScale } from './code-params.js';
import { codeStride } from '../../layout/index.js';
import type { Layout, StateField } from '../../layout/index.js';

/** f32 per dimension (of the stride) that the tables take. */
const ROW_TABLE_FLOATS = 6;

/** What the kernels are told of the tables. */
export interface RowTables {
  readonly addresses: Partial<Record<StateField, number>>;
  readonly pairScale: number;
  readonly rowScale: number;
}

/** Where the tables lie. */
export interface RowTablePlace {
  readonly floats: number;
  readonly pairWeights: number;
}

export function layOutRowTables(layout: Layout, dimension: number): RowTablePlace {
  const stride = codeStride(dimension);
  return { floats: layout.take(stride * 4 * ROW_TABLE_FLOATS), pairWeights: layout.take(stride * 2) };
}

export function makeRowTables(arena: Arena, table: CodeTable, at: RowTablePlace): RowTables {
  const { params, unit, stride, dimension, metric } = table;
  arena.f32.fill(0, at.floats / 4, at.floats / 4 + stride * ROW_TABLE_FLOATS);
  const place = (i: number): number => at.floats + i * stride * 4;
  const put = (i: number, values: Iterable<number> & ArrayLike<number>): void =>
    arena.f32.set(values, place(i) / 4);
  const addresses = {
    lows: place(0),
    inverses: place(1),
    factors: place(2),
    offsets: place(3),
    termA: place(4),
    termB: place(5),
    pairWeights: at.pairWeights,
  };
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
    return { addresses, pairScale: scale, rowScale: 1 };
  }
  // A row v as the query: (v - mid) step = a (code - 128) for L2, and v step = a (code - 128) + b for dot.
  const a = Float64Array.from(params.step, (step) => (step / unit) ** 2);
  const b = Float64Array.from(params.step, (step, d) =>
    kind === KERNEL_DOT ? ((params.lo[d]! + 128 * step) / unit) * (step / unit) : 0,
  );
  if (kind === KERNEL_L2) put(4, a);
  put(5, b);
  const most = a.map((value, d) => 128 * value + Math.abs(b[d]!));
  const rowScale = weightScale(
    most.reduce((largest, value) => Math.max(largest, value), 0),
    most.reduce((sum, value) => sum + value, 0),
    dimension,
  );
  put(
    2,
    a.map((value) => value / rowScale),
  );
  put(
    3,
    b.map((value) => value / rowScale),
  );
  const { weights, scale: pairScale, blocks } = pairWeights(params, unit);
  pairs.set(weights);
  return { addresses: { ...addresses, pairBlocks: blocks }, pairScale, rowScale };
}
