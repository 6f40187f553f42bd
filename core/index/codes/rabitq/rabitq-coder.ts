/** Rotates rows as they come, and codes what is left of each without the centroid of its leaf. */
import { assertInternal } from '../../../base/errors.js';
import type { Arena } from '../../../kernel/index.js';
import { codeSizes, paddedDimension } from '../../layout/index.js';
import type {
  CoderPlace,
  IndexShape,
  InputRows,
  KernelState,
  Layout,
  PlacedLeaves,
  RowCoder,
} from '../../layout/index.js';
import { RabitqTable, layOutRabitqTable } from './rabitq-table.js';
import type { RabitqScratch } from './rabitq-table.js';

/** Of rows that are rotated together: what is coded next is still in the cache. */
const ROTATED_BYTES = 262_144;

export interface RabitqPlan {
  readonly bits: number;
  /** What rows are divided by. */
  readonly unit: number;
  /** How many there will be. */
  readonly leaves: number;
}

export interface RabitqCoderPlace extends CoderPlace {
  readonly table: RabitqScratch;
  /** f32[rotatedRows][dimension], f32[rotatedRows][padded]. */
  readonly input: number;
  readonly rotated: number;
  readonly rotatedRows: number;
}

export function layOutRabitqCoder(layout: Layout, shape: IndexShape, plan: RabitqPlan): RabitqCoderPlace {
  const { bits, leaves } = plan;
  const { rows, dimension } = shape;
  const { stride, paramBytes } = codeSizes({ kind: 'rabitq', bits }, shape);
  const rotatedRows = Math.max(1, Math.floor(ROTATED_BYTES / paramBytes));
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
  /** First row of each leaf, as far as they are placed. */
  readonly #starts: Uint32Array;
  #placed = 0;
  /** The leaf of the row that was coded last. */
  #leaf = 0;

  constructor(
    arena: Arena,
    state: KernelState,
    { shape, plan, place }: { shape: IndexShape; plan: RabitqPlan; place: RabitqCoderPlace },
  ) {
    const { dimension, metric, rows } = shape;
    const { bits, unit, leaves } = plan;
    const { params, codes } = place.at;
    this.#starts = new Uint32Array(leaves);
    this.table = new RabitqTable(arena, state, {
      ...{ dimension, metric, rows, bits, unit, starts: this.#starts, codes, centroids: params },
      ...place.table,
    });
    this.#arena = arena;
    this.#shape = shape;
    this.#plan = plan;
    this.#place = place;
    this.#padded = paddedDimension(dimension);
    this.#stride = codeSizes({ kind: 'rabitq', bits }, shape).stride;
  }

  placeLeaves({ starts, centroids }: PlacedLeaves): void {
    const { dimension, rows } = this.#shape;
    const leaves = this.#starts.length;
    assertInternal(centroids.length === starts.length * dimension, 'a centroid for each leaf');
    assertInternal(this.#placed + starts.length <= leaves, () => `more than ${leaves} leaves`);
    this.#starts.set(starts, this.#placed);
    this.#putCentroids(centroids);
    this.#placed += starts.length;
    // What the table tells of rows by leaves is known only now.
    if (this.#placed === leaves) this.table.beginRows(0, rows);
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
    const starts = this.#starts.subarray(0, this.#placed);
    assertInternal(starts.length > 0, () => `row ${row} is in no leaf`);
    if (row < starts[this.#leaf]!) this.#leaf = 0;
    while (this.#leaf + 1 < starts.length && starts[this.#leaf + 1]! <= row) this.#leaf++;
    return starts[this.#leaf + 1] ?? this.#shape.rows;
  }

  #putCentroids(centroids: Float32Array): void {
    const { unit } = this.#plan;
    const { dimension } = this.#shape;
    const { at, input, rotatedRows, table } = this.#place;
    const { exports, f32 } = this.#arena;
    for (let leaf = 0; leaf * dimension < centroids.length; leaf += rotatedRows) {
      const part = centroids.subarray(leaf * dimension, (leaf + rotatedRows) * dimension);
      f32.set(part, input / 4);
      const out = at.params + (this.#placed + leaf) * this.#padded * 4;
      const { signs } = table;
      exports.rotateRows(input, part.length / dimension, dimension, 0, 1 / unit, signs, this.#padded, out);
    }
  }
}
