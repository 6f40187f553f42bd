/** Codes rows by the books of a product quantization. */
import type { Arena } from '../../../kernel/index.js';
import { codeSizes, pqStride, pqSubVectors } from '../../layout/index.js';
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

/** Of a builder: the compression, and what was learnt for it. */
export interface PqPlan {
  readonly compression: number;
  readonly books: PqBooks;
}

export interface PqCoderPlace extends CoderPlace {
  readonly table: PqScratch;
}

function codingOf({ compression }: PqPlan): PqCoding {
  return { kind: 'pq', compression };
}

export function layOutPqCoder(layout: Layout, shape: IndexShape, plan: PqPlan): PqCoderPlace {
  const { rows, dimension } = shape;
  const coding = codingOf(plan);
  const { stride, paramBytes } = codeSizes(coding, shape);
  const paramCount = dimension + 1;
  return {
    at: {
      params: layout.take(paramCount * paramBytes),
      codes: layout.take(rows * stride),
      terms: layout.take(0),
    },
    paramCount,
    table: layOutPqTable(layout, coding, dimension),
  };
}

export class PqCoder implements RowCoder {
  readonly table: PqTable;
  readonly #arena: Arena;
  readonly #dimension: number;
  readonly #coding: PqCoding;
  readonly #inverse: number;
  readonly #place: PqCoderPlace;

  constructor(
    arena: Arena,
    state: KernelState,
    options: { readonly shape: IndexShape; readonly plan: PqPlan; readonly place: PqCoderPlace },
  ) {
    const { shape, plan, place } = options;
    const { dimension, metric } = shape;
    const { at, paramCount, table } = place;
    const coding = codingOf(plan);
    arena.u8.fill(0, at.params, at.params + paramCount * codeSizes(coding, shape).paramBytes);
    putBooks(arena, at.params, plan.books);
    this.table = new PqTable(arena, state, { dimension, metric, coding, ...at, ...table });
    this.#arena = arena;
    this.#dimension = dimension;
    this.#coding = coding;
    this.#inverse = 1 / plan.books.unit;
    this.#place = place;
  }

  encode({ first, count, at, scales }: InputRows): void {
    const { at: sections, table } = this.#place;
    const dimension = this.#dimension;
    const stride = pqStride(dimension, this.#coding);
    const { books, middles } = booksAt(sections.params, dimension);
    this.#arena.exports.pqEncode(
      ...([at, count, dimension, scales, middles, this.#inverse, books] as const),
      ...([pqSubVectors(dimension, this.#coding), table.values] as const),
      ...([sections.codes + first * stride, stride] as const),
    );
  }
}
