/**
 * A block of f32 rows in one arena, searched exactly: the memtable is a list of these. Rows are appended and killed,
 * never moved; a search allocates nothing but its answer.
 *
 * ```
 * payload: query | heap | live bitmap | mask bitmap | scales | rows (16-byte aligned stride)
 * ```
 *
 * The heap's bytes also serve as the list of rows and scores of `scores`, and as the output of `equalRows`.
 */
import { wordBitmapBytes } from '../base/bitmap.js';
import { alignUp } from '../base/bytes.js';
import { assertInternal } from '../base/errors.js';
import { limits } from '../base/limits.js';
import type { Arena } from './arena.js';
import type { ArenaPool } from './arena-pool.js';
import { PAYLOAD_OFFSET, arenaClasses, type ArenaClass } from './layout.js';
import { cosineScale, kernelMetric, type Metric } from './metric.js';

/** Blocks do not grow beyond this: a full one costs at most this much to replace. */
const BLOCK_CLASS_MAX = 16_777_216 satisfies ArenaClass;
const ROW_ALIGNMENT = 16;
/** Sortable form of every NaN (wasm/keys.ts). */
const NAN_KEY = 0xffc00000;

export interface BlockQuery {
  readonly query: Float32Array;
  readonly metric: Metric;
  /**
   * Bitmap of the rows to look at, dead or alive (a read of an older state wants dead ones), least significant bit
   * first; at least one bit per row. Absent: every live row.
   */
  readonly mask?: Uint8Array | undefined;
}

export interface BlockSearch extends BlockQuery {
  readonly k: number;
}

/** Rows and their kernel distances (metric.ts), nearest first, equal distances by row. */
export interface BlockHits {
  readonly rows: Uint32Array;
  readonly distances: Float32Array;
}

interface BlockLayout {
  readonly capacity: number;
  readonly stride: number;
  readonly query: number;
  readonly heap: number;
  readonly heapKeys: number;
  readonly live: number;
  readonly mask: number;
  readonly bitmapBytes: number;
  readonly scales: number;
  readonly rows: number;
  readonly end: number;
}

function layoutOf(dimension: number, capacity: number): BlockLayout {
  const stride = alignUp(dimension * 4, ROW_ALIGNMENT);
  // One more than the largest k: the caller asks for k + 1 to learn of a tie at the k-th place.
  const heapKeys = Math.min(capacity, limits.k + 1);
  const bitmapBytes = wordBitmapBytes(capacity);
  const query = PAYLOAD_OFFSET;
  const heap = alignUp(query + stride, ROW_ALIGNMENT);
  const live = alignUp(heap + heapKeys * 8, ROW_ALIGNMENT);
  const mask = live + bitmapBytes;
  const scales = alignUp(mask + bitmapBytes, ROW_ALIGNMENT);
  const rows = alignUp(scales + capacity * 4, 64);
  return {
    capacity,
    stride,
    query,
    heap,
    heapKeys,
    live,
    mask,
    bitmapBytes,
    scales,
    rows,
    end: rows + capacity * stride,
  };
}

export class RowBlock {
  readonly dimension: number;
  readonly capacity: number;
  readonly #pool: ArenaPool;
  readonly #layout: BlockLayout;
  #arena: Arena | undefined;
  #rowCount = 0;
  #deadCount = 0;

