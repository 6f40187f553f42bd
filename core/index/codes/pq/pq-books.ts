/** The books of a product quantization (wasm/pq.ts): what is learnt of a sample, and how it lies in memory. */
import type { Arena } from '../../../kernel/index.js';
import { PQ_CENTROIDS } from '../../layout/index.js';

export interface PqBooks {
  /** f32[dimension][16], by places: those of a sub-vector lie together. In units, none beyond +-1. */
  readonly centroids: Float32Array;
  /** The dimension at each place. */
  readonly order: Uint32Array;
  /** Of each dimension. value ~ middle + unit x centroid. */
  readonly middles: Float32Array;
  readonly unit: number;
}

/** Addresses of the parts of the section `params`. */
export interface PqBooksAt {
  /** Of centroids and, behind them, the order: the kernels' books. */
  readonly books: number;
  readonly order: number;
  readonly middles: number;
  readonly unit: number;
}

export function booksAt(params: number, dimension: number): PqBooksAt {
  const order = params + dimension * PQ_CENTROIDS * 4;
  const middles = order + dimension * 4;
  return { books: params, order, middles, unit: middles + dimension * 4 };
}

export function putBooks(arena: Arena, params: number, books: PqBooks): void {
  const at = booksAt(params, books.order.length);
  arena.f32.set(books.centroids, at.books / 4);
  arena.u32.set(books.order, at.order / 4);
  arena.f32.set(books.middles, at.middles / 4);
  arena.f32[at.unit / 4] = books.unit;
}

/** A word of the section that is not what the kernels need. */
export interface WrongWord {
  /** From the section's start. */
  readonly offset: number;
  readonly expected: string;
  readonly found: string;
}

/** Undefined where the books in memory are sound: the kernels follow the order, and rely on the size of the numbers. */
export function wrongWord(arena: Arena, params: number, dimension: number): WrongWord | undefined {
  const at = booksAt(params, dimension);
  const wrong = (word: number, expected: string, found: number): WrongWord => ({
    offset: word * 4 - params,
    expected,
    found: String(found),
  });
  const { f32, u32 } = arena;
  for (let word = at.books / 4; word < at.order / 4; word++)
    if (!(Math.abs(f32[word]!) <= CENTROID_MOST)) return wrong(word, 'a centroid within +-1', f32[word]!);
  const isMet = new Uint8Array(dimension);
  for (let word = at.order / 4; word < at.middles / 4; word++) {
    const d = u32[word]!;
    if (d >= dimension || isMet[d] === 1) return wrong(word, `each dimension below ${dimension} once`, d);
    isMet[d] = 1;
  }
  for (let word = at.middles / 4; word < at.unit / 4; word++)
    if (!Number.isFinite(f32[word]!)) return wrong(word, 'a finite number', f32[word]!);
  const unit = f32[at.unit / 4]!;
  return unit > 0 && Number.isFinite(unit) ? undefined : wrong(at.unit / 4, 'a finite unit above 0', unit);
}

/** A mean of numbers within +-1, with what roundings may add. */
const CENTROID_MOST = 1.001;
