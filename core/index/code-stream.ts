/**
 * Scans an index that is not in memory: its rows pass through in runs, in any order, and the best of all are kept. What it
 * finds is what a scan of the whole would (`SearchIndex.scan`), to the bit.
 *
 * ```
 * payload: params | projection | tables' scratch | pool | hop lists | allowed | room for the runs
 * ```
 */
import { assertInternal } from '../base/errors.js';
import { limits } from '../base/limits.js';
import { PAYLOAD_OFFSET, type Arena } from '../kernel/index.js';
import { BestRows } from './best-rows.js';
import { layOutCodes, openTable } from './coded-rows.js';
import type { CodeScratch } from './coded-rows.js';
import { CodeTable, layOutTable } from './codes/index.js';
import type { TableScratch } from './codes/index.js';
import { mustBeFactors, readParams } from './index-directory.js';
import type { IndexDirectory } from './index-directory.js';
import type { Hits } from './index-memory.js';
import { HOP_BYTES, KernelState, Layout, NO_ROW, codeStride } from './layout/index.js';
import type { QueryConstants, RowTable } from './layout/index.js';
import { Projector, layOutProjector } from './projection/index.js';
import type { ProjectorScratch } from './projection/index.js';

/** Rows of one run at most: as many as a read of codes of 16 dimensions holds. */
const RUN_ROWS: number = limits.segmentChunkBytes / 16;

/** The small sections of an index, as they lie in the file. */
export interface StreamedSections {
  readonly params: Uint8Array;
  /** Where rows are compared by fewer dimensions first. */
  readonly projected?: { readonly projection: Uint8Array; readonly params: Uint8Array } | undefined;
}

export interface StreamedQuery {
  readonly query: Float32Array;
  /** Rows that are kept in one pass at most. */
  readonly most: number;
}

/** Rows one after another whose codes and terms lie in the arena. */
export interface StreamedRows {
  readonly first: number;
  readonly rows: number;
  /** Addresses: of codes a multiple of 4, as is that of terms. */
  readonly codes: number;
  readonly terms: number;
}

interface Scratch {
  readonly params: number;
  readonly projection: number;
  readonly codes: CodeScratch;
  readonly projected: { readonly table: TableScratch; readonly projector: ProjectorScratch } | undefined;
  readonly pool: number;
  readonly hop: number;
  readonly allowed: number;
  readonly end: number;
}

function layOut(directory: IndexDirectory, most: number, coarse: boolean): Scratch {
  const { shape, outputs, coding, leafStarts } = directory;
  const { dimension } = shape;
  const layout = new Layout(PAYLOAD_OFFSET);
  const placed = {
    // What a decoded row reads behind the ranges is of no meaning, but has to be there.
    params: layout.take(directory.params().length + 64),
    projection: layout.take(coarse ? outputs * (codeStride(dimension) + 4) : 0),
    codes: layOutCodes(layout, coding, { dimension, rows: RUN_ROWS, leaves: leafStarts.length }),
    projected: coarse
      ? { table: layOutTable(layout, outputs), projector: layOutProjector(layout, dimension) }
      : undefined,
    pool: layout.take((most + 1) * 8),
    hop: layout.take(HOP_BYTES),
    allowed: layout.take(RUN_ROWS / 8),
  };
  return { ...placed, end: layout.end };
}

/** A table, and what it knows of the query. */
interface Prepared {
  readonly table: RowTable;
  readonly constants: QueryConstants;
}

export class CodeStream {
  /** Rows of one run at most. */
  static readonly runRows: number = RUN_ROWS;

  /** Address from which on the arena is free for runs. */
  readonly roomAt: number;
  readonly #arena: Arena;
  readonly #directory: IndexDirectory;
  readonly #state: KernelState;
  readonly #scratch: Scratch;
  readonly #full: Prepared;
  readonly #projected: Prepared | undefined;
  #best: BestRows;
  #visited = 0;
  /** By which rows are compared now. */
  #table: RowTable;
  #exactly = false;

  /** Payload bytes before the room for runs. `coarse`: rows are compared by fewer dimensions first. */
  static fixedBytes(directory: IndexDirectory, most: number, coarse: boolean): number {
    return layOut(directory, most, coarse).end - PAYLOAD_OFFSET;
  }

