/**
 * One index in the memory of one arena: writes the state that the kernels read, and runs searches. Builder and reader
 * share it; they differ in where the bytes come from.
 *
 * ```
 * payload: resident region | tables' scratch | pool | hop lists | visited | allowed | the builder's own scratch
 * ```
 */
import { wordBitmapBytes } from '../base/bitmap.js';
import { assertInternal } from '../base/errors.js';
import { limits } from '../base/limits.js';
import type { Arena } from '../kernel/index.js';
import { layOutCodes } from './coded-rows.js';
import type { CodeScratch } from './coded-rows.js';
import { CodeTable, layOutTable } from './codes/index.js';
import type { TableScratch } from './codes/index.js';
import { HOP_BYTES, NO_ROW, stateOffsets } from './layout/index.js';
import type {
  CodeParams,
  Coding,
  IndexNumbers,
  IndexShape,
  KernelState,
  Layout,
  RowTable,
} from './layout/index.js';
import { Projector, layOutProjector } from './projection/index.js';
import type { ProjectorScratch } from './projection/index.js';

/**
 * Rows and their approximate kernel distances (core/kernel/metric.ts; for cosine of the query's unit vector), nearest
 * first. The order is that of the kernels' own distances, equal ones by row; the ones here are rounded once more.
 */
export interface Hits {
  readonly rows: Uint32Array;
  readonly distances: Float32Array;
  /** The distances are the kernels' of the raw rows, to the bit; the order is still that of the codes. */
  readonly exact: boolean;
  /** Which part of a walk's candidates was allowed; 1 for a scan. */
  readonly share: number;
  /** Rows whose distance was computed. */
  readonly visited: number;
}

interface SearchRequest {
  readonly query: Float32Array;
  readonly limit: number;
  /** Bitmap of the rows that may be answered, least significant bit first. Absent: all. */
  readonly allowed?: Uint8Array | undefined;
}

export interface ScanRequest extends SearchRequest {
  /**
   * Where the graph is walked on fewer dimensions, rows are compared by these, and so many of the best by all. Absent: all rows
   * are.
   */
  readonly coarse?: number | undefined;
}

export interface WalkRequest extends SearchRequest {
  /** Candidates that the walk keeps at most. */
  readonly ef: number;
  /** How many rows are allowed, where that matters to `reach`. */
  readonly allowedCount?: number | undefined;
  /**
   * The walk ends where the nearest candidate that is left is farther than this times the distance of the `NEAR`-th nearest, as
   * it measures, and takes in none that is. What it took in before that one was so near stays: among few dimensions some of it
   * is nearer than it looks. 0: no such bound. Without meaning for distances that may be negative.
   */
  readonly reach?: number;
}

/** Candidates are allowed rows alone: neighbours that are not are stepped over to theirs. */
export interface FilteredWalkRequest extends WalkRequest {
  readonly allowed: Uint8Array;
  readonly allowedCount: number;
  /** The walk is given up where more rows than this were measured. */
  readonly budget: number;
}

export interface FilteredWalk {
  /** Undefined: the walk was given up. */
  readonly hits: Hits | undefined;
  /** Rows whose distance was computed. */
  readonly visited: number;
  /** Where it was given up: which part of the rows nearest to the query is allowed. */
  readonly share: number;
}

/** Of the nearest candidates, the one by whose distance a walk is bounded. */
const NEAR = 10;

/** How far chance may lead away from what is expected, in standard deviations. */
const DEVIATIONS = 3;

/** The rank among all rows up to which there are nearly always `count` of which there is this share. */
export function rankOfAllowed(count: number, share: number): number {
  return Math.ceil((count + DEVIATIONS * Math.sqrt(count * (1 - share))) / share);
}

export interface ScratchLayout {
  readonly codes: CodeScratch;
  /** Where the graph is walked on fewer dimensions. */
  readonly projected: { readonly table: TableScratch; readonly projector: ProjectorScratch } | undefined;
  readonly pool: number;
  readonly hop: number;
  readonly visited: number;
  readonly allowed: number;
}

function poolKeys(rows: number, efBuild: number): number {
  return Math.max(Math.min(rows, limits.indexHits), efBuild) + 1;
}

export interface ScratchOptions {
  readonly coding: Coding;
  readonly efBuild: number;
  readonly outputs: number;
  readonly leaves: number;
}

