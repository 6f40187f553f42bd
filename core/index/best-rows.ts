/** The best rows out of lists that come one after another, in the order that one list of all would have. */
export class BestRows {
  readonly most: number;
  /** Of each: its distance in the sortable form of the kernels' keys (wasm/keys.ts), and itself. Ascending. */
  #keys: Uint32Array;
  #distances: Float32Array;
  #count = 0;

  constructor(most: number) {
    this.most = most;
    this.#keys = new Uint32Array(0);
    this.#distances = new Float32Array(0);
  }

  /**
   * How many of `keys` (row less `first`, sortable distance; ascending) may be among the best: the others are farther than all that
   * there is room for.
   */
  nearerOf(keys: Uint32Array, first: number): number {
    let count = keys.length / 2;
    if (this.#count < this.most) return count;
    const worst = 2 * (this.#count - 1);
    while (count > 0 && !isBefore(keys, 2 * (count - 1), first, this.#keys, worst)) count--;
    return count;
  }

  /** Adds keys of rows that were not added before. Of the i-th the distance is the `2 i + 1`-th number. */
  add(keys: Uint32Array, first: number, distances: Float32Array): void {
    const added = keys.length / 2;
    if (added === 0) return;
    const count = Math.min(this.most, this.#count + added);
    const merged = new Uint32Array(2 * count);
    const mergedDistances = new Float32Array(count);
    for (let i = 0, own = 0, other = 0; i < count; i++) {
      const isOther =
        own === this.#count || (other < added && isBefore(keys, 2 * other, first, this.#keys, 2 * own));
      merged[2 * i] = isOther ? first + keys[2 * other]! : this.#keys[2 * own]!;
      merged[2 * i + 1] = isOther ? keys[2 * other + 1]! : this.#keys[2 * own + 1]!;
      mergedDistances[i] = isOther ? distances[2 * other + 1]! : this.#distances[own]!;
      if (isOther) other++;
      else own++;
    }
    this.#keys = merged;
    this.#distances = mergedDistances;
    this.#count = count;
  }

  /** Nearest first. */
  list(): { readonly rows: Uint32Array; readonly distances: Float32Array } {
    const rows = Uint32Array.from({ length: this.#count }, (_, i) => this.#keys[2 * i]!);
    return { rows, distances: this.#distances };
  }
}

/** By distance, then by row. */
function isBefore(a: Uint32Array, i: number, firstOfA: number, b: Uint32Array, j: number): boolean {
  const [near, far] = [a[i + 1]!, b[j + 1]!];
  return near < far || (near === far && firstOfA + a[i]! < b[j]!);
}
