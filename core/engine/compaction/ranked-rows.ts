/** The rows of the least estimates, of many that come in any order, some of them twice. */

/** Estimates and whose they are, as numbers in the order of the estimates: of these a typed array sorts itself. */
export class RankedRows {
  #keys = new BigUint64Array(1_024);
  #words = new Uint32Array(this.#keys.buffer);
  readonly #float = new Float32Array(1);
  readonly #bits = new Uint32Array(this.#float.buffer);
  #count = 0;

  add(estimate: number, row: number): void {
    if (this.#count === this.#keys.length) this.#grow();
    this.#float[0] = estimate;
    const bits = this.#bits[0]!;
    this.#words[2 * this.#count] = row;
    // Of negative numbers the larger bits are those of the lesser.
    this.#words[2 * this.#count + 1] = bits >= 0x8000_0000 ? ~bits : bits | 0x8000_0000;
    this.#count++;
  }

  /** Each row once, with the least of its estimates: the least `most` of them, ascending. */
  best(most: number): { readonly estimates: Float32Array; readonly rows: Uint32Array } {
    this.#keys.subarray(0, this.#count).sort();
    const seen = new Set<number>();
    const bits = new Uint32Array(Math.min(most, this.#count));
    const rows = new Uint32Array(bits.length);
    for (let at = 0; at < this.#count && seen.size < most; at++) {
      const [row, word] = [this.#words[2 * at]!, this.#words[2 * at + 1]!];
      if (seen.has(row)) continue;
      rows[seen.size] = row;
      bits[seen.size] = word >= 0x8000_0000 ? word & 0x7fff_ffff : ~word;
      seen.add(row);
    }
    return {
      estimates: new Float32Array(bits.buffer).subarray(0, seen.size),
      rows: rows.subarray(0, seen.size),
    };
  }

  #grow(): void {
    const keys = new BigUint64Array(2 * this.#keys.length);
    keys.set(this.#keys);
    this.#keys = keys;
    this.#words = new Uint32Array(keys.buffer);
  }
}
