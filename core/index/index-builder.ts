/**
 * Builds an index in an arena: codes as the rows arrive, then the graph, row by row in the order that the caller wants.
 *
 * A graph is built on sq8 codes, whatever the coding of what searches compare: of another coding both lie here, and only that one
 * goes into the file.
 *
 * Upper levels get more room than they use, so what lies behind graphLevels lies elsewhere in the file: `sections`
 * answers the bytes of each.
 */
import { alignUp } from '../base/bytes.js';
import { assertInternal } from '../base/errors.js';
import { limits } from '../base/limits.js';
import { randomSource } from '../base/random-source.js';
import { PAYLOAD_OFFSET, lendToNobody } from '../kernel/index.js';
import type { Arena, ArenaPool } from '../kernel/index.js';
import { layOutBuilder, storedSizes } from './builder-layout.js';
import type { BuilderLayout, BuilderSize, GraphOptions } from './builder-layout.js';
import { CodeTable, inverseLengths, makeRowTables } from './codes/index.js';
import {
  adoptUnmet,
  copyLevels,
  copyLists,
  drawLevels,
  fitLevels,
  insertNodes,
  layOutLevels,
  linkFresh,
  linkerBytes,
  linkerScratchBytes,
} from './graph/index.js';
import type { GraphSource, InsertedNodes, LinkedRows } from './graph/index.js';
import {
  KernelState,
  NO_ROW,
  SECTION_ALIGNMENT,
  acquireBytes,
  codeStride,
  forkStates,
  sectionBytes,
} from './layout/index.js';
import type { CodeParams, IndexNumbers, IndexSectionKind, PlacedLeaves, RowCoder } from './layout/index.js';
import {
  IndexMemory,
  type Hits,
  type ProjectedAt,
  type ScanRequest,
  type WalkRequest,
} from './index-memory.js';
import { openCoder, plannedNumbers } from './row-coders.js';
import { projectedParams, putProjection } from './projection/index.js';

export interface BuilderOptions extends BuilderSize {
  readonly params: CodeParams;
}

export interface BuiltSection {
  readonly kind: IndexSectionKind;
  /** A view of the arena: good until the next call of the builder. */
  readonly bytes: Uint8Array;
  readonly count: number;
}

export class IndexBuilder {
  readonly #pool: ArenaPool;
  readonly #options: BuilderOptions;
  readonly #layout: BuilderLayout;
  /** As the graph is built. */
  readonly #memory: IndexMemory;
  /** As it will be searched. */
  readonly #searched: IndexMemory;
  /** Undefined: by the codes that the graph is built on. */
  readonly #coder: RowCoder | undefined;
  #arena: Arena | undefined;
  /** Undefined until the first insertion: a copied graph brings levels of its own. */
  #levels: Uint32Array | undefined;

  /** Payload bytes of the arena that a builder takes. */
  static bytesNeeded(size: BuilderSize): number {
    return layOutBuilder(size).end - PAYLOAD_OFFSET;
  }

