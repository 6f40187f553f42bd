/**
 * The place in an arena of what the RaBitQ kernels are told of one query and the leaves that it is compared with: those come one
 * after another to one place. Centroids are compared as rows of one leaf whose centroid is the mean of them all.
 */
import { KERNEL_DOT, type Arena, type Metric } from '../../kernel/index.js';
import { inverseLengths, kindOf, rotationSigns } from '../codes/index.js';
import { KernelState, RABITQ_STATE_BYTES, paddedDimension, putRabitqState } from '../layout/index.js';
import type { Layout } from '../layout/index.js';

export interface LeafSpace {
  readonly dimension: number;
  /** One that a rotation keeps. */
  readonly metric: Metric;
  /** What vectors are multiplied with before they are rotated. */
  readonly factor: number;
}

interface Places {
  readonly struct: number;
  readonly signs: number;
  readonly scale: number;
  readonly rotated: number;
  readonly signed: number;
  readonly planes: number;
  readonly leafOf: number;
  readonly leafStarts: number;
  readonly mean: number;
  readonly shares: number;
  readonly marks: number;
}

/** Centroids that are compared in one call: their leaf is that of every 32nd. */
export const CENTROIDS_AT_ONCE = 64;

/** Rows that are scanned together (wasm/fast-scan.ts). */
export const PACK_ROWS = 32;

/** A code of so many bits a dimension and two terms (wasm/rabitq.ts). */
export function recordBytes(padded: number, bits: number): number {
  return (bits * padded) / 8 + 8;
}

/** Of records of one bit a dimension. */
export function packBytes(padded: number): number {
  return PACK_ROWS * recordBytes(padded, 1);
}

export function layOutLeafTables(layout: Layout, dimension: number): Places {
  const padded = paddedDimension(dimension);
  return {
    struct: layout.take(RABITQ_STATE_BYTES),
    signs: layout.take(padded / 2),
    scale: layout.take(4),
    rotated: layout.take(padded * 4),
    signed: layout.take(padded),
    planes: layout.take(padded / 2),
    leafOf: layout.take(4),
    leafStarts: layout.take(8),
    mean: layout.take(padded * 4),
    shares: layout.take(8),
    marks: layout.take(4),
  };
}

/** Addresses: of f32[rows][dimension], of a centroid, of room for a pack of rotated rows and of records, and of the pack. */
interface PackedRows {
  readonly from: number;
  readonly rows: number;
  readonly centroid: number;
  readonly rotated: number;
  readonly records: number;
  readonly to: number;
}

export class LeafTables {
  readonly padded: number;
  readonly isDot: boolean;
  readonly places: Places;
  readonly #arena: Arena;
  readonly #space: LeafSpace;
  readonly #state: KernelState;

  /** Requires: nobody else uses the arena's state until this is done with. */
  constructor(arena: Arena, places: Places, space: LeafSpace) {
    const { metric, dimension } = space;
    this.padded = paddedDimension(dimension);
    this.isDot = kindOf(metric) === KERNEL_DOT;
    this.places = places;
    this.#arena = arena;
    this.#space = space;
    this.#state = new KernelState(arena);
    this.#state.set({ kind: kindOf(metric), rabitq: places.struct });
    arena.u8.set(rotationSigns(this.padded), places.signs);
    const { struct, leafOf, leafStarts, mean, shares, marks, rotated, signed, planes } = places;
    const fields = { rotated, signed, planes, leafOf, leafStarts, centroids: mean, shares, marks };
    putRabitqState(arena, struct, { ...fields, padded: this.padded, leaves: 1 });
    arena.u32.fill(0, leafOf / 4, leafOf / 4 + 1);
    arena.u32.set([0, CENTROIDS_AT_ONCE], leafStarts / 4);
  }

  /** Codes rows, a pack of them at most, against the rotated centroid at `centroid`, and packs them. */
  pack({ from, rows, centroid, rotated, records, to }: PackedRows): void {
    const { exports } = this.#arena;
    const stride = recordBytes(this.padded, 1);
    this.rotate({ from, rows, to: rotated });
    exports.rabitqEncode(rotated, rows, this.padded, centroid, 1, Number(this.isDot), records, stride);
    exports.packRows32(records, stride, rows, this.padded, to);
  }

  /** Of rows of length 1 where the metric is cosine, which it is not itself. */
  rotateCentroid({ from, to }: { readonly from: number; readonly to: number }): void {
    const { dimension, factor } = this.#space;
    this.#arena.exports.rotateRows(from, 1, dimension, 0, factor, this.places.signs, this.padded, to);
  }

  /** Rotates rows that lie at `from`, each brought to length 1 where the metric is cosine. */
  rotate({ from, rows, to }: { readonly from: number; readonly rows: number; readonly to: number }): void {
    const { exports, f32 } = this.#arena;
    const { dimension, metric, factor } = this.#space;
    const { signs, scale } = this.places;
    const padded = this.padded;
    if (metric !== 'cosine') {
      exports.rotateRows(from, rows, dimension, 0, factor, signs, padded, to);
      return;
    }
    for (let row = 0; row < rows; row++) {
      const at = from / 4 + row * dimension;
      f32.set(inverseLengths(f32.subarray(at, at + dimension), dimension), scale / 4);
      exports.rotateRows(at * 4, 1, dimension, scale, factor, signs, padded, to + row * padded * 4);
    }
  }

  /** Brings the rotated query to the grid that codes of so many bits are compared by. */
  prepare(bits: number): void {
    putRabitqState(this.#arena, this.places.struct, { bits });
    this.#arena.exports.prepareRabitq();
  }

  /** Says where records lie that `measureRabitq` is to measure. */
  putRecords(address: number, stride: number): void {
    this.#state.put('codes', address);
    this.#state.put('stride', stride);
  }
}
