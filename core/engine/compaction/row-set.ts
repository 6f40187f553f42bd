/**
 * The rows of all sources of a compaction as one list, and their order in the file once it is known.
 */
import type { Awaitable } from '../../base/awaitable.js';
import type { RowSource, VectorChunk } from './row-source.js';

export class RowSet {
  readonly sources: readonly RowSource[];
  readonly rows: number;
  /** The first row of each source in the list. */
  readonly #firsts: readonly number[];

  constructor(sources: readonly RowSource[]) {
    this.sources = sources;
    const firsts: number[] = [];
    let rows = 0;
    for (const source of sources) {
      firsts.push(rows);
      rows += source.rows;
    }
    this.#firsts = firsts;
    this.rows = rows;
  }

  firstOf(source: number): number {
    return this.#firsts[source]!;
  }

  async *chunks(maxBytes: number): AsyncGenerator<VectorChunk> {
    for (const [i, source] of this.sources.entries()) {
      for await (const { first, vectors } of source.chunks(maxBytes)) {
        yield { first: this.#firsts[i]! + first, vectors };
      }
    }
  }

  /** The vectors of any rows, in the order given. */
  async vectors(rows: Uint32Array, target: Float32Array): Promise<void> {
    await this.#split(rows, (source, own, places) => source.place({ rows: own, places }, target));
  }

  async documents(rows: Uint32Array): Promise<readonly string[]> {
    const out = new Array<string>(rows.length);
    await this.#split(rows, async (source, own, places) => {
      const texts = await source.documents(own);
      places.forEach((place, i) => (out[place] = texts[i]!));
    });
    return out;
  }

  async ids(): Promise<string[]> {
    const parts = await Promise.all(this.sources.map(async (source) => await source.ids()));
    return parts.flat();
  }

  async seqs(): Promise<Float64Array> {
    const out = new Float64Array(this.rows);
    const parts = await Promise.all(this.sources.map(async (source) => await source.seqs()));
    parts.forEach((part, i) => out.set(part, this.#firsts[i]));
    return out;
  }

  /** Undefined where no row expires. */
  expiresMs(): Float64Array | undefined {
    if (this.sources.every(({ expiresMs }) => expiresMs === undefined)) return undefined;
    const out = new Float64Array(this.rows).fill(Infinity);
    this.sources.forEach(({ expiresMs }, i) => {
      if (expiresMs !== undefined) out.set(expiresMs, this.#firsts[i]);
    });
    return out;
  }

  /** Hands each source its own of the rows, with their places in the list. */
  async #split(
    rows: Uint32Array,
    take: (source: RowSource, own: Uint32Array, places: Uint32Array) => Awaitable<void>,
  ): Promise<void> {
    const jobs = this.sources.map(async (source, i) => {
      const first = this.#firsts[i]!;
      const end = first + source.rows;
      let count = 0;
      for (const row of rows) if (row >= first && row < end) count++;
      if (count === 0) return;
      const own = new Uint32Array(count);
      const places = new Uint32Array(count);
      let at = 0;
      rows.forEach((row, place) => {
        if (row < first || row >= end) return;
        own[at] = row - first;
        places[at++] = place;
      });
      await take(source, own, places);
    });
    await Promise.all(jobs);
  }
}
