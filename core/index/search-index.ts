/**
 * Searches an index that somebody copied into an arena as it lies in the segment file. The bytes come from a bucket
 * and are hostile: whatever the kernels follow is checked here once, before the first search.
 */
import { limits } from '../base/limits.js';
import { PAYLOAD_OFFSET, type Arena } from '../kernel/index.js';
import { IndexDirectory, mustBeFactors, readParams } from './index-directory.js';
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
import { Layout, NO_ROW, SECTION_ALIGNMENT } from './layout/index.js';
import type { CodeParams, IndexSection, IndexShape } from './layout/index.js';
import type { GraphSource } from './graph/index.js';

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
   * Bytes that searches need behind the resident region. `outputs`: of the projection, as the index's numbers say. `threads`: that
   * search beside the caller's own.
   */
  static scratchBytes(shape: IndexShape, outputs: number, threads = 0): number {
    const layout = new Layout(0);
    for (let thread = 0; thread <= threads; thread++) layOutScratch(layout, shape, { efBuild: 0, outputs });
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

  get params(): CodeParams {
    return this.#memory.full.params;
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
    const { rows, dimension } = shape;
    const directory = this.#directory;
    const { outputs, exact } = directory;
    const layout = new Layout(PAYLOAD_OFFSET + regionBytes);
    for (let thread = 0; thread < this.#thread; thread++)
      layOutScratch(layout, shape, { efBuild: 0, outputs });
    const scratch = layOutScratch(layout, shape, { efBuild: 0, outputs });
    if (layout.end > this.#arena.u8.length)
      throw directory.corrupt(
        0,
        `a region that fits the memory of ${this.#arena.u8.length} bytes`,
        `${regionBytes}`,
      );
    const ranges = directory.section('params', dimension);
    const params = { ...this.#params(ranges), exact };
    const codes = directory.section('codes', rows).offset + PAYLOAD_OFFSET;
    const terms = directory.section('terms', rows).offset + PAYLOAD_OFFSET;
    const graph = directory.m === 0 ? undefined : this.#graph();
    const memory = new IndexMemory(this.#arena, {
      shape,
      codes: { params, codes, terms },
      projected: outputs === 0 ? undefined : this.#projected(),
      scratch,
      graph: {
        graph0: graph?.graph0.byteOffset ?? 0,
        graphN: graph?.graphN.byteOffset ?? 0,
        levels: graph?.graphLevels.byteOffset ?? 0,
      },
      numbers: graph?.numbers ?? { m: 0, entry: NO_ROW, maxLevel: 0, outputs: 0, exact: Number(exact) },
      nodes: graph === undefined ? 0 : graph.graphLevels.length / 2 - 1,
      exactLows: exact ? PAYLOAD_OFFSET + ranges.offset : undefined,
    });
    return make(memory, graph);
  }

  /** Copies: reading the parameters of a query needs no view of the arena then. */
  #params(section: IndexSection): CodeParams {
    return readParams(this.#directory, section, this.#floats(section).slice());
  }

  #floats({ offset, length }: IndexSection): Float32Array {
    const at = (PAYLOAD_OFFSET + offset) / 4;
    return this.#arena.f32.subarray(at, at + length / 4);
  }

  #projected(): ProjectedAt {
    const { rows } = this.#options.shape;
    const directory = this.#directory;
    const { outputs } = directory;
    const projection = directory.section('projection', outputs);
    mustBeFactors(directory, projection, this.#floats(projection).subarray(-outputs));
    return {
      params: this.#params(directory.section('projectedParams', outputs)),
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
      numbers: { m, entry, maxLevel, outputs, exact: Number(directory.exact) },
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