/** Lays out what a search needs behind the resident region. */
export function layOutScratch(
  layout: Layout,
  shape: IndexShape,
  { coding, efBuild, outputs, leaves }: ScratchOptions,
): ScratchLayout {
  return {
    codes: layOutCodes(layout, coding, { ...shape, leaves }),
    projected:
      outputs === 0
        ? undefined
        : {
            table: layOutTable(layout, outputs),
            projector: layOutProjector(layout, shape.dimension),
          },
    pool: layout.take(poolKeys(shape.rows, efBuild) * 8),
    hop: layout.take(HOP_BYTES),
    visited: layout.take(shape.rows),
    allowed: layout.take(wordBitmapBytes(shape.rows)),
  };
}

/** Addresses of projected codes in the arena, their ranges, and the table of all dimensions. */
export interface ProjectedAt {
  readonly full: CodeTable;
  readonly params: CodeParams;
  readonly codes: number;
  readonly terms: number;
  readonly projection: number;
}

/** Addresses of the sections of a graph in the arena; 0 for a flat index. */
export interface GraphAddresses {
  readonly graph0: number;
  readonly graphN: number;
  readonly levels: number;
}

/** The table that a graph is walked on, and the way to it. */
interface Projected {
  readonly table: CodeTable;
  readonly projector: Projector;
}

export class IndexMemory {
  readonly arena: Arena;
  readonly shape: IndexShape;
  readonly state: KernelState;
  /** Of all dimensions. */
  readonly full: RowTable;
  readonly projected: Projected | undefined;
  readonly #scratch: ScratchLayout;

  constructor(
    arena: Arena,
    state: KernelState,
    options: {
      readonly shape: IndexShape;
      readonly full: RowTable;
      /** Requires: the scratch was laid out for as many outputs. */
      readonly projected: ProjectedAt | undefined;
      readonly graph: GraphAddresses;
      readonly scratch: ScratchLayout;
      readonly numbers: IndexNumbers;
      readonly nodes: number;
    },
  ) {
    const { shape, full, projected, graph, scratch, numbers, nodes } = options;
    const { rows } = shape;
    this.arena = arena;
    this.shape = shape;
    this.state = state;
    this.#scratch = scratch;
    arena.u8.fill(0, scratch.visited, scratch.visited + rows);
    this.state.set({
      rows,
      ...graph,
      m: numbers.m,
      entry: numbers.entry,
      maxLevel: numbers.maxLevel,
      nodes,
      pool: scratch.pool,
      hop: scratch.hop,
      visited: scratch.visited,
      epoch: 0,
    });
    this.full = full;
    this.projected = projected === undefined ? undefined : this.#projectedTable(projected, numbers.outputs);
    this.walked.select();
  }

  /** The table that the graph is built and walked on. */
  get walked(): RowTable {
    return this.projected?.table ?? this.full;
  }

  /** Walks may be bounded by a reach. */
  get bounded(): boolean {
    return this.shape.metric !== 'dot';
  }

  /** How much farther than the `NEAR`-th the last candidate of the last walk was; 0 where that says nothing. */
  get spread(): number {
    return this.arena.f32[(this.arena.state + stateOffsets.spread) / 4]!;
  }

  walk(request: WalkRequest): Hits {
    const { rows } = this.shape;
    if (this.state.get('entry') === NO_ROW) {
      return {
        ...{ rows: new Uint32Array(0), distances: new Float32Array(0) },
        ...{ exact: false, share: 1, visited: 0 },
      };
    }
    const { pool, limit, reach } = this.#sizes(request);
    const allowed = this.#putAllowed(request.allowed);
    const { exports } = this.arena;
    // What is not allowed takes room in the pool, too: what counts is as far beyond the NEAR-th as there is more of it.
    const near = request.allowedCount === undefined ? NEAR : rankOfAllowed(NEAR, request.allowedCount / rows);
    const hits = this.#search(request.query, { pool, limit }, (most) =>
      exports.walkGraph(pool, most, allowed, near, reach),
    );
    return { ...hits, share: this.#share };
  }

