/** The rows of the least estimates, of many that come in any order, some of them twice. */
import { bitmapBytes, clearBit, hasBit, setBit } from '../../base/bitmap.js';

/** Each row once, in the order of the estimates; of equals the lesser row first. */
export interface Ranked {
  readonly estimates: Float32Array;
  readonly rows: Uint32Array;
}

/** Estimates and whose they are, as numbers in the order of the estimates: of these a typed array sorts itself. */
export class RankedRows {
  #keys = new BigUint64Array(1_024);
  #words = new Uint32Array(this.#keys.buffer);
  readonly #float = new Float32Array(1);
  readonly #bits = new Uint32Array(this.#float.buffer);
  /** Empty between two calls. */
  readonly #seen: Uint8Array;
  #count = 0;

  /** Of rows below `rows`. */
  constructor(rows: number) {
    this.#seen = new Uint8Array(bitmapBytes(rows));
  }

  add(estimate: number, row: number): void {
    if (this.#count === this.#keys.length) this.#grow();
    // -0 is no less than 0.
    this.#float[0] = estimate + 0;
    const bits = this.#bits[0]!;
    this.#words[2 * this.#count] = row;
    // Of negative numbers the larger bits are those of the lesser.
    this.#words[2 * this.#count + 1] = bits >= 0x8000_0000 ? ~bits : bits | 0x8000_0000;
    this.#count++;
  }

  /** Of those that were ranked before and those that were added since the last call, the least `most`. */
  rank(before: Ranked, most: number): Ranked {
    this.#keys.subarray(0, this.#count).sort();
    const size = Math.min(most, before.rows.length + this.#count);
    const [estimates, rows] = [new Float32Array(size), new Uint32Array(size)];
    let found = 0;
    for (let [known, added] = [0, 0]; found < size;) {
      const isAdded = known === before.rows.length || this.#isLess(added, before, known);
      if (isAdded && added === this.#count) break;
      const row = isAdded ? this.#words[2 * added]! : before.rows[known]!;
      const estimate = isAdded ? this.#estimate(added++) : before.estimates[known++]!;
      if (hasBit(this.#seen, row)) continue;
      setBit(this.#seen, row);
      rows[found] = row;
      estimates[found++] = estimate;
    }
    for (let i = 0; i < found; i++) clearBit(this.#seen, rows[i]!);
    this.#count = 0;
    return { estimates: estimates.subarray(0, found), rows: rows.subarray(0, found) };
  }

  #isLess(added: number, { estimates, rows }: Ranked, known: number): boolean {
    if (added === this.#count) return false;
    const [estimate, other] = [this.#estimate(added), estimates[known]!];
    return estimate < other || (estimate === other && this.#words[2 * added]! < rows[known]!);
  }

  #estimate(added: number): number {
    const word = this.#words[2 * added + 1]!;
    this.#bits[0] = word >= 0x8000_0000 ? word & 0x7fff_ffff : ~word;
    return this.#float[0]!;
  }

  #grow(): void {
    const keys = new BigUint64Array(2 * this.#keys.length);
    keys.set(this.#keys);
    this.#keys = keys;
    this.#words = new Uint32Array(keys.buffer);
  }
}
