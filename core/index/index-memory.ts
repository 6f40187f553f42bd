/**
 * One index in the memory of one arena: writes the state that the kernels read, and runs searches. Builder and reader
 * share it; they differ in where the bytes come from.
 *
 * ```
 * payload: resident region | weights | query codes | pool | hop lists | visited | allowed | the builder's own scratch
 * ```
 */
import { assertInternal } from '../base/errors.js';
import { limits } from '../base/limits.js';
import {
  INDEX_STATE_OFFSET,
  KERNEL_L1,
  KERNEL_L2,
  kernelMetric,
  type Arena,
  type Metric,
} from '../kernel/index.js';
import { stepWeights, unitOf } from './code-params.js';
import { prepareL1, QueryWeights, type QueryConstants } from './query.js';
import { codeStride, type Layout, type CodeParams, type IndexNumbers, type IndexShape } from './shape.js';
import { HOP_BYTES, NO_ROW, stateNumberOffsets, stateOffsets } from './state.js';

/**
 * Rows and their approximate kernel distances (core/kernel/metric.ts; for cosine of the query's unit vector), nearest
 * first. The order is that of the kernels' own distances, equal ones by row; the ones here are rounded once more.
 */
export interface Hits {
  readonly rows: Uint32Array;
  readonly distances: Float32Array;
  /** Rows whose distance was computed. */
  readonly visited: number;
}

export interface ScanRequest {
  readonly query: Float32Array;
  readonly limit: number;
  /** Bitmap of the rows that may be answered, least significant bit first. Absent: all. */
  readonly allowed?: Uint8Array | undefined;
}

export interface WalkRequest extends ScanRequest {
  /** Candidates that the walk keeps; allowed or not. */
  readonly ef: number;
}

export interface ScratchLayout {
  readonly weights: number;
  readonly queryCodes: number;
  readonly pool: number;
  readonly hop: number;
  readonly visited: number;
  readonly allowed: number;
}

function poolKeys(rows: number, efBuild: number): number {
  return Math.max(Math.min(rows, limits.indexHits), efBuild) + 1;
}

/** Lays out what a search needs behind the resident region. */
export function layOutScratch(layout: Layout, shape: IndexShape, efBuild: number): ScratchLayout {
  const stride = codeStride(shape.dimension);
  return {
    weights: layout.take(stride * 2),
    queryCodes: layout.take(stride),
    pool: layout.take(poolKeys(shape.rows, efBuild) * 8),
    hop: layout.take(HOP_BYTES),
    visited: layout.take(shape.rows),
    allowed: layout.take(Math.ceil(shape.rows / 64) * 8),
  };
}

/** Addresses of the sections in the arena; graph addresses are 0 for a flat index. */
export interface SectionAddresses {
  readonly codes: number;
  readonly terms: number;
  readonly graph0: number;
  readonly graphN: number;
  readonly levels: number;
}

export class IndexMemory {
  readonly arena: Arena;
  readonly shape: IndexShape;
  readonly params: CodeParams;
  readonly unit: number;
  readonly #scratch: ScratchLayout;
  readonly #weights: Int16Array<ArrayBuffer>;
  readonly #queryWeights: QueryWeights;
  readonly #stepScale: number;

  constructor(
    arena: Arena,
    options: {
      readonly shape: IndexShape;
      readonly params: CodeParams;
      readonly sections: SectionAddresses;
      readonly scratch: ScratchLayout;
      readonly numbers: IndexNumbers;
      readonly nodes: number;
    },
  ) {
    const { shape, params, sections, scratch, numbers } = options;
    this.arena = arena;
    this.shape = shape;
    this.params = params;
    this.unit = unitOf(params);
    this.#scratch = scratch;
    const stride = codeStride(shape.dimension);
    this.#weights = new Int16Array(arena.u8.buffer, scratch.weights, stride);
    arena.u8.fill(0, scratch.weights, scratch.weights + stride * 2);
    arena.u8.fill(0, scratch.queryCodes, scratch.queryCodes + stride);
    arena.u8.fill(0, scratch.visited, scratch.visited + shape.rows);
    this.#queryWeights = new QueryWeights(shape.metric, params, shape.metric === 'dot' ? 1 : this.unit);
    this.#stepScale = this.#prepareSteps();
    this.set({
      kind: kindOf(shape.metric),
      stride,
      rows: shape.rows,
      ...sections,
      m: numbers.m,
      entry: numbers.entry,
      maxLevel: numbers.maxLevel,
      nodes: options.nodes,
      weights: scratch.weights,
      queryCodes: scratch.queryCodes,
      pool: scratch.pool,
      hop: scratch.hop,
      visited: scratch.visited,
      epoch: 0,
    });
  }

