/**
 * The host's side of the module's interface: the exports with their types, and instantiation with a memory.
 * Pointers are byte offsets into the arena's memory; u32 results come back as signed numbers (`>>> 0`).
 */

/**
 * A compiled WebAssembly.Module of wasm/. Not called so in signatures, because Node's types do not declare the
 * WebAssembly namespace, and Workers' declare one of their own.
 */
export type KernelModule = object;

/** The instructions that a module is built of: relaxed SIMD on top of SIMD where it is faster (wasm/relaxed.ts), or SIMD alone. */
export type Simd = 'plain' | 'relaxed';

export interface KernelExports {
  /** 1 in the module with relaxed SIMD. */
  readonly relaxed: { readonly value: number };
  /** Makes the CRC tables of this memory. */
  init(): void;
  crc32c(crc: number, bytes: number, length: number): number;
  crc32cPages(bytes: number, length: number, pageBytes: number, out: number): void;
  base64Decode(source: number, length: number, target: number, last: number): number;
  firstNonFinite(values: number, count: number): number;
  sumSquares(rows: number, rowCount: number, dimension: number, stride: number, out: number): void;
  l2Squared(a: number, b: number, dimension: number): number;
  negatedDot(a: number, b: number, dimension: number): number;
  l1(a: number, b: number, dimension: number): number;
  scanTopK(
    metric: number,
    query: number,
    rows: number,
    rowCount: number,
    dimension: number,
    stride: number,
    live: number,
    scales: number,
    heap: number,
    k: number,
  ): number;
  collectEqual(
    metric: number,
    query: number,
    rows: number,
    from: number,
    rowCount: number,
    dimension: number,
    stride: number,
    live: number,
    scales: number,
    wanted: number,
    out: number,
    capacity: number,
  ): number;
  scoreRows(
    metric: number,
    query: number,
    rows: number,
    list: number,
    count: number,
    dimension: number,
    stride: number,
    scales: number,
    out: number,
  ): void;
  /** Sum of code x weight (i16) over `stride` (a multiple of 16) codes. */
  codeProduct(codes: number, weights: number, stride: number): number;
  /** The same with four rows of weights, one behind the other -> four i32 at `out`. */
  codeProduct4(codes: number, weights: number, stride: number, out: number): void;
  /** Sum of |a - b| x weight. */
  codeAbsolute(a: number, b: number, weights: number, stride: number): number;
  /** Sum of ((a - b) x weight)^2, or some number above `limit`. */
  codeSquares(a: number, b: number, weights: number, stride: number, blocks: number, limit: number): number;
  /** Sum of (a - 128) x weight x (b - 128) x weight. */
  codeCentred(a: number, b: number, weights: number, stride: number, blocks: number): number;
  // Masks of rows: see core/kernel/row-masks.ts.
  maskRange(ordinals: number, width: number, count: number, from: number, span: number, out: number): void;
  maskSet(
    ordinals: number,
    width: number,
    count: number,
    set: number,
    base: number,
    size: number,
    out: number,
  ): void;
  maskOwners(starts: number, rows: number, entries: number, base: number, count: number, out: number): void;
  maskListed(list: number, places: number, count: number, first: number, rows: number, out: number): number;
  maskAnd(target: number, other: number, count: number): void;
  maskOr(target: number, other: number, count: number): void;
  maskAndNot(target: number, other: number, count: number): void;
  maskNot(target: number, count: number): void;
  maskCount(mask: number, count: number): number;
  assignRows(
    rows: number,
    rowCount: number,
    dimension: number,
    centroids: number,
    centroidCount: number,
    out: number,
  ): void;
  /** Measured rows of a bitmap, within the bound -> u32 of the nearest at `list`; returns how many. */
  nearestOf(
    distances: number,
    count: number,
    live: number,
    limit: number,
    bound: number,
    heap: number,
    list: number,
  ): number;
  /** out[i][j] += the product of row i of `a` with row j of `b`. `length` and `bRows` are multiples of 4. */
  addProducts(a: number, aRows: number, b: number, bRows: number, length: number, out: number): void;
  /** target += factor x source. `length` is a multiple of 4. */
  addScaled(target: number, source: number, factor: number, length: number): void;
  // From here on: an index whose state lies in page 0 (INDEX_STATE_OFFSET).
  encodeRows(rows: number, count: number, dimension: number, scales: number, first: number): void;
  prepareRow(row: number): void;
  insertRows(rows: number, count: number): void;
  findLinks(rows: number, count: number, entry: number, highest: number, out: number): void;
  insertFound(rows: number, count: number, from: number): void;
  nearestPivots(
    rows: number,
    count: number,
    pivots: number,
    pivotCount: number,
    fanout: number,
    scratch: number,
    out: number,
  ): void;
  /** 0 where another thread has held a lock for long: again. */
  offerPairs(rows: number, fresh: number, count: number, scratch: number): number;
  chooseLinks(rows: number, count: number): void;
  linkBackRows(rows: number, count: number): void;
  refineLinks(rows: number, count: number, ef: number, expand: number, out: number): void;
  putRefined(rows: number, count: number, from: number): void;
  linkFarther(rows: number, count: number, ef: number, most: number): void;
  /** How many keys lie in the pool then. */
  walkTowards(row: number): number;
  /** 0 where there is no room. */
  linkFrom(parent: number, row: number): number;
  measureLinks(level: number, id: number): void;
  relink(level: number, id: number, candidates: number, count: number): void;
  walkGraph(ef: number, limit: number, allowed: number, near: number, reach: number): number;
  /** Through allowed rows alone. -1: given up. */
  walkAllowed(
    ef: number,
    limit: number,
    allowed: number,
    near: number,
    reach: number,
    share: number,
    budget: number,
  ): number;
  /** Measures the rows in the pool anew: how many of the best are left there. */
  remeasure(count: number, limit: number): number;
  /** Of rows in the pool whose codes are exact: the f32 distances become the upper halves of their keys. */
  measureExactly(count: number, query: number, lows: number, dimension: number, row: number): void;
  /** The same of rows that lie as they were given. */
  measureF32Exactly(count: number, dimension: number): void;
  prepareQuery(query: number, dimension: number, isCosine: number, factor: number): void;
  putValues(dimension: number): number;
  /** Uses up what `putValues` has written. */
  project(scale: number, out: number): void;
  projectRows(first: number, count: number, out: number): void;
  scanCodes(limit: number, allowed: number): number;
  /** f32 rows, each times its scale (0: none) and `factor`, rotated -> f32[padded] each. */
  rotateRows(
    from: number,
    count: number,
    dimension: number,
    scales: number,
    factor: number,
    signs: number,
    padded: number,
    to: number,
  ): void;
  /** Rotated rows of one leaf -> records: code, f32 add, f32 rescale. */
  rabitqEncode(
    rows: number,
    count: number,
    padded: number,
    centroid: number,
    bits: number,
    isDot: number,
    out: number,
    stride: number,
  ): void;
  /** Of 1-bit codes: up to 32 records -> one block. */
  packRows32(records: number, stride: number, count: number, padded: number, out: number): void;
  // From here on: with what lies at the state's `rabitq` (core/index/layout/rabitq-state.ts).
  /** Prepares the rotated query. */
  prepareRabitq(): void;
  /** What distances owe to a leaf of this centroid. Leaves the weight that goes with it in the struct. */
  centroidShare(centroid: number): number;
  measureRabitq(list: number, count: number, out: number): void;
  makeLookUp(out: number): void;
  /** Blocks of one leaf -> f32[32] each. Requires: the share is what `centroidShare` answered last. */
  scanLeaf(blocks: number, blockCount: number, tables: number, share: number, out: number): void;
  /** f32 rows -> codes of product quantization, one every `stride` bytes. */
  pqEncode(
    rows: number,
    count: number,
    dimension: number,
    scales: number,
    middles: number,
    inverse: number,
    books: number,
    subs: number,
    values: number,
    out: number,
    stride: number,
  ): void;
  /** Makes the tables of a query. */
  preparePq(
    query: number,
    dimension: number,
    isCosine: number,
    factor: number,
    unit: number,
    books: number,
    subs: number,
    floats: number,
  ): void;
  measurePq(list: number, count: number, out: number): void;
  checkGraph(graph: number, rows: number, room: number): number;
  checkLevels(levels: number, nodes: number, rows: number, lists: number, most: number): number;
  checkUpper(upper: number, levels: number, nodes: number, room: number): number;
}

/** A WebAssembly.Memory, which another thread can be sent where it is shared. Not called so, as `KernelModule` is not. */
export type KernelMemory = object;

export interface KernelInstance {
  readonly exports: KernelExports;
  readonly memory: KernelMemory;
  readonly buffer: ArrayBufferLike;
}

/** Where the kernels work. */
export interface KernelPlace {
  readonly memory: KernelMemory;
  /** Address of the state of the index that this instance searches. Modules for memory that is not shared have a fixed one. */
  readonly state: number;
}

/**
 * A fresh memory of `pages` pages, which never grows. Throws RangeError where the host has no such memory to give. `shared`: as
 * the module asks for it.
 */
export function kernelMemory(pages: number, shared: boolean): KernelMemory {
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
}

/** The kernels over a memory. Synchronous: compiling is done, and an instance of so small a module takes microseconds. */
export function instantiateKernel(module: KernelModule, { memory, state }: KernelPlace): KernelInstance {
  const given = memory as WebAssembly.Memory;
  const instance = new WebAssembly.Instance(module, { env: { memory: given, state } });
  return { exports: instance.exports as unknown as KernelExports, memory, buffer: given.buffer };
}
