/** Blocks of a segment that were unpacked, the ones used last. */
export class RecentBlocks<T> {
  readonly #most: number;
  /** The one used last at the end. */
  readonly #blocks = new Map<number, T>();

  constructor(most: number) {
    this.#most = most;
  }

  get(block: number): T | undefined {
    const found = this.#blocks.get(block);
    if (found !== undefined) this.keep(block, found);
    return found;
  }

  keep(block: number, unpacked: T): void {
    this.#blocks.delete(block);
    this.#blocks.set(block, unpacked);
    for (const oldest of this.#blocks.keys()) {
      if (this.#blocks.size <= this.#most) return;
      this.#blocks.delete(oldest);
    }
  }

  clear(): void {
    this.#blocks.clear();
  }
}
