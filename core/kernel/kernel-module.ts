/**
 * The host's side of the module's interface: the exports with their types, and instantiation on a given memory.
 * Pointers are byte offsets into the arena's memory; u32 results come back as signed numbers (`>>> 0`).
 */

export interface KernelExports {
  /** Makes the CRC tables of this memory. */
  init(): void;
  crc32c(crc: number, bytes: number, length: number): number;
  crc32cPages(bytes: number, length: number, pageBytes: number, out: number): void;
  base64Decode(source: number, length: number, target: number, last: number): number;
  firstNonFinite(values: number, count: number): number;
  sumSquares(rows: number, rowCount: number, dimension: number, stride: number, out: number): void;
  bitmapAnd(target: number, source: number, bytes: number): void;
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

/** Synchronous: compiling is done, and an instance of so small a module takes microseconds. */
export function instantiateKernel(module: WebAssembly.Module, memory: WebAssembly.Memory): KernelExports {
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  return instance.exports as unknown as KernelExports;
}
