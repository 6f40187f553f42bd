/**
 * Searches an index that somebody copied into an arena as it lies in the segment file. The bytes come from a bucket
 * and are hostile: whatever the kernels follow is checked here once, before the first search.
 */
import { limits } from '../base/limits.js';
import { PAYLOAD_OFFSET, type Arena } from '../kernel/index.js';
import { openTable } from './coded-rows.js';
import { CodeTable } from './codes/index.js';
import { IndexDirectory, codingOf, mustBeFactors, readParams } from './index-directory.js';
import type { DirectoryOptions } from './index-directory.js';
import {
  IndexMemory,
  layOutScratch,
  type FilteredWalk,
  type FilteredWalkRequest,
  type Hits,
  type ProjectedAt,
  type ScanRequest,
  type WalkRequest,
} from './index-memory.js';
import { KernelState, Layout, NO_ROW, SECTION_ALIGNMENT, codingNumbers } from './layout/index.js';
import type { IndexNumbers, IndexSection, IndexShape } from './layout/index.js';
import type { GraphSource } from './graph/index.js';

/** What tells how much memory searches of an index take. */
export type SizedIndex = Pick<DirectoryOptions, 'shape' | 'numbers' | 'leafStarts'>;

export class SearchIndex {
  readonly hasGraph: boolean;
  readonly #memory: IndexMemory;
  readonly #graph: GraphSource | undefined;

  private constructor(memory: IndexMemory, graph: GraphSource | undefined) {
    this.#memory = memory;
    this.#graph = graph;
    this.hasGraph = graph !== undefined;
  }

  /**
   * Bytes that searches need behind the resident region, as far as the index's numbers make sense. `threads`: that search beside the
   * caller's own.
   */
  static scratchBytes({ shape, numbers, leafStarts }: SizedIndex, threads = 0): number {
    const layout = new Layout(0);
    const { outputs = 0 } = numbers as { readonly outputs?: number };
    const sound = Number.isInteger(outputs) && outputs > 0 && outputs <= shape.dimension;
    const scratch = {
      coding: codingOf(numbers),
      efBuild: 0,
      outputs: sound ? outputs : 0,
      leaves: leafStarts.length,
    };
    for (let thread = 0; thread <= threads; thread++) layOutScratch(layout, shape, scratch);
    return layout.end + SECTION_ALIGNMENT;
  }

  /**
   * Throws `corrupt` where a section, a number or a neighbour is not what the shape allows. `thread`: which of those that search
   * this memory has this arena of it, 0 for the one that attached it first, and has checked what the kernels follow.
   */
  static attach(arena: Arena, options: DirectoryOptions, thread = 0): SearchIndex {
    return new Attachment(arena, options, thread).attach((memory, graph) => new SearchIndex(memory, graph));
  }

  get shape(): IndexShape {
    return this.#memory.shape;
  }

  /** The graph, for a builder that copies it. */
  graph(): GraphSource | undefined {
    return this.#graph;
  }

  /** The best `limit` allowed rows among the `ef` candidates of a walk. Requires: `hasGraph`. */
  walk(request: WalkRequest): Hits {
    return this.#memory.walk(request);
  }

  /** The same of candidates that are all allowed, unless another way is better. */
  walkAllowed(request: FilteredWalkRequest): FilteredWalk {
    return this.#memory.walkAllowed(request);
  }

  /** The best `limit` of all allowed rows. */
  scan(request: ScanRequest): Hits {
    return this.#memory.scan(request);
  }
}

class Attachment {
  readonly #arena: Arena;
  readonly #options: DirectoryOptions;
  readonly #directory: IndexDirectory;
  readonly #thread: number;

  constructor(arena: Arena, options: DirectoryOptions, thread: number) {
    this.#arena = arena;
    this.#options = options;
    this.#thread = thread;
    this.#directory = new IndexDirectory(options);
  }

