/**
 * The centroids of all leaves as 1-bit codes in packs of 32, as a scan of a leaf's rows wants them (wasm/fast-scan.ts): for many
 * queries, one after another, that each ask which are nearest. Codes are relative to the mean of all centroids, and estimate squared
 * distances, which leaves are made by, whatever the metric of their rows.
 */
import { hasBit, wordBitmapBytes } from '../../base/bitmap.js';
import type { Arena } from '../../kernel/index.js';
import { paddedDimension } from '../layout/index.js';
import type { Layout } from '../layout/index.js';
import type { CentroidCodes } from './leaf-encoder.js';
import { LeafTables, PACK_ROWS, layOutLeafTables, packBytes, recordBytes } from './leaf-tables.js';

interface Places {
  readonly tables: ReturnType<typeof layOutLeafTables>;
  readonly lookUp: number;
  readonly packs: number;
  readonly estimates: number;
  readonly live: number;
  readonly heap: number;
  readonly list: number;
  readonly rotated: number;
  readonly records: number;
}

export interface CentroidScanSize {
  readonly dimension: number;
  readonly centroids: number;
  /** How many of the nearest are asked for. */
  readonly limit: number;
}

export function layOutCentroidScan(
  layout: Layout,
  { dimension, centroids, limit }: CentroidScanSize,
): Places {
  const padded = paddedDimension(dimension);
  const packs = Math.ceil(centroids / PACK_ROWS);
  return {
    tables: layOutLeafTables(layout, dimension),
    lookUp: layout.take(padded * 4),
    packs: layout.take(packs * packBytes(padded)),
    estimates: layout.take(packs * PACK_ROWS * 4),
    live: layout.take(wordBitmapBytes(centroids)),
    heap: layout.take(limit * 8),
    list: layout.take(limit * 4),
    rotated: layout.take(PACK_ROWS * padded * 4),
    records: layout.take(PACK_ROWS * recordBytes(padded, 1)),
  };
}

export class CentroidScan {
  /** A bitmap of those that are looked for: none yet. */
  readonly live: Uint8Array;
  /** Address of those that were nearest last, as u32. */
  readonly list: number;
  readonly #arena: Arena;
  readonly #places: Places;
  readonly #size: CentroidScanSize;
  readonly #tables: LeafTables;
  /** How many were nearest last. */
  #found = 0;

  /** Of f32[centroids][dimension] at the address. Requires: nobody else uses the arena's state. */
  constructor(
    arena: Arena,
    places: Places,
    of: CentroidScanSize & { readonly at: number } & Pick<CentroidCodes, 'factor' | 'mean'>,
  ) {
    const { dimension, factor } = of;
    this.live = arena.u8.subarray(places.live, places.live + wordBitmapBytes(of.centroids)).fill(0);
    this.list = places.list;
    this.#arena = arena;
    this.#places = places;
    this.#size = of;
    this.#tables = new LeafTables(arena, places.tables, { dimension, metric: 'euclidean', factor });
    arena.f32.set(of.mean, places.tables.mean / 4);
    this.#pack(of.at);
    this.#tables.prepare(1);
  }

  /** Finds the nearest to the f32 at the address, of equals the first, and returns how many there are, the nearest first. */
  nearest(query: number): number {
    const { exports } = this.#arena;
    const { tables, lookUp, packs, estimates, live, heap, list } = this.#places;
    const { centroids, limit } = this.#size;
    this.#tables.rotate({ from: query, rows: 1, to: tables.rotated });
    exports.prepareRabitq();
    exports.makeLookUp(lookUp);
    const share = exports.centroidShare(tables.mean);
    exports.scanLeaf(packs, Math.ceil(centroids / PACK_ROWS), lookUp, share, estimates);
    this.#found = exports.nearestOf(estimates, centroids, live, limit, this.#bound(), heap, list);
    return this.#found;
  }

  /** Those that were nearest last are as many as are wanted: none that is farther than all of them is among the nearest now. */
  #bound(): number {
    const { f32, u32 } = this.#arena;
    const [estimates, list] = [this.#places.estimates / 4, this.list / 4];
    if (this.#found < this.#size.limit) return Infinity;
    let bound = -Infinity;
    for (let i = 0; i < this.#found; i++) {
      const centroid = u32[list + i]!;
      if (!hasBit(this.live, centroid)) return Infinity;
      bound = Math.max(bound, f32[estimates + centroid]!);
    }
    return bound;
  }

  #pack(at: number): void {
    const { tables, packs, rotated, records } = this.#places;
    const { dimension, centroids } = this.#size;
    const bytes = packBytes(this.#tables.padded);
    for (let first = 0, to = packs; first < centroids; first += PACK_ROWS, to += bytes) {
      const [from, rows] = [at + first * dimension * 4, Math.min(PACK_ROWS, centroids - first)];
      this.#tables.pack({ from, rows, centroid: tables.mean, rotated, records, to });
    }
  }
}