  walkAllowed(request: FilteredWalkRequest): FilteredWalk {
    const { pool, limit, reach } = this.#sizes(request);
    const { allowedCount, budget } = request;
    const allowed = this.#putAllowed(request.allowed);
    const share = allowedCount / this.shape.rows;
    let beside = 0;
    let complete = true;
    const hits = this.#search(request.query, { pool, limit }, (most) => {
      const found = this.arena.exports.walkAllowed(pool, most, allowed, NEAR, reach, share, budget);
      complete = found >= 0;
      beside = this.#share;
      return Math.max(found, 0);
    });
    return { hits: complete ? hits : undefined, visited: hits.visited, share: beside };
  }

  get #share(): number {
    return this.arena.f32[(this.arena.state + stateOffsets.share) / 4]!;
  }

  #sizes({ ef, limit, reach }: WalkRequest): {
    readonly pool: number;
    readonly limit: number;
    readonly reach: number;
  } {
    assertInternal(ef > 0 && limit > 0, () => `a walk of ${ef} candidates for ${limit} rows`);
    const pool = Math.min(ef, this.shape.rows, limits.walkCandidates);
    return { pool, limit: Math.min(limit, pool), reach: this.bounded ? (reach ?? 0) : 0 };
  }

  scan(request: ScanRequest): Hits {
    const most = Math.min(this.shape.rows, limits.indexHits);
    const limit = Math.min(request.limit, most);
    assertInternal(limit > 0, () => `a scan for ${request.limit} rows`);
    const allowed = this.#putAllowed(request.allowed);
    const { exports } = this.arena;
    const { query, coarse } = request;
    if (coarse !== undefined) {
      const pool = Math.min(Math.max(coarse, limit), most);
      return this.#search(query, { pool, limit }, (keep) => exports.scanCodes(keep, allowed));
    }
    this.full.select();
    this.full.prepare(query);
    return this.#hits(exports.scanCodes(limit, allowed));
  }

  /** By the codes that the graph is walked on. Where these are of fewer dimensions, what is in the pool is compared by all. */
  #search(
    query: Float32Array,
    { pool, limit }: { readonly pool: number; readonly limit: number },
    find: (most: number) => number,
  ): Hits {
    const { projected, full } = this;
    full.select();
    full.prepare(query);
    if (projected === undefined) return this.#hits(find(limit));
    const { table, projector } = projected;
    const constants = full.constants();
    projector.project(table.queryAt);
    table.select();
    table.prepareHere();
    const found = find(pool);
    full.select();
    full.putConstants(constants);
    return this.#hits(this.arena.exports.remeasure(found, limit));
  }

  #projectedTable({ full, params, codes, terms, projection }: ProjectedAt, outputs: number): Projected {
    const { projected: scratch } = this.#scratch;
    assertInternal(scratch !== undefined, 'no scratch for projected codes');
    const at = { params, codes, terms, ...scratch.table };
    return {
      // What is left of vectors of length 1 is shorter: it is compared by L2.
      table: new CodeTable(this.arena, this.state, { dimension: outputs, metric: 'euclidean', ...at }),
      projector: new Projector(this.arena, this.state, {
        full,
        outputs,
        projection,
        scratch: scratch.projector,
      }),
    };
  }

  #putAllowed(allowed: Uint8Array | undefined): number {
    if (allowed === undefined) return 0;
    const bytes = Math.ceil(this.shape.rows / 8);
    assertInternal(
      allowed.length >= bytes,
      () => `a bitmap of ${allowed.length} bytes for ${this.shape.rows} rows`,
    );
    this.arena.u8.set(allowed.subarray(0, bytes), this.#scratch.allowed);
    return this.#scratch.allowed;
  }

  #hits(count: number): Hits {
    const { exact } = this.full;
    // The full table is selected, and the query was prepared by it.
    if (exact) this.full.measureExactly(count);
    const { u32, f32 } = this.arena;
    const { unit, offset } = this.full.scale;
    const rows = new Uint32Array(count);
    const distances = new Float32Array(count);
    for (let i = 0, at = this.#scratch.pool / 4; i < count; i++, at += 2) {
      rows[i] = u32[at]!;
      if (exact) {
        distances[i] = f32[at + 1]!;
        continue;
      }
      // Keys are (row, sortable distance): the bits are turned back in place and read as f32.
      const key = u32[at + 1]!;
      u32[at + 1] = (key & 0x80000000) === 0 ? ~key : key ^ 0x80000000;
      distances[i] = f32[at + 1]! * unit + offset;
    }
    return { rows, distances, exact, share: 1, visited: this.state.get('measured') };
  }
}
