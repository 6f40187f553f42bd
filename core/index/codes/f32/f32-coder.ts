/** Copies rows to where the kernels compare them, and of a cosine finds what one divided by their lengths is. */
import { cosineScale, type Arena } from '../../../kernel/index.js';
import { codeSizes } from '../../layout/index.js';
import type {
  CodeSizes,
  CoderPlace,
  IndexShape,
  InputRows,
  KernelState,
  Layout,
  RowCoder,
} from '../../layout/index.js';
import { F32Table, layOutF32Table } from './f32-table.js';
import type { F32Scratch } from './f32-table.js';

/** Rows whose lengths are found at a time. */
const LENGTHS_AT_ONCE = 512;

export interface F32CoderPlace extends CoderPlace {
  readonly table: F32Scratch;
  /** f64[LENGTHS_AT_ONCE]. */
  readonly squared: number;
}

export function layOutF32Coder(layout: Layout, shape: IndexShape): F32CoderPlace {
  const { stride, termBytes } = codeSizes({ kind: 'f32' }, shape);
  return {
    at: {
      params: layout.take(0),
      codes: layout.take(shape.rows * stride),
      terms: layout.take(shape.rows * termBytes),
    },
    paramCount: 0,
    table: layOutF32Table(layout, shape.dimension),
    squared: layout.take(LENGTHS_AT_ONCE * 8),
  };
}

export class F32Coder implements RowCoder {
  readonly table: F32Table;
  readonly #arena: Arena;
  readonly #place: F32CoderPlace;
  readonly #dimension: number;
  readonly #sizes: CodeSizes;

  constructor(arena: Arena, state: KernelState, shape: IndexShape, place: F32CoderPlace) {
    const { dimension, metric } = shape;
    const { codes, terms } = place.at;
    this.table = new F32Table(arena, state, { dimension, metric, codes, terms, ...place.table });
    this.#arena = arena;
    this.#place = place;
    this.#dimension = shape.dimension;
    this.#sizes = codeSizes({ kind: 'f32' }, shape);
    const { stride } = this.#sizes;
    if (stride > shape.dimension * 4) arena.u8.fill(0, codes, codes + shape.rows * stride);
  }

  encode({ first, count, at }: InputRows): void {
    const { u8 } = this.#arena;
    const { codes } = this.#place.at;
    const { stride, termBytes } = this.#sizes;
    const rowBytes = this.#dimension * 4;
    if (rowBytes === stride) u8.copyWithin(codes + first * stride, at, at + count * rowBytes);
    else {
      for (let i = 0; i < count; i++)
        u8.copyWithin(codes + (first + i) * stride, at + i * rowBytes, at + (i + 1) * rowBytes);
    }
    if (termBytes > 0) this.#putTerms(first, count, at);
  }

  #putTerms(first: number, count: number, at: number): void {
    const { f32, f64, exports } = this.#arena;
    const { at: sections, squared } = this.#place;
    const rowBytes = this.#dimension * 4;
    for (let i = 0; i < count; i += LENGTHS_AT_ONCE) {
      const part = Math.min(LENGTHS_AT_ONCE, count - i);
      exports.sumSquares(at + i * rowBytes, part, this.#dimension, rowBytes, squared);
      for (let j = 0; j < part; j++)
        f32[sections.terms / 4 + first + i + j] = cosineScale(f64[squared / 8 + j]!);
    }
  }
}
