/**
 * Vectors as callers write them, into rows of 32-bit floats: checked for dimension, numbers and size.
 */
import { invalid } from '../../base/errors.js';
import { limits } from '../../base/limits.js';
import type { Kernel, Metric } from '../../kernel/index.js';
import type { CollectionSchema } from '../../log/index.js';
import { kindOf } from './input-shape.js';
import type { VectorInput } from '../interface/index.js';

/** Of a vector that searches can use, from its squared norm: finite, not too long for 32 bits, under cosine with a direction. */
export function isUsable(squaredNorm: number, metric: Metric): boolean {
  const least = metric === 'cosine' ? limits.cosineNormMin ** 2 : 0;
  return squaredNorm >= least && squaredNorm <= limits.squaredNormMax;
}

export class VectorParser {
  readonly #kernel: Kernel;
  readonly #schema: CollectionSchema;

  constructor(kernel: Kernel, schema: CollectionSchema) {
    this.#kernel = kernel;
    this.#schema = schema;
  }

  /** One vector, copied. Throws `invalid`, with `where` in the message. */
  one(input: unknown, where: string): Float32Array {
    const row = new Float32Array(this.#schema.dimension);
    this.#copy(input, row, where);
    this.#check(row, where);
    return row;
  }

  /** One vector of an input that was kept (`keepInput`): where it is floats, it is these themselves. */
  kept(input: unknown, where: string): Float32Array {
    if (!(input instanceof Float32Array) || input.length !== this.#schema.dimension)
      return this.one(input, where);
    this.#check(input, where);
    return input;
  }

  /** The vectors of n rows, row-major. `at` gives the input of row i. */
  rows(count: number, at: (row: number) => unknown, where: (row: number) => string): Float32Array {
    const { dimension } = this.#schema;
    const out = new Float32Array(count * dimension);
    for (let i = 0; i < count; i++)
      this.#copy(at(i), out.subarray(i * dimension, (i + 1) * dimension), where(i));
    this.checkRows(out, where);
    return out;
  }

  /** All rows at once: `n x dimension` floats or their base64. Not copied where it is floats already. */
  matrix(input: Float32Array | string, what: string): Float32Array {
    const { dimension } = this.#schema;
    const floats = typeof input === 'string' ? this.#kernel.decodeBase64F32(input, what) : input;
    if (floats.length % dimension !== 0) {
      throw invalid(
        'wrong_dimension',
        `${what}: ${floats.length} numbers are not rows of dimension ${dimension}`,
        {
          dimension,
          numbers: floats.length,
        },
      );
    }
    this.checkRows(floats, (row) => `${what}[${row}]`);
    return floats;
  }

  #copy(input: unknown, target: Float32Array, where: string): void {
    const { dimension } = this.#schema;
    let vector = input as VectorInput;
    if (typeof vector === 'string') vector = this.#kernel.decodeBase64F32(vector, where);
    if (!(vector instanceof Float32Array || Array.isArray(vector))) {
      throw invalid(
        'invalid_vector',
        `${where}: a vector is an array of numbers or base64 of 32-bit floats, got ${kindOf(input)}`,
        {
          where,
        },
      );
    }
    if (vector.length !== dimension) {
      throw invalid(
        'wrong_dimension',
        `${where}: the vector has ${vector.length} numbers, the collection's dimension is ${dimension}`,
        {
          where,
          dimension,
          found: vector.length,
        },
      );
    }
    if (vector instanceof Float32Array) {
      target.set(vector);
      return;
    }
    for (let i = 0; i < dimension; i++) {
      const value: unknown = vector[i];
      if (typeof value !== 'number') {
        throw invalid('invalid_vector', `${where}: number ${i} is ${kindOf(value)}`, { where, index: i });
      }
      target[i] = value;
    }
  }

  #check(vector: Float32Array, where: string): void {
    const norm = this.#kernel.normSquaredOf(vector);
    if (!isUsable(norm, this.#schema.metric)) throw this.#badRow(vector, norm, where);
  }

  /** Finite numbers, a length that arithmetic in 32 bits bears, and under cosine a direction. */
  checkRows(rows: Float32Array, where: (row: number) => string): void {
    const { dimension, metric } = this.#schema;
    const norms = this.#kernel.normSquared(rows, dimension);
    for (let row = 0; row < norms.length; row++) {
      const norm = norms[row]!;
      if (isUsable(norm, metric)) continue;
      throw this.#badRow(rows.subarray(row * dimension, (row + 1) * dimension), norm, where(row));
    }
  }

  #badRow(vector: Float32Array, squaredNorm: number, where: string): Error {
    const index = vector.findIndex((value) => !Number.isFinite(value));
    if (index >= 0) {
      return invalid('invalid_vector', `${where}: number ${index} is not a finite 32-bit float`, {
        where,
        index,
      });
    }
    if (squaredNorm > limits.squaredNormMax) {
      const maximum = limits.squaredNormMax;
      return invalid(
        'invalid_vector',
        `${where}: the squared norm is ${squaredNorm}, the maximum is ${maximum}`,
        {
          where,
          limit: 'squaredNormMax',
          value: squaredNorm,
          maximum,
        },
      );
    }
    const message = `${where}: a zero vector (norm below ${limits.cosineNormMin}) has no direction and cannot be used under cosine`;
    return invalid('zero_vector', message, { where });
  }
}