  /** Requires: the arena is this stream's alone, with room behind the fixed bytes. Throws `corrupt`. */
  constructor(
    arena: Arena,
    directory: IndexDirectory,
    sections: StreamedSections,
    { query, most }: StreamedQuery,
  ) {
    const { projected } = sections;
    const scratch = layOut(directory, most, projected !== undefined);
    this.roomAt = scratch.end;
    this.#arena = arena;
    this.#directory = directory;
    this.#state = new KernelState(arena);
    this.#scratch = scratch;
    this.#best = new BestRows(0);
    const { pool, hop } = scratch;
    const unused = { graph0: 0, graphN: 0, levels: 0, m: 0, entry: NO_ROW, maxLevel: 0, nodes: 0 };
    this.#state.set({ ...unused, rows: 0, pool, hop, visited: 0, epoch: 0 });
    arena.u8.set(sections.params, scratch.params);
    const at = { params: scratch.params, ...NOWHERE, rows: 0 };
    const full = openTable(arena, this.#state, directory, at, scratch.codes);
    const coarse =
      projected === undefined || !(full instanceof CodeTable) ? undefined : this.#projection(full, projected);
    full.select();
    full.prepare(query);
    this.#full = { table: full, constants: full.constants() };
    this.#table = full;
    this.#projected = coarse === undefined ? undefined : prepareProjected(coarse);
  }

  /** From now on rows are compared by fewer dimensions, and `most` of them kept. Requires: the sections of a projection. */
  beginCoarse(most: number): void {
    assertInternal(this.#projected !== undefined, 'no projection to compare rows by');
    this.#begin(this.#projected, most, false);
  }

  /** From now on rows are compared by all dimensions, and `most` of them kept. */
  beginFull(most: number): void {
    this.#begin(this.#full, most, this.#full.table.exact);
  }

  /** Compares those of the rows that are set in `allowed` (absent: all), whose first bit is that of the first. */
  scan(run: StreamedRows, allowed: Uint8Array | undefined): void {
    assertInternal(run.rows <= RUN_ROWS, () => `a run of ${run.rows} rows`);
    const state = this.#state;
    state.put('rows', run.rows);
    state.put('codes', run.codes);
    state.put('terms', run.terms);
    this.#table.beginRows(run.first, run.rows);
    if (allowed !== undefined)
      this.#arena.u8.set(allowed.subarray(0, Math.ceil(run.rows / 8)), this.#scratch.allowed);
    const found = this.#arena.exports.scanCodes(
      this.#best.most,
      allowed === undefined ? 0 : this.#scratch.allowed,
    );
    this.#visited += state.get('measured');
    this.#keep(run.first, found);
  }

  /** Of the rows compared since the last beginning; `visited` of all. */
  hits(): Hits {
    const { rows, distances } = this.#best.list();
    const { unit, offset } = this.#full.table.scale;
    const exact = this.#exactly;
    const scaled = exact ? distances : distances.map((distance) => distance * unit + offset);
    return { rows, distances: scaled, exact, share: 1, visited: this.#visited };
  }

  #begin({ table, constants }: Prepared, most: number, exactly: boolean): void {
    table.select();
    table.putConstants(constants);
    this.#table = table;
    this.#best = new BestRows(most);
    this.#exactly = exactly;
  }

  #keep(first: number, found: number): void {
    const { u32, f32 } = this.#arena;
    const at = this.#scratch.pool / 4;
    const count = this.#best.nearerOf(u32.subarray(at, at + 2 * found), first);
    const keys = u32.slice(at, at + 2 * count);
    if (this.#exactly) this.#full.table.measureExactly(count);
    else distancesOfKeys(u32.subarray(at, at + 2 * count));
    this.#best.add(keys, first, f32.subarray(at, at + 2 * count));
  }

  #projection(full: CodeTable, sections: NonNullable<StreamedSections['projected']>): Coarse {
    const directory = this.#directory;
    const { outputs } = directory;
    const { projection, projected } = this.#scratch;
    const { f32, u8 } = this.#arena;
    u8.set(sections.projection, projection);
    const end = (projection + sections.projection.length) / 4;
    const section = directory.section('projection', outputs);
    mustBeFactors(directory, section, f32.subarray(end - outputs, end));
    const ranges = directory.section('projectedParams', outputs);
    const params = readParams(directory, ranges, floatsOf(sections.params));
    const scratch = projected!;
    const options = {
      dimension: outputs,
      metric: 'euclidean',
      params,
      ...NOWHERE,
      ...scratch.table,
    } as const;
    return {
      table: new CodeTable(this.#arena, this.#state, options),
      projector: new Projector(this.#arena, this.#state, {
        full,
        outputs,
        projection,
        scratch: scratch.projector,
      }),
    };
  }
}

/** Each run says where its codes are. */
const NOWHERE = { codes: 0, terms: 0 } as const;

interface Coarse {
  readonly table: CodeTable;
  readonly projector: Projector;
}

/** Requires: the query was prepared by the full table, which is selected. */
function prepareProjected({ table, projector }: Coarse): Prepared {
  projector.project(table.queryAt);
  table.select();
  table.prepareHere();
  return { table, constants: table.constants() };
}

function floatsOf(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice().buffer);
}

/** Of keys (row, sortable distance): the sortable forms become bits of f32 in place. */
function distancesOfKeys(keys: Uint32Array): void {
  for (let i = 1; i < keys.length; i += 2) {
    const key = keys[i]!;
    keys[i] = (key & 0x80000000) === 0 ? ~key : key ^ 0x80000000;
  }
}