  /** Throws `memory_budget_exceeded`. */
  constructor(pool: ArenaPool, options: BuilderOptions) {
    const { shape, graph, params } = options;
    const { dimension, metric, rows } = shape;
    assertInternal(rows > 0, 'an index of no rows');
    assertInternal(
      params.lo.length === dimension && params.step.length === dimension,
      `ranges of ${params.lo.length} dimensions, not ${dimension}`,
    );
    if (graph !== undefined) mustGraphOptions(graph);
    this.#pool = pool;
    this.#options = options;
    this.#layout = layOutBuilder(options);
    const layout = this.#layout;
    const { scratch, codes, terms, graph0, levels, graphN, links0, linksN } = layout;
    this.#arena = acquireBytes(pool, layout.end - PAYLOAD_OFFSET);
    const { u8, f32 } = this.#arena;
    assertInternal(scratch.codes.kind === 'sq8', 'a graph is built on sq8 codes');
    u8.fill(0, layout.params, scratch.codes.table.query);
    f32.set(params.lo, layout.params / 4);
    f32.set(params.step, layout.params / 4 + dimension);
    const state = new KernelState(this.#arena);
    const full = new CodeTable(this.#arena, state, {
      dimension,
      metric,
      params,
      codes,
      terms,
      ...scratch.codes.table,
    });
    const memory = {
      shape,
      graph: { graph0, graphN, levels },
      scratch,
      numbers: {
        ...{ m: graph?.m ?? 0, entry: NO_ROW, maxLevel: 0 },
        ...{ outputs: options.projection?.outputs ?? 0, exact: Number(params.exact === true) },
      },
      nodes: 0,
    };
    const coder = layout.coder === undefined ? undefined : openCoder(this.#arena, state, shape, layout.coder);
    this.#coder = coder;
    this.#memory = new IndexMemory(this.#arena, state, {
      ...memory,
      full,
      projected: this.#putProjection(this.#arena, full),
    });
    this.#searched =
      coder === undefined
        ? this.#memory
        : new IndexMemory(this.#arena, state, { ...memory, full: coder.table, projected: undefined });
    state.set({ links0, linksN, efBuild: Math.min(graph?.efConstruction ?? 0, rows) });
    const { projected } = this.#memory;
    full.useForRows(makeRowTables(this.#arena, full, layout.rowTables));
    if (projected !== undefined)
      projected.table.useForRows(makeRowTables(this.#arena, projected.table, layout.projected!.rowTables));
  }

  /** The leaves of rows that are encoded next, whole ones, in the order of the file. Of all rows, before these are searched. */
  placeLeaves(leaves: PlacedLeaves): void {
    this.#mustArena();
    this.#coder?.placeLeaves?.(leaves);
  }

  /** Rows in their final order, in pieces of any size. For cosine they are brought to length 1 here. */
  encode(firstRow: number, rows: Float32Array): void {
    const { dimension, metric, rows: rowCount } = this.#options.shape;
    const count = rows.length / dimension;
    assertInternal(
      Number.isInteger(count) && firstRow >= 0 && firstRow + count <= rowCount,
      `${rows.length} numbers of dimension ${dimension} at row ${firstRow} of ${rowCount}`,
    );
    const { exports, f32 } = this.#mustArena();
    const { input, inputBytes } = this.#layout;
    const { full, projected } = this.#memory;
    const perRound = Math.floor(inputBytes / ((dimension + 1) * 4));
    const scalesAt = input + perRound * dimension * 4;
    for (let at = 0; at < count; at += perRound) {
      const chunk = rows.subarray(at * dimension, (at + perRound) * dimension);
      const chunkRows = chunk.length / dimension;
      f32.set(chunk, input / 4);
      if (metric === 'cosine') f32.set(inverseLengths(chunk, dimension), scalesAt / 4);
      const scales = metric === 'cosine' ? scalesAt : 0;
      full.select();
      exports.encodeRows(input, chunkRows, dimension, scales, firstRow + at);
      this.#coder?.encode({ first: firstRow + at, count: chunkRows, at: input, scales });
      if (projected === undefined) continue;
      exports.projectRows(firstRow + at, chunkRows, input);
      projected.table.select();
      exports.encodeRows(input, chunkRows, projected.table.dimension, 0, firstRow + at);
    }
  }

  /** Rows as the codes that the graph is built on have them, one behind the other; for cosine of about length 1. */
  decode(firstRow: number, count: number): Float32Array {
    const { dimension, lo, step } = { ...this.#options.shape, ...this.#options.params };
    const { u8 } = this.#mustArena();
    const stride = codeStride(dimension);
    const rows = new Float32Array(count * dimension);
    for (let row = 0, to = 0; row < count; row++) {
      const from = this.#layout.codes + (firstRow + row) * stride;
      for (let d = 0; d < dimension; d++) rows[to++] = lo[d]! + u8[from + d]! * step[d]!;
    }
    return rows;
  }

  /** Inserts rows into the graph, in this order. Requires: they are encoded, and none is in the graph. */
  insert(rows: Uint32Array): void {
    this.#mustLevels();
    this.#memory.walked.select();
    const { exports, u32 } = this.#mustArena();
    const { input, inputBytes } = this.#layout;
    for (const row of rows) assertInternal(row < this.#options.shape.rows, `row ${row} is none of the index`);
    for (let at = 0; at < rows.length; at += inputBytes / 4) {
      const chunk = rows.subarray(at, at + inputBytes / 4);
      u32.set(chunk, input / 4);
      exports.insertRows(input, chunk.length);
    }
  }

  /**
   * Makes the graph of many rows at once, which takes a fraction of the time that inserting them takes. Yields between
   * turns of a few milliseconds. Requires: they are encoded, in any order that is not that of their likeness, and the
   * graph is empty.
   */
  *link(rows: Uint32Array): Generator<void> {
    this.#mustGraph();
    assertInternal(this.#memory.state.get('entry') === NO_ROW, 'rows are linked before anything is inserted');
    const levels = this.#mustLevels();
    const levelOf = new Map<number, number>();
    for (let at = 0; at + 3 < levels.length; at += 2)
      levelOf.set(levels[at]!, levels[at + 3]! - levels[at + 1]!);
    const first = rows.filter((row, i) => i === 0 || levelOf.has(row));
    const isFresh = new Uint8Array(this.#options.shape.rows);
    for (const row of rows) isFresh[row] = 1;
    for (const row of first) isFresh[row] = 0;
    const { state } = this.#memory;
    const nodes: InsertedNodes = {
      rows: first,
      levelOf: (row) => levelOf.get(row) ?? 0,
      top: () => ({ entry: state.get('entry'), maxLevel: state.get('maxLevel') }),
    };
    yield* this.#linkTogether(nodes, { rows: rows.toSorted(), isFresh });
  }

  /** By all threads. Requires: the rows that are not fresh are the nodes. */
  *#linkTogether(nodes: InsertedNodes, rows: LinkedRows): Generator<void> {
    const { m, efConstruction, seed } = this.#mustGraph();
    const { threads, shape } = this.#options;
    const { input, scratchBlock, forks } = this.#layout;
    const arena = this.#mustArena();
    const at = alignUp(input + linkerBytes(m), SECTION_ALIGNMENT);
    const scratch = { at, bytes: linkerScratchBytes(shape.dimension) };
    this.#memory.walked.select();
    const fork = (): void => forkStates(arena, scratchBlock, forks, threads?.count ?? 0);
    fork();
    const lent = threads?.lend(arena, scratch) ?? lendToNobody(arena, scratch);
    const next = randomSource(seed);
    const draw = (limit: number): number => next() % limit;
    try {
      const memory = { arena, lent, shared: input, m, draw };
      yield* insertNodes(memory, nodes);
      // With the entry point as it is now.
      fork();
      yield* linkFresh(memory, rows, efConstruction);
    } finally {
      // Where another thread still writes there, nobody else may.
      if (!lent.takeBack()) this.#arena = undefined;
    }
  }

  /** Lets walks meet every row. Yields as `link` does. Requires: every row is in the graph. */
  *connect(): Generator<void> {
    const { m } = this.#mustGraph();
    this.#memory.walked.select();
    yield* adoptUnmet({
      arena: this.#mustArena(),
      graph0: this.#layout.graph0 / 4,
      pool: this.#layout.scratch.pool / 4,
      m,
      rows: this.#options.shape.rows,
      entry: this.#memory.state.get('entry'),
    });
  }

  /**
   * Takes a graph over: `newRowOf` has for each row of the source its row here, or 0xffffffff where it is gone. Rows
   * that lost neighbours are linked anew through the neighbours of the lost. Requires: the rows that stay are encoded,
   * nothing was inserted, and the source has the same m.
   */
  copyGraph(source: GraphSource, newRowOf: Uint32Array): void {
    const graph = this.#mustGraph();
    assertInternal(this.#levels === undefined, 'a graph is copied before anything is inserted');
    assertInternal(
      source.numbers.m === graph.m,
      `a graph of m ${source.numbers.m} is no graph of m ${graph.m}`,
    );
    this.#memory.walked.select();
    const levels = drawLevels(this.#options.shape.rows, graph.m, graph.seed);
    copyLevels(source, newRowOf, levels);
    this.#putLevels(levels);
    const { graph0, graphN, input } = this.#layout;
    const entry = copyLists(source, newRowOf, {
      arena: this.#mustArena(),
      graph0: graph0 / 4,
      graphN: graphN / 4,
      levels: this.#levels!,
      candidates: input / 4,
      m: graph.m,
    });
    this.#memory.state.set(entry);
  }

  /** As the graph is walked while it is built. */
  walkBuilt(request: WalkRequest): Hits {
    return this.#memory.walk(request);
  }

  /** Of the codes that it is built on. */
  scanBuilt(request: ScanRequest): Hits {
    return this.#memory.scan(request);
  }

  /** As the index will be walked. */
  walk(request: WalkRequest): Hits {
    return this.#searched.walk(request);
  }

  /** How much farther than the `NEAR`-th nearest the last of `ef` candidates is; 0 where walks cannot be bounded by that. */
  spread(query: Float32Array, ef: number): number {
    if (!this.#searched.bounded) return 0;
    this.#searched.walk({ query, ef, limit: 1 });
    return this.#searched.spread;
  }

  scan(request: ScanRequest): Hits {
    return this.#searched.scan(request);
  }

  /** In the order in which they are to lie. */
  sections(): BuiltSection[] {
    const { shape, graph } = this.#options;
    const { u8 } = this.#mustArena();
    const sizes = storedSizes(this.#options);
    const section = (kind: IndexSectionKind, at: number, count: number): BuiltSection => ({
      kind,
      bytes: u8.subarray(at, at + sectionBytes(kind, count, sizes)),
      count,
    });
    const { graph0, levels, graphN, projected, coder } = this.#layout;
    const { params, codes, terms } = coder?.place.at ?? this.#layout;
    const flat = [
      section('params', params, coder?.place.paramCount ?? shape.dimension),
      section('codes', codes, shape.rows),
      section('terms', terms, shape.rows),
    ];
    if (graph === undefined) return flat;
    const words = this.#mustLevels();
    const walked = [
      section('graph0', graph0, shape.rows),
      section('graphLevels', levels, words.length / 2 - 1),
      section('graphN', graphN, words.at(-1)!),
    ];
    // Only sq8 codes are walked on fewer dimensions.
    if (projected === undefined || coder !== undefined) return [...flat, ...walked];
    return [
      ...flat,
      ...walked,
      section('projection', projected.projection, sizes.outputs),
      section('projectedParams', projected.params, sizes.outputs),
      section('projectedCodes', projected.codes, shape.rows),
      section('projectedTerms', projected.terms, shape.rows),
    ];
  }

  numbers(): IndexNumbers {
    const { graph, projection, params, code } = this.#options;
    const coded =
      code === undefined
        ? { outputs: projection?.outputs ?? 0, exact: Number(params.exact === true) }
        : { outputs: 0, exact: 0, ...plannedNumbers(code) };
    if (graph === undefined) return { m: 0, entry: 0, maxLevel: 0, ...coded, outputs: 0 };
    const entry = this.#memory.state.get('entry');
    assertInternal(entry !== NO_ROW, 'the graph is empty');
    const maxLevel = this.#memory.state.get('maxLevel');
    return { m: graph.m, entry, maxLevel, ...coded };
  }

  /** The graph so far, as another builder may copy it. */
  graph(): GraphSource {
    const [, , , graph0, graphLevels, graphN] = this.sections().map(
      ({ bytes }) => new Uint32Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength / 4),
    );
    return { numbers: this.numbers(), graph0: graph0!, graphLevels: graphLevels!, graphN: graphN! };
  }

  /** Gives the arena back. Nothing may be called afterwards but `release`. */
  release(): void {
    if (this.#arena === undefined) return;
    this.#pool.release(this.#arena);
    this.#arena = undefined;
  }

  #putProjection(arena: Arena, full: CodeTable): ProjectedAt | undefined {
    const { projection, params, shape } = this.#options;
    const at = this.#layout.projected;
    if (projection === undefined || at === undefined) return undefined;
    assertInternal(
      projection.directions.length === projection.outputs * shape.dimension,
      'a projection of other rows',
    );
    putProjection(arena, at.projection, projection, params);
    const ranges = projectedParams(projection, params);
    arena.f32.set(ranges.lo, at.params / 4);
    arena.f32.set(ranges.step, at.params / 4 + projection.outputs);
    return { full, params: ranges, codes: at.codes, terms: at.terms, projection: at.projection };
  }

  #putLevels(levels: Uint8Array): void {
    fitLevels(levels, this.#layout.upperLists);
    this.#levels = layOutLevels(levels);
    this.#mustArena().u32.set(this.#levels, this.#layout.levels / 4);
    this.#memory.state.set({ nodes: this.#levels.length / 2 - 1 });
  }

  #mustLevels(): Uint32Array {
    const { m, seed } = this.#mustGraph();
    if (this.#levels === undefined) this.#putLevels(drawLevels(this.#options.shape.rows, m, seed));
    return this.#levels!;
  }

  #mustGraph(): GraphOptions {
    const { graph } = this.#options;
    assertInternal(graph !== undefined, 'a flat index has no graph');
    return graph;
  }

  #mustArena(): Arena {
    assertInternal(this.#arena !== undefined, 'an index builder was used after its release');
    return this.#arena;
  }
}

function mustGraphOptions({ m, efConstruction }: GraphOptions): void {
  assertInternal(
    Number.isInteger(m) && m >= 2 && m <= limits.graphDegree,
    `m is ${m}, it must be from 2 to ${limits.graphDegree}`,
  );
  assertInternal(
    Number.isInteger(efConstruction) && efConstruction >= 1 && efConstruction <= limits.walkCandidates,
    `efConstruction is ${efConstruction}, it must be from 1 to ${limits.walkCandidates}`,
  );
}
