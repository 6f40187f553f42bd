/** The rows from which books are learnt: how many, and how they come into units. */
import type { Metric } from '../../../kernel/index.js';
import { inverseLengths } from '../sq8/index.js';

const SAMPLE_MOST = 4_096;
const SAMPLE_LEAST = 256;
/** Of the sample, where so many rows are more than the least. */
const SAMPLE_BYTES = 16_777_216;
/** Numbers of rows that one turn takes. */
export const TURN_NUMBERS = 131_072;

/** Rows of so many that training wants to see. */
export function pqSampleRows(rows: number, dimension: number): number {
  const affordable = Math.max(SAMPLE_LEAST, Math.floor(SAMPLE_BYTES / (dimension * 4)));
  return Math.min(rows, SAMPLE_MOST, affordable);
}

/** A copy of every so many-th row: as rows come in the order of clusters, the first of them would be of a few. Requires: no more than there are. */
export function thinned(rows: Float32Array, dimension: number, kept: number): Float32Array {
  const count = rows.length / dimension;
  const copy = new Float32Array(kept * dimension);
  for (let i = 0; i < kept; i++) {
    const row = Math.floor((i * count) / kept);
    copy.set(rows.subarray(row * dimension, (row + 1) * dimension), i * dimension);
  }
  return copy;
}

/** Rows in units, none beyond +-1: less the mean of each dimension. */
interface Centred {
  readonly rows: Float32Array;
  readonly middles: Float32Array;
  readonly unit: number;
}

/** Brings rows to units, in place. Yields as training does. */
export function* centred(
  rows: Float32Array,
  { dimension, metric }: { readonly dimension: number; readonly metric: Metric },
): Generator<void, Centred> {
  const rowsAtOnce = Math.max(1, Math.floor(TURN_NUMBERS / dimension));
  const turns = Array.from({ length: Math.ceil(rows.length / dimension / rowsAtOnce) }, (_, turn) =>
    rows.subarray(turn * rowsAtOnce * dimension, (turn + 1) * rowsAtOnce * dimension),
  );
  const sums = new Float64Array(dimension);
  for (const part of turns) {
    addUp(part, sums, metric === 'cosine');
    yield;
  }
  const middles = Float32Array.from(sums, (sum) => sum / (rows.length / dimension));
  let largest = 0;
  for (const part of turns) {
    largest = Math.max(largest, farthest(part, middles));
    yield;
  }
  const unit = Math.fround(Math.min(UNIT_MOST, Math.max(UNIT_LEAST, largest === 0 ? 1 : largest)));
  for (const part of turns) {
    for (let at = 0; at < part.length; at += dimension)
      for (let d = 0; d < dimension; d++) {
        const value = (part[at + d]! - middles[d]!) / unit;
        part[at + d] = Math.max(-1, Math.min(1, value));
      }
    yield;
  }
  return { rows, middles, unit };
}

/** Adds rows to sums per dimension; `normalised`: brought to length 1 first, in place. */
function addUp(rows: Float32Array, sums: Float64Array, normalised: boolean): void {
  const dimension = sums.length;
  const scales = normalised ? inverseLengths(rows, dimension) : undefined;
  for (let at = 0, row = 0; at < rows.length; at += dimension, row++) {
    const scale = scales === undefined ? 1 : scales[row]!;
    for (let d = 0; d < dimension; d++) {
      rows[at + d]! *= scale;
      sums[d]! += rows[at + d]!;
    }
  }
}

function farthest(rows: Float32Array, middles: Float32Array): number {
  let largest = 0;
  for (let at = 0; at < rows.length; at += middles.length)
    for (let d = 0; d < middles.length; d++) {
      const size = Math.abs(rows[at + d]! - middles[d]!);
      if (size > largest) largest = size;
    }
  return largest;
}

/** What 1 by it is still an f32. Rows that are farther apart lie at the ends. */
const UNIT_LEAST = 2 ** -125;
const UNIT_MOST = 2 ** 127;