  attach(make: (memory: IndexMemory, graph: GraphSource | undefined) => SearchIndex): SearchIndex {
    const { shape, regionBytes } = this.#options;
    const { rows } = shape;
    const directory = this.#directory;
    const { coding, outputs, leafStarts } = directory;
    const layout = new Layout(PAYLOAD_OFFSET + regionBytes);
    const leaves = leafStarts.length;
    const sized = { coding, efBuild: 0, outputs, leaves };
    for (let thread = 0; thread < this.#thread; thread++) layOutScratch(layout, shape, sized);
    const scratch = layOutScratch(layout, shape, sized);
    if (layout.end > this.#arena.u8.length)
      throw directory.corrupt(
        0,
        `a region that fits the memory of ${this.#arena.u8.length} bytes`,
        `${regionBytes}`,
      );
    const at = {
      params: directory.params().offset + PAYLOAD_OFFSET,
      codes: directory.section('codes', rows).offset + PAYLOAD_OFFSET,
      terms: directory.section('terms', rows).offset + PAYLOAD_OFFSET,
      rows,
    };
    const state = new KernelState(this.#arena);
    const full = openTable(this.#arena, state, directory, at, scratch.codes);
    const graph = directory.m === 0 ? undefined : this.#graph();
    const memory = new IndexMemory(this.#arena, state, {
      shape,
      full,
      projected: full instanceof CodeTable && outputs > 0 ? this.#projected(full) : undefined,
      scratch,
      graph: {
        graph0: graph?.graph0.byteOffset ?? 0,
        graphN: graph?.graphN.byteOffset ?? 0,
        levels: graph?.graphLevels.byteOffset ?? 0,
      },
      numbers: graph?.numbers ?? { ...this.#numbers(), m: 0, entry: NO_ROW, maxLevel: 0, outputs: 0 },
      nodes: graph === undefined ? 0 : graph.graphLevels.length / 2 - 1,
    });
    return make(memory, graph);
  }

  #numbers(): Pick<IndexNumbers, 'exact' | 'coding'> {
    const { coding, exact } = this.#directory;
    return { exact: Number(exact), coding: codingNumbers[coding.kind] };
  }

  #floats({ offset, length }: IndexSection): Float32Array {
    const at = (PAYLOAD_OFFSET + offset) / 4;
    return this.#arena.f32.subarray(at, at + length / 4);
  }

  #projected(full: CodeTable): ProjectedAt {
    const { rows } = this.#options.shape;
    const directory = this.#directory;
    const { outputs } = directory;
    const projection = directory.section('projection', outputs);
    mustBeFactors(directory, projection, this.#floats(projection).subarray(-outputs));
    const ranges = directory.section('projectedParams', outputs);
    return {
      full,
      // A copy: it is read with no view of the arena.
      params: readParams(directory, ranges, this.#floats(ranges).slice()),
      projection: PAYLOAD_OFFSET + projection.offset,
      codes: PAYLOAD_OFFSET + directory.section('projectedCodes', rows).offset,
      terms: PAYLOAD_OFFSET + directory.section('projectedTerms', rows).offset,
    };
  }

  #words({ offset, length }: IndexSection): Uint32Array {
    const at = (PAYLOAD_OFFSET + offset) / 4;
    return this.#arena.u32.subarray(at, at + length / 4);
  }

  #mustPass(wrong: number, section: IndexSection, expected: string): void {
    if (wrong < 0) return;
    throw this.#directory.corrupt(section.offset + wrong * 4, expected, `${this.#words(section)[wrong]}`);
  }

  #graph(): GraphSource {
    const { rows } = this.#options.shape;
    const { exports } = this.#arena;
    const directory = this.#directory;
    const { m, outputs } = directory;
    const level0 = directory.section('graph0', rows);
    const levels = directory.section('graphLevels', undefined);
    const upper = directory.section('graphN', undefined);
    const graph0 = this.#words(level0);
    const graphLevels = this.#words(levels);
    const graphN = this.#words(upper);
    const nodes = levels.count;
    if (this.#thread === 0) {
      const word = `a count of at most the room, or a known neighbour`;
      this.#mustPass(exports.checkGraph(graph0.byteOffset, rows, 2 * m), level0, word);
      this.#mustPass(
        exports.checkLevels(graphLevels.byteOffset, nodes, rows, upper.count, limits.graphLevels),
        levels,
        `ascending rows below ${rows}, and the lists of 1 to ${limits.graphLevels} levels each`,
      );
      this.#mustPass(exports.checkUpper(graphN.byteOffset, graphLevels.byteOffset, nodes, m), upper, word);
    }
    const entry = directory.number('entry', 0, rows - 1);
    const maxLevel = directory.number('maxLevel', 0, limits.graphLevels);
    const height = heightOf(graphLevels, entry);
    if (height !== maxLevel)
      throw directory.corrupt(levels.offset, `an entry point of ${maxLevel} levels`, `${height}`);
    return {
      numbers: { ...this.#numbers(), m, entry, maxLevel, outputs },
      graph0,
      graphN,
      graphLevels,
    };
  }
}

/** Levels above 0 of a row. */
function heightOf(graphLevels: Uint32Array, row: number): number {
  for (let at = 0; at + 3 < graphLevels.length; at += 2) {
    if (graphLevels[at] === row) return graphLevels[at + 3]! - graphLevels[at + 1]!;
  }
  return 0;
}
