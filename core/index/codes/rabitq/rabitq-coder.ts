/** Rotates rows as they come, and codes what is left of each without the centroid of its leaf. */
import { assertInternal } from '../../../base/errors.js';
import type { Arena } from '../../../kernel/index.js';
import { codeSizes, paddedDimension } from '../../layout/index.js';
import type { CoderPlace, IndexShape, InputRows, KernelState, Layout, RowCoder } from '../../layout/index.js';
import { RabitqTable, layOutRabitqTable } from './rabitq-table.js';
import type { RabitqScratch } from './rabitq-table.js';

/** Of rows that are rotated together: what is coded next is still in the cache. */
const ROTATED_BYTES = 262_144;

export interface RabitqPlan {
  readonly bits: number;
  /** What rows are divided by. */
  readonly unit: number;
  /** The first row of each leaf. */
  readonly leafStarts: Uint32Array;
  /** f32[leaves][dimension]; for cosine of rows brought to length 1. */
  readonly centroids: Float32Array;
}

export interface RabitqCoderPlace extends CoderPlace {
  readonly table: RabitqScratch;
  /** f32[rotatedRows][dimension], f32[rotatedRows][padded]. */
  readonly input: number;
  readonly rotated: number;
  readonly rotatedRows: number;
}

export function layOutRabitqCoder(layout: Layout, shape: IndexShape, plan: RabitqPlan): RabitqCoderPlace {
  const { bits, leafStarts } = plan;
  const { rows, dimension } = shape;
  const { stride, paramBytes } = codeSizes({ kind: 'rabitq', bits }, shape);
  const rotatedRows = Math.max(1, Math.floor(ROTATED_BYTES / paramBytes));
  const leaves = leafStarts.length;
  return {
    at: {
      params: layout.take(leaves * paramBytes),
      codes: layout.take(rows * stride),
      terms: layout.take(0),
    },
    paramCount: leaves,
    table: layOutRabitqTable(layout, { dimension, rows, leaves }),
    input: layout.take(rotatedRows * dimension * 4),
    rotated: layout.take(rotatedRows * paramBytes),
    rotatedRows,
  };
}

export class RabitqCoder implements RowCoder {
  readonly table: RabitqTable;
  readonly #arena: Arena;
  readonly #shape: IndexShape;
  readonly #plan: RabitqPlan;
  readonly #place: RabitqCoderPlace;
  readonly #padded: number;
  readonly #stride: number;
  /** The leaf of the row that was coded last. */
  #leaf = 0;

  constructor(
    arena: Arena,
    state: KernelState,
    { shape, plan, place }: { shape: IndexShape; plan: RabitqPlan; place: RabitqCoderPlace },
  ) {
    const { dimension, metric, rows } = shape;
    const { bits, unit, leafStarts, centroids } = plan;
    assertInternal(centroids.length === leafStarts.length * dimension, 'a centroid for each leaf');
    const { params, codes } = place.at;
    this.table = new RabitqTable(arena, state, {
      ...{ dimension, metric, rows, bits, unit, starts: leafStarts, codes, centroids: params },
      ...place.table,
    });
    this.#arena = arena;
    this.#shape = shape;
    this.#plan = plan;
    this.#place = place;
    this.#padded = paddedDimension(dimension);
    this.#stride = codeSizes({ kind: 'rabitq', bits }, shape).stride;
    this.#putCentroids();
  }

  encode({ first, count, at, scales }: InputRows): void {
    const { dimension, metric } = this.#shape;
    const { unit, bits } = this.#plan;
    const { at: sections, rotated, rotatedRows, table } = this.#place;
    const { exports } = this.#arena;
    const rowBytes = this.#padded * 4;
    for (let done = 0; done < count; done += rotatedRows) {
      const part = Math.min(rotatedRows, count - done);
      const from = at + done * dimension * 4;
      const factors = scales === 0 ? 0 : scales + done * 4;
      exports.rotateRows(from, part, dimension, factors, 1 / unit, table.signs, this.#padded, rotated);
      for (let i = 0; i < part;) {
        const row = first + done + i;
        const end = Math.min(part, i + this.#enterLeafOf(row) - row);
        const centroid = sections.params + this.#leaf * rowBytes;
        const out = sections.codes + row * this.#stride;
        const isDot = metric === 'dot' ? 1 : 0;
        const rows = rotated + i * rowBytes;
        exports.rabitqEncode(rows, end - i, this.#padded, centroid, bits, isDot, out, this.#stride);
        i = end;
      }
    }
  }

  /** The row behind the leaf that this one is in. */
  #enterLeafOf(row: number): number {
    const { leafStarts } = this.#plan;
    if (row < leafStarts[this.#leaf]!) this.#leaf = 0;
    while (this.#leaf + 1 < leafStarts.length && leafStarts[this.#leaf + 1]! <= row) this.#leaf++;
    return leafStarts[this.#leaf + 1] ?? this.#shape.rows;
  }

  #putCentroids(): void {
    const { centroids, unit } = this.#plan;
    const { dimension } = this.#shape;
    const { at, input, rotatedRows, table } = this.#place;
    const { exports, f32 } = this.#arena;
    for (let leaf = 0; leaf * dimension < centroids.length; leaf += rotatedRows) {
      const part = centroids.subarray(leaf * dimension, (leaf + rotatedRows) * dimension);
      f32.set(part, input / 4);
      const out = at.params + leaf * this.#padded * 4;
      const { signs } = table;
      exports.rotateRows(input, part.length / dimension, dimension, 0, 1 / unit, signs, this.#padded, out);
    }
  }
}