  /** How many rows of a dimension fit an arena of a class; 0 where not even one does. */
  static capacityOf(dimension: number, arenaClass: ArenaClass): number {
    const end = PAYLOAD_OFFSET + arenaClass;
    let low = 0;
    let high = Math.floor(arenaClass / (dimension * 4));
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (layoutOf(dimension, middle).end <= end) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /**
   * The class of the block after one of class `previous`: the next larger up to 16 MiB, and larger still where `rows`
   * rows (or a single one) would not fit, again up to 16 MiB.
   */
  static nextClass(dimension: number, previous: ArenaClass | undefined, rows: number): ArenaClass {
    for (const arenaClass of arenaClasses) {
      if (arenaClass >= BLOCK_CLASS_MAX) return arenaClass;
      if (previous !== undefined && arenaClass <= previous) continue;
      if (RowBlock.capacityOf(dimension, arenaClass) >= Math.max(1, rows)) return arenaClass;
    }
    return BLOCK_CLASS_MAX;
  }

  /** Throws `memory_budget_exceeded`. Requires: at least one row fits the class. */
  constructor(pool: ArenaPool, dimension: number, arenaClass: ArenaClass) {
    const capacity = RowBlock.capacityOf(dimension, arenaClass);
    assertInternal(capacity > 0, `no row of ${dimension} numbers fits an arena of ${arenaClass} bytes`);
    this.dimension = dimension;
    this.capacity = capacity;
    this.#pool = pool;
    this.#layout = layoutOf(dimension, capacity);
    this.#arena = pool.acquire(arenaClass);
  }

  get arenaClass(): ArenaClass {
    return this.#mustArena().arenaClass;
  }

  /** Rows appended so far, dead ones included. */
  get rowCount(): number {
    return this.#rowCount;
  }

  get liveCount(): number {
    return this.#rowCount - this.#deadCount;
  }

  /**
   * Appends a vector and returns its row, or -1 where the block is full. `scale` is 1/|vector| for cosine and unused
   * otherwise. Requires: finite numbers.
   */
  append(vector: Float32Array, scale: number): number {
    assertInternal(
      vector.length === this.dimension,
      `a row of ${vector.length} numbers, not ${this.dimension}`,
    );
    if (this.#rowCount === this.capacity) return -1;
    const { u8, f32 } = this.#mustArena();
    const { live, scales, rows, stride } = this.#layout;
    const row = this.#rowCount++;
    f32.set(vector, (rows + row * stride) / 4);
    f32[scales / 4 + row] = scale;
    u8[live + (row >> 3)]! |= 1 << (row & 7);
    return row;
  }

  /**
   * Appends as many of the vectors as there is room for, and returns how many: a copy of all costs a third of copies
   * one by one. `scales` as in `append`; absent: 1.
   */
  appendRows(vectors: Float32Array, scales: Float32Array | undefined): number {
    const { dimension } = this;
    const given = vectors.length / dimension;
    assertInternal(Number.isInteger(given), `${vectors.length} numbers are no rows of ${dimension}`);
    const count = Math.min(given, this.capacity - this.#rowCount);
    const { f32 } = this.#mustArena();
    const { rows, stride } = this.#layout;
    const first = this.#rowCount;
    const start = (rows + first * stride) / 4;
    if (stride === dimension * 4) f32.set(vectors.subarray(0, count * dimension), start);
    else {
      for (let row = 0; row < count; row++)
        f32.set(vectors.subarray(row * dimension, (row + 1) * dimension), start + (row * stride) / 4);
    }
    const scalesAt = this.#layout.scales / 4 + first;
    if (scales === undefined) f32.fill(1, scalesAt, scalesAt + count);
    else f32.set(scales.subarray(0, count), scalesAt);
    this.#admit(count);
    return count;
  }

  /**
   * Appends `count` rows that lie elsewhere: `copy` puts them all, as little-endian f32, to a place in the bytes that it is
   * given, `stride` bytes from one to the next. Their scales follow from them. Where `copy` says false, nothing is appended
   * and that is the answer. Requires: room, and finite numbers.
   */
  appendCopied(
    count: number,
    metric: Metric,
    copy: (target: Uint8Array, at: number, stride: number) => boolean,
  ): boolean {
    assertInternal(
      count <= this.capacity - this.#rowCount,
      () => `${count} rows more in a block of ${this.capacity}`,
    );
    const { u8, f32, f64, exports } = this.#mustArena();
    const { rows, stride, scales, heap, heapKeys } = this.#layout;
    const first = this.#rowCount;
    const start = rows + first * stride;
    if (!copy(u8, start, stride)) return false;
    if (metric === 'cosine') {
      for (let at = 0; at < count; at += heapKeys) {
        const part = Math.min(heapKeys, count - at);
        exports.sumSquares(start + at * stride, part, this.dimension, stride, heap);
        for (let i = 0; i < part; i++) f32[scales / 4 + first + at + i] = cosineScale(f64[heap / 8 + i]!);
      }
    } else f32.fill(1, scales / 4 + first, scales / 4 + first + count);
    this.#admit(count);
    return true;
  }

  /** Takes all rows out: the next one appended is row 0. */
  clear(): void {
    const { live, bitmapBytes } = this.#layout;
    this.#mustArena().u8.fill(0, live, live + bitmapBytes);
    this.#rowCount = 0;
    this.#deadCount = 0;
  }

  /** Takes a row out of every later search. Killing it twice is no error. */
  kill(row: number): void {
    this.#mustRow(row);
    const { u8 } = this.#mustArena();
    const at = this.#layout.live + (row >> 3);
    const bit = 1 << (row & 7);
    if ((u8[at]! & bit) === 0) return;
    u8[at]! &= ~bit;
    this.#deadCount++;
  }

  isLive(row: number): boolean {
    this.#mustRow(row);
    return (this.#mustArena().u8[this.#layout.live + (row >> 3)]! & (1 << (row & 7))) !== 0;
  }

  /** A copy of the row's numbers. */
  vector(row: number): Float32Array<ArrayBuffer> {
    this.#mustRow(row);
    const at = (this.#layout.rows + row * this.#layout.stride) / 4;
    return this.#mustArena().f32.slice(at, at + this.dimension);
  }

  /** Copies the row's numbers into place `at` of row-major `target`. */
  copyVector(row: number, target: Float32Array, at: number): void {
    this.#mustRow(row);
    const from = (this.#layout.rows + row * this.#layout.stride) / 4;
    target.set(this.#mustArena().f32.subarray(from, from + this.dimension), at * this.dimension);
  }

  /** The best `k` of the rows under the mask; fewer where there are fewer. */
  search(search: BlockSearch): BlockHits {
    const { k, metric } = search;
    assertInternal(k > 0 && k <= limits.k + 1, `k is ${k}, the maximum is ${limits.k + 1}`);
    const { query, heap, heapKeys, rows, stride } = this.#layout;
    const live = this.#prepare(search);
    const { exports, u32, f32 } = this.#mustArena();
    const count = exports.scanTopK(
      kernelMetric(metric),
      query,
      rows,
      this.#rowCount,
      this.dimension,
      stride,
      live,
      this.#scalesFor(metric),
      heap,
      Math.min(k, heapKeys),
    );
    const hits = { rows: new Uint32Array(count), distances: new Float32Array(count) };
    for (let i = 0, at = heap / 4; i < count; i++, at += 2) {
      hits.rows[i] = u32[at]!;
      // The key holds the sortable form of the bits: written back in place, they can be read as f32.
      u32[at + 1] = unsortable(u32[at + 1]!);
      hits.distances[i] = f32[at + 1]!;
    }
    return hits;
  }

  /** Every row under the mask whose distance is exactly `distance` (one that `search` answered), ascending. */
  equalRows(search: BlockQuery & { readonly distance: number }): Uint32Array {
    const { query, heap, heapKeys, rows, stride } = this.#layout;
    const { metric } = search;
    const live = this.#prepare(search);
    const { exports, u32, f32 } = this.#mustArena();
    f32[heap / 4] = search.distance + 0;
    const wanted = Number.isNaN(search.distance) ? NAN_KEY : sortable(u32[heap / 4]!);
    const capacity = heapKeys * 2;
    const found: Uint32Array[] = [];
    for (let from = 0; from < this.#rowCount;) {
      const count = exports.collectEqual(
        kernelMetric(metric),
        query,
        rows,
        from,
        this.#rowCount,
        this.dimension,
        stride,
        live,
        this.#scalesFor(metric),
        wanted,
        heap,
        capacity,
      );
      found.push(u32.slice(heap / 4, heap / 4 + count));
      if (count < capacity) break;
      from = u32[heap / 4 + count - 1]! + 1;
    }
    return found.length === 1 ? found[0]! : concatRows(found);
  }

  /** Kernel distances of listed rows, dead or alive, in the list's order. */
  scores(search: {
    readonly query: Float32Array;
    readonly metric: Metric;
    readonly rows: Uint32Array;
  }): Float32Array {
    const { query, heap, heapKeys, rows, stride } = this.#layout;
    this.#putQuery(search.query);
    const { exports, u32, f32 } = this.#mustArena();
    const scores = new Float32Array(search.rows.length);
    const out = heap + heapKeys * 4;
    for (let at = 0; at < scores.length; at += heapKeys) {
      const list = scores.length <= heapKeys ? search.rows : search.rows.subarray(at, at + heapKeys);
      for (const row of list) this.#mustRow(row);
      u32.set(list, heap / 4);
      exports.scoreRows(
        kernelMetric(search.metric),
        query,
        rows,
        heap,
        list.length,
        this.dimension,
        stride,
        this.#scalesFor(search.metric),
        out,
      );
      scores.set(f32.subarray(out / 4, out / 4 + list.length), at);
    }
    return scores;
  }

  /** Gives the arena back. Nothing may be called afterwards but `release`. */
  release(): void {
    if (this.#arena === undefined) return;
    this.#pool.release(this.#arena);
    this.#arena = undefined;
  }

  /** The next `count` rows are in place: they are live from now on. */
  #admit(count: number): void {
    const { u8 } = this.#mustArena();
    const { live } = this.#layout;
    const first = this.#rowCount;
    for (let row = first; row < first + count; row++) u8[live + (row >> 3)]! |= 1 << (row & 7);
    this.#rowCount += count;
  }

  /** Puts query and mask in place and returns the bitmap to scan by, 0 where every row counts. */
  #prepare(search: BlockQuery): number {
    this.#putQuery(search.query);
    const { live, mask } = this.#layout;
    if (search.mask === undefined) return this.#deadCount === 0 ? 0 : live;
    const bytes = Math.ceil(this.#rowCount / 8);
    assertInternal(
      search.mask.length >= bytes,
      `a mask of ${search.mask.length} bytes for ${this.#rowCount} rows`,
    );
    this.#mustArena().u8.set(search.mask.subarray(0, bytes), mask);
    return mask;
  }

  #putQuery(query: Float32Array): void {
    assertInternal(
      query.length === this.dimension,
      `a query of ${query.length} numbers, not ${this.dimension}`,
    );
    this.#mustArena().f32.set(query, this.#layout.query / 4);
  }

  #scalesFor(metric: Metric): number {
    return metric === 'cosine' ? this.#layout.scales : 0;
  }

  #mustArena(): Arena {
    assertInternal(this.#arena !== undefined, 'a row block was used after its release');
    return this.#arena;
  }

  #mustRow(row: number): void {
    assertInternal(row >= 0 && row < this.#rowCount, () => `row ${row} of a block of ${this.#rowCount}`);
  }
}

/** Order-keeping u32 of the bits of an f32, as wasm/keys.ts makes it. */
function sortable(bits: number): number {
  return (bits ^ ((bits >> 31) | 0x80000000)) >>> 0;
}

function unsortable(key: number): number {
  return (key & 0x80000000) === 0 ? ~key >>> 0 : (key ^ 0x80000000) >>> 0;
}

function concatRows(parts: readonly Uint32Array[]): Uint32Array {
  const out = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