  set(fields: Partial<Record<keyof typeof stateOffsets, number>>): void {
    for (const [name, value] of Object.entries(fields)) {
      this.arena.u32[(INDEX_STATE_OFFSET + stateOffsets[name as keyof typeof stateOffsets]) / 4] = value;
    }
  }

  get(field: keyof typeof stateOffsets): number {
    return this.arena.u32[(INDEX_STATE_OFFSET + stateOffsets[field]) / 4]!;
  }

  setNumber(field: keyof typeof stateNumberOffsets, value: number): void {
    this.arena.f64[(INDEX_STATE_OFFSET + stateNumberOffsets[field]) / 8] = value;
  }

  walk(request: WalkRequest): Hits {
    const { rows } = this.shape;
    if (this.get('entry') === NO_ROW) {
      return { rows: new Uint32Array(0), distances: new Float32Array(0), visited: 0 };
    }
    const ef = Math.min(request.ef, rows, limits.walkCandidates);
    const limit = Math.min(request.limit, ef);
    assertInternal(ef > 0 && limit > 0, `a walk of ${request.ef} candidates for ${request.limit} rows`);
    const allowed = this.#putAllowed(request.allowed);
    const constants = this.#putQuery(request.query);
    const count = this.arena.exports.walkGraph(ef, limit, allowed);
    return this.#hits(count, constants);
  }

  scan(request: ScanRequest): Hits {
    const limit = Math.min(request.limit, this.shape.rows, limits.indexHits);
    assertInternal(limit > 0, `a scan for ${request.limit} rows`);
    const allowed = this.#putAllowed(request.allowed);
    const constants = this.#putQuery(request.query);
    const count = this.arena.exports.scanCodes(limit, allowed);
    return this.#hits(count, constants);
  }

  /** L1 weighs codes by their steps, whatever the query. */
  #prepareSteps(): number {
    if (kindOf(this.shape.metric) !== KERNEL_L1) return 1;
    const { weights, scale } = stepWeights(this.params, this.unit);
    this.#weights.set(weights);
    this.setNumber('scale', scale);
    return scale;
  }

  #putQuery(query: Float32Array): QueryConstants {
    const { metric, dimension } = this.shape;
    assertInternal(query.length === dimension, `a query of ${query.length} numbers, not ${dimension}`);
    const constants = this.#prepare(query, metric);
    this.setNumber('base', constants.base);
    this.setNumber('scale', constants.scale);
    this.setNumber('termFactor', constants.termFactor);
    return constants;
  }

  #prepare(query: Float32Array, metric: Metric): QueryConstants {
    const { params, unit } = this;
    if (metric === 'dot') return this.#queryWeights.dot(query, this.#weights);
    if (metric !== 'manhattan') return this.#queryWeights.l2(query, this.#weights);
    const at = this.#scratch.queryCodes;
    this.set({ queryCodes: at });
    const codes = this.arena.u8.subarray(at, at + query.length);
    return prepareL1(query, params, unit, this.#stepScale, codes);
  }

  #putAllowed(allowed: Uint8Array | undefined): number {
    if (allowed === undefined) return 0;
    const bytes = Math.ceil(this.shape.rows / 8);
    assertInternal(
      allowed.length >= bytes,
      `a bitmap of ${allowed.length} bytes for ${this.shape.rows} rows`,
    );
    this.arena.u8.set(allowed.subarray(0, bytes), this.#scratch.allowed);
    return this.#scratch.allowed;
  }

  /** Keys are (row, sortable distance): the bits are turned back in place and read as f32. */
  #hits(count: number, { unit, offset }: QueryConstants): Hits {
    const { u32, f32 } = this.arena;
    const rows = new Uint32Array(count);
    const distances = new Float32Array(count);
    for (let i = 0, at = this.#scratch.pool / 4; i < count; i++, at += 2) {
      rows[i] = u32[at]!;
      const key = u32[at + 1]!;
      u32[at + 1] = (key & 0x80000000) === 0 ? ~key : key ^ 0x80000000;
      distances[i] = f32[at + 1]! * unit + offset;
    }
    return { rows, distances, visited: this.get('measured') };
  }
}

/** Kind of the code kernels: cosine is L2 of vectors of length 1. */
export function kindOf(metric: Metric): number {
  return metric === 'cosine' ? KERNEL_L2 : kernelMetric(metric);
}
