/**
 * An arena: one WebAssembly memory of a fixed size class, an instance of the kernels on it, and views of it. Made and
 * reused by the pool only.
 *
 * The memory never grows, so the views never detach. V8 reserves about 10 GB of address space per memory: a process
 * holds some 13,000 of them, whatever their size.
 */
import { INDEX_STATE_OFFSET, WASM_PAGE_BYTES, arenaBytes, type ArenaClass } from './layout.js';
import { instantiateKernel, kernelMemory } from './kernel-module.js';
import type { KernelExports, KernelMemory, KernelModule, KernelPlace } from './kernel-module.js';

export class Arena {
  readonly arenaClass: ArenaClass;
  readonly exports: KernelExports;
  readonly memory: KernelMemory;
  /** Address of the state that these exports read. */
  readonly state: number;
  readonly u8: Uint8Array;
  readonly u32: Uint32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;

  /** `place`: by default a fresh memory. One that another thread has made is seen from here in a state of its own. */
  constructor(module: KernelModule, arenaClass: ArenaClass, place: KernelPlace = freshPlace(arenaClass)) {
    const { exports, memory, buffer } = instantiateKernel(module, place);
    this.arenaClass = arenaClass;
    this.exports = exports;
    this.memory = memory;
    this.state = place.state;
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

export function freshPlace(arenaClass: ArenaClass, shared = false): KernelPlace {
  const memory = kernelMemory(arenaBytes(arenaClass) / WASM_PAGE_BYTES, shared);
  return { memory, state: INDEX_STATE_OFFSET };
}
