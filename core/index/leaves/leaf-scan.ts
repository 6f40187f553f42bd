/**
 * Compares one query with leaves that come out of a file: first with all centroids, as they are coded, then with the rows of those
 * leaves that are nearest. Distances are estimates, in units of the segment's own, so that they order its rows and nothing else.
 *
 * ```
 * payload: tables | query | records of centroids | list | estimates | look-up | leaf
 * ```
 */
import { assertInternal } from '../../base/errors.js';
import { limits } from '../../base/limits.js';
import { PAYLOAD_OFFSET, type Arena, type ArenaPool, type Metric } from '../../kernel/index.js';
import { inverseLengths } from '../codes/index.js';
import { Layout, acquireBytes, paddedDimension } from '../layout/index.js';
import type { CentroidCodes } from './leaf-encoder.js';
import {
  CENTROIDS_AT_ONCE,
  LeafTables,
  PACK_ROWS,
  layOutLeafTables,
  packBytes,
  recordBytes,
} from './leaf-tables.js';

interface ScanPlaces {
  readonly tables: ReturnType<typeof layOutLeafTables>;
  readonly query: number;
  readonly records: number;
  readonly list: number;
  readonly out: number;
  readonly lookUp: number;
  readonly leaf: number;
  readonly end: number;
}

function layOut(dimension: number, bits: number): ScanPlaces {
  const padded = paddedDimension(dimension);
  const layout = new Layout(PAYLOAD_OFFSET);
  // Of own rows and of guests the last pack may have but one.
  const packs = limits.leafRows / PACK_ROWS + 1;
  const placed = {
    tables: layOutLeafTables(layout, dimension),
    query: layout.take(dimension * 4),
    records: layout.take(CENTROIDS_AT_ONCE * recordBytes(padded, bits)),
    list: layout.take(CENTROIDS_AT_ONCE * 4),
    out: layout.take(packs * PACK_ROWS * 4),
    lookUp: layout.take(padded * 4),
    leaf: layout.take(padded * 4 + packs * packBytes(padded)),
  };
  return { ...placed, end: layout.end };
}

export interface LeafScanOptions {
  readonly dimension: number;
  readonly metric: Metric;
  readonly centroids: CentroidCodes;
}

export class LeafScan {
  readonly #arena: Arena;
  readonly #pool: ArenaPool;
  readonly #options: LeafScanOptions;
  readonly #places: ScanPlaces;
  readonly #tables: LeafTables;

  /** Throws `memory_budget_exceeded`. Whoever makes one releases it. */
  constructor(pool: ArenaPool, options: LeafScanOptions) {
    const { dimension, metric, centroids } = options;
    this.#options = options;
    this.#pool = pool;
    this.#places = layOut(dimension, centroids.bits);
    this.#arena = acquireBytes(pool, this.#places.end - PAYLOAD_OFFSET);
    const { tables, mean } = { ...this.#places, ...this.#places.tables };
    this.#tables = new LeafTables(this.#arena, tables, { dimension, metric, factor: centroids.factor });
    this.#arena.f32.set(centroids.mean, mean / 4);
    this.#arena.u32.set(
      Array.from({ length: CENTROIDS_AT_ONCE }, (_, i) => i),
      this.#places.list / 4,
    );
  }

  /**
   * From now on this query is compared. Of products it is brought to length 1, which changes no order: what was measured of distances
   * holds for queries of any length.
   */
  prepare(query: Float32Array): void {
    const { query: at, tables } = this.#places;
    const { metric, dimension } = this.#options;
    const scale = metric === 'dot' ? inverseLengths(query, dimension)[0]! : 1;
    this.#arena.f32.set(scale === 1 ? query : query.map((value) => value * scale), at / 4);
    this.#tables.rotate({ from: at, rows: 1, to: tables.rotated });
  }

  /** Estimated distances of all centroids. Requires: a query. */
  centroidDistances(): Float32Array<ArrayBuffer> {
    const { exports, u8, f32 } = this.#arena;
    const { records: at, list, out } = this.#places;
    const { bits, records } = this.#options.centroids;
    const stride = recordBytes(this.#tables.padded, bits);
    const distances = new Float32Array(records.length / stride);
    this.#tables.prepare(bits);
    this.#tables.putRecords(at, stride);
    for (let leaf = 0; leaf < distances.length; leaf += CENTROIDS_AT_ONCE) {
      const count = Math.min(CENTROIDS_AT_ONCE, distances.length - leaf);
      u8.set(records.subarray(leaf * stride, (leaf + count) * stride), at);
      exports.measureRabitq(list, count, out);
      distances.set(f32.subarray(out / 4, out / 4 + count), leaf);
    }
    return distances;
  }

  /** From now on leaves are compared. Requires: a query. */
  beginLeaves(): void {
    this.#tables.prepare(1);
    this.#arena.exports.makeLookUp(this.#places.lookUp);
  }

  /**
   * Estimated distances of the rows of a leaf and then of its guests, of its centroid and packs: a view that is good until the next
   * call.
   */
  leafDistances(leaf: Uint8Array, rows: number, guests: number): Float32Array {
    const { exports, u8, f32 } = this.#arena;
    const { leaf: at, out, lookUp } = this.#places;
    const ownPacks = Math.ceil(rows / PACK_ROWS);
    const packs = ownPacks + Math.ceil(guests / PACK_ROWS);
    assertInternal(rows + guests <= limits.leafRows, () => `a leaf of ${rows} rows and ${guests} guests`);
    u8.set(leaf, at);
    const packsAt = at + this.#tables.padded * 4;
    exports.scanLeaf(packsAt, packs, lookUp, exports.centroidShare(at), out);
    const first = out / 4;
    f32.copyWithin(first + rows, first + ownPacks * PACK_ROWS, first + ownPacks * PACK_ROWS + guests);
    return f32.subarray(first, first + rows + guests);
  }

  release(): void {
    this.#pool.release(this.#arena);
  }
}
