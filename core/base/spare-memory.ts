/**
 * Buffers that are used again. Fresh memory costs several times as much as writing it: the host hands it out page by
 * page, and what lies outside of the garbage collector's heap presses it all the same. How much may lie idle is bounded.
 */

/** For less, fresh memory is as good. */
const BYTES_MIN = 65_536;

export class SpareMemory {
  readonly #idleMax: number;
  readonly #idle: ArrayBuffer[] = [];
  #idleBytes = 0;

  /** `idleBytesMax`: 0 keeps nothing. */
  constructor(idleBytesMax: number) {
    this.#idleMax = idleBytesMax;
  }

  /** A buffer of `bytes` or up to twice that, with anything in it; undefined where none lies idle. */
  tryTake(bytes: number): ArrayBuffer | undefined {
    const at = this.#idle.findLastIndex(({ byteLength }) => byteLength >= bytes && byteLength <= bytes * 2);
    if (at < 0) return undefined;
    this.#idleBytes -= this.#idle[at]!.byteLength;
    return this.#idle.splice(at, 1)[0];
  }

  /** Requires: nobody will read or write `memory` any more. What has lain idle longest makes way for it. */
  give(memory: ArrayBuffer): void {
    if (memory.byteLength < BYTES_MIN || memory.byteLength > this.#idleMax) return;
    this.#idle.push(memory);
    this.#idleBytes += memory.byteLength;
    while (this.#idleBytes > this.#idleMax) this.#idleBytes -= this.#idle.shift()!.byteLength;
  }
}
