/**
 * An arena: one WebAssembly memory of a fixed size class, an instance of the kernels on it, and views of it. Made and
 * reused by the pool only.
 *
 * The memory never grows, so the views never detach. V8 reserves about 10 GB of address space per memory: a process
 * holds some 13,000 of them, whatever their size.
 */
import { WASM_PAGE_BYTES, arenaBytes, type ArenaClass } from './layout.js';
import { instantiateKernel, type KernelExports, type KernelModule } from './kernel-module.js';

export class Arena {
  readonly arenaClass: ArenaClass;
  readonly exports: KernelExports;
  readonly u8: Uint8Array<ArrayBuffer>;
  readonly u32: Uint32Array<ArrayBuffer>;
  readonly f32: Float32Array<ArrayBuffer>;
  readonly f64: Float64Array<ArrayBuffer>;

  constructor(module: KernelModule, arenaClass: ArenaClass) {
    const { exports, buffer } = instantiateKernel(module, arenaBytes(arenaClass) / WASM_PAGE_BYTES);
    this.arenaClass = arenaClass;
    this.exports = exports;
    this.u8 = new Uint8Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.f32 = new Float32Array(buffer);
    this.f64 = new Float64Array(buffer);
  }

  /** Bytes that this arena counts for in the budget. */
  get bytes(): number {
    return arenaBytes(this.arenaClass);
  }
}
