/**
 * The host's side of the module's interface: the exports with their types, and instantiation with a memory.
 * Pointers are byte offsets into the arena's memory; u32 results come back as signed numbers (`>>> 0`).
 */

/**
 * A compiled WebAssembly.Module of wasm/. Not called so in signatures, because Node's types do not declare the
 * WebAssembly namespace, and Workers' declare one of their own.
 */
export type KernelModule = object;

export interface KernelExports {
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
}

export interface KernelInstance {
  readonly exports: KernelExports;
  readonly buffer: ArrayBuffer;
}

/**
 * The kernels over a fresh memory of `pages` pages, which never grows. Synchronous: compiling is done, and an instance
 * of so small a module takes microseconds. Throws RangeError where the host has no such memory to give.
 */
export function instantiateKernel(module: KernelModule, pages: number): KernelInstance {
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  return { exports: instance.exports as unknown as KernelExports, buffer: memory.buffer };
}
