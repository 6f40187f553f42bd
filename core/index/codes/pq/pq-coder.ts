/** Codes rows by the books of a product quantization. */
import type { Arena } from '../../../kernel/index.js';
import { codeSizes, paramCount, pqStride, pqSubVectors } from '../../layout/index.js';
import type {
  CoderPlace,
  IndexShape,
  InputRows,
  KernelState,
  Layout,
  PqCoding,
  RowCoder,
} from '../../layout/index.js';
import { booksAt, putBooks } from './pq-books.js';
import type { PqBooks } from './pq-books.js';
import { PqTable, layOutPqTable } from './pq-table.js';
import type { PqScratch } from './pq-table.js';

/** Of a builder: the coding, and what was learnt for it. */
export interface PqPlan {
  readonly coding: PqCoding;
  readonly books: PqBooks;
}

export interface PqCoderPlace extends CoderPlace {
  readonly plan: PqPlan;
  readonly table: PqScratch;
}

export function layOutPqCoder(layout: Layout, shape: IndexShape, plan: PqPlan): PqCoderPlace {
  const { coding } = plan;
  const { stride, termBytes, paramBytes } = codeSizes(coding, shape);
  const count = paramCount(coding, shape.dimension);
  return {
    at: {
      params: layout.take(count * paramBytes),
      codes: layout.take(shape.rows * stride),
      terms: layout.take(shape.rows * termBytes),
    },
    paramCount: count,
    plan,
    table: layOutPqTable(layout, coding, shape.dimension),
  };
}

export class PqCoder implements RowCoder {
  readonly table: PqTable;
  readonly #arena: Arena;
  readonly #place: PqCoderPlace;
  readonly #dimension: number;

  constructor(arena: Arena, state: KernelState, shape: IndexShape, place: PqCoderPlace) {
    const { dimension, metric } = shape;
    const { at, paramCount: count, plan, table } = place;
    const { coding, books } = plan;
    arena.u8.fill(0, at.params, at.params + count * codeSizes(coding, shape).paramBytes);
    putBooks(arena, at.params, books);
    this.table = new PqTable(arena, state, { dimension, metric, coding, ...at, ...table });
    this.#arena = arena;
    this.#place = place;
    this.#dimension = dimension;
  }

  encode({ first, count, at, scales }: InputRows): void {
    const { at: sections, plan, table } = this.#place;
    const { coding, books } = plan;
    const dimension = this.#dimension;
    const stride = pqStride(dimension, coding.compression);
    const { middles } = booksAt(sections.params, dimension);
    this.#arena.exports.pqEncode(
      ...([at, count, dimension, scales, middles, 1 / books.unit, sections.params] as const),
      ...([pqSubVectors(dimension, coding.compression), table.values] as const),
      ...([sections.codes + first * stride, stride] as const),
    );
  }
}
