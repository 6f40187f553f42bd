/**
 * One buffer that writers make slots in, one after another: fresh memory costs several times as much as writing it
 * again, page by page from the host, and presses the garbage collector. One for all collections of a process, so what
 * lies idle is bounded by one slot.
 */
import { limits } from '../base/limits.js';

export class SpareMemory {
  #spare: ArrayBuffer | undefined;

  /** The buffer, if nobody has it. It belongs to the caller until it is given back. */
  take(): ArrayBuffer | undefined {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare;
  }

  /** Requires: nothing will read or write `memory` any more. */
  give(memory: ArrayBuffer): void {
    const { byteLength } = memory;
    if (byteLength < limits.spareMemoryBytesMin || byteLength > limits.spareMemoryBytesMax) return;
    if (byteLength > (this.#spare?.byteLength ?? 0)) this.#spare = memory;
  }
}
