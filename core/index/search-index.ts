/**
 * Searches an index that somebody copied into an arena as it lies in the segment file. The bytes come from a bucket
 * and are hostile: whatever the kernels follow is checked here once, before the first search.
 */
import { corrupt } from '../base/errors.js';
import { limits } from '../base/limits.js';
import { PAYLOAD_OFFSET, type Arena } from '../kernel/index.js';
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
import { Layout, NO_ROW, SECTION_ALIGNMENT, sectionBytes } from './layout/index.js';
import type { CodeParams, IndexNumbers, IndexSection, IndexSectionKind, IndexShape } from './layout/index.js';
import type { GraphSource } from './graph/index.js';

const ofProjection: readonly IndexSectionKind[] = [
  'projection',
  'projectedParams',
  'projectedCodes',
  'projectedTerms',
];

export interface AttachOptions {
  readonly shape: IndexShape;
  readonly sections: readonly IndexSection[];
  readonly numbers: Readonly<Record<string, number>>;
  /** Bytes of the resident region, sections of others included. */
  readonly regionBytes: number;
  /** Where the region begins in the object: offsets in errors count from there. */
  readonly regionOffset?: number;
  /** Key of the object, for errors. */
  readonly key: string;
}

export class SearchIndex {
  readonly hasGraph: boolean;
  readonly #memory: IndexMemory;
  readonly #graph: GraphSource | undefined;

  private constructor(memory: IndexMemory, graph: GraphSource | undefined) {
    this.#memory = memory;
    this.#graph = graph;
    this.hasGraph = graph !== undefined;
  }

  /** Bytes that searches need behind the resident region. `outputs`: of the projection, as the index's numbers say. */
  static scratchBytes(shape: IndexShape, outputs: number): number {
    const layout = new Layout(0);
    layOutScratch(layout, shape, { efBuild: 0, outputs });
    return layout.end + SECTION_ALIGNMENT;
  }

  /** Throws `corrupt` where a section, a number or a neighbour is not what the shape allows. */
  static attach(arena: Arena, options: AttachOptions): SearchIndex {
    return new Attachment(arena, options).attach((memory, graph) => new SearchIndex(memory, graph));
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
  readonly #options: AttachOptions;
  readonly #m: number;
  readonly #outputs: number;

  constructor(arena: Arena, options: AttachOptions) {
    this.#arena = arena;
    this.#options = options;
    const graph = options.sections.some(({ kind }) => kind === 'graph0');
    this.#m = graph ? this.#number('m', 2, limits.graphDegree) : 0;
    // Older files say nothing of outputs. Whatever does speak of a projection asks for all of it.
    const projected =
      (options.numbers['outputs'] ?? 0) !== 0 ||
      options.sections.some(({ kind }) => ofProjection.includes(kind));
    this.#outputs = projected && graph ? this.#number('outputs', 4, options.shape.dimension) : 0;
    if (this.#outputs % 4 !== 0) throw this.#corrupt(0, 'outputs in multiples of 4', String(this.#outputs));
  }

  attach(make: (memory: IndexMemory, graph: GraphSource | undefined) => SearchIndex): SearchIndex {
    const { shape, regionBytes } = this.#options;
    const { rows, dimension } = shape;
    const layout = new Layout(PAYLOAD_OFFSET + regionBytes);
    const scratch = layOutScratch(layout, shape, { efBuild: 0, outputs: this.#outputs });
    if (layout.end > this.#arena.u8.length)
      throw this.#corrupt(
        0,
        `a region that fits the memory of ${this.#arena.u8.length} bytes`,
        `${regionBytes}`,
      );
    const ranges = this.#section('params', dimension);
    const exact = this.#exact();
    const params = { ...this.#params(ranges), exact };
    const codes = this.#section('codes', rows).offset + PAYLOAD_OFFSET;
    const terms = this.#section('terms', rows).offset + PAYLOAD_OFFSET;
    const graph = this.#m === 0 ? undefined : this.#graph();
    const memory = new IndexMemory(this.#arena, {
      shape,
      codes: { params, codes, terms },
      projected: this.#outputs === 0 ? undefined : this.#projected(),
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

  /** Older files say nothing of it. Codes of a cosine are of rows brought to length 1. */
  #exact(): boolean {
    const { numbers, shape } = this.#options;
    if (numbers['exact'] === undefined) return false;
    return this.#number('exact', 0, shape.metric === 'cosine' ? 0 : 1) === 1;
  }

  #corrupt(offset: number, expected: string, found: string): Error {
    const { key, regionOffset = 0 } = this.#options;
    return corrupt({ key, offset: regionOffset + offset, expected, found });
  }

  #number(name: keyof IndexNumbers, least: number, most: number): number {
    const value = this.#options.numbers[name];
    if (value === undefined || !Number.isInteger(value) || value < least || value > most)
      throw this.#corrupt(0, `${name} from ${least} to ${most}`, String(value));
    return value;
  }

  /** The one section of a kind, within the region, of exactly the bytes that its count asks for. */
  #section(kind: IndexSectionKind, count: number | undefined): IndexSection {
    const { sections, shape, regionBytes } = this.#options;
    const found = sections.filter((section) => section.kind === kind);
    const section = found[0];
    if (section === undefined || found.length !== 1)
      throw this.#corrupt(0, `one section ${kind}`, `${found.length}`);
    const { offset, length } = section;
    if (
      !Number.isInteger(offset) ||
      offset < 0 ||
      offset % SECTION_ALIGNMENT !== 0 ||
      !Number.isInteger(length) ||
      length < 0 ||
      offset + length > regionBytes
    )
      throw this.#corrupt(0, `section ${kind} within ${regionBytes} bytes`, `${length} bytes at ${offset}`);
    const most = count ?? shape.rows * limits.graphLevels;
    if (!Number.isInteger(section.count) || section.count < (count ?? 0) || section.count > most)
      throw this.#corrupt(offset, `${most} entries in section ${kind}`, `${section.count}`);
    const sizes = { dimension: shape.dimension, m: this.#m, outputs: this.#outputs };
    const bytes = sectionBytes(kind, section.count, sizes);
    if (length !== bytes) throw this.#corrupt(offset, `${bytes} bytes in section ${kind}`, `${length}`);
    return section;
  }

  /** Copies: reading the parameters of a query needs no view of the arena then. */
  #params({ offset, count: dimension }: IndexSection): CodeParams {
    const at = (PAYLOAD_OFFSET + offset) / 4;
    const lo = this.#arena.f32.slice(at, at + dimension);
    const step = this.#arena.f32.slice(at + dimension, at + 2 * dimension);
    const badLow = lo.findIndex((value) => !Number.isFinite(value));
    if (badLow >= 0) throw this.#corrupt(offset + badLow * 4, 'a finite number', `${lo[badLow]}`);
    const badStep = step.findIndex((value) => !(value >= 0 && Number.isFinite(value)));
    if (badStep >= 0)
      throw this.#corrupt(offset + (dimension + badStep) * 4, 'a finite step >= 0', `${step[badStep]}`);
    return { lo, step };
  }

  #projected(): ProjectedAt {
    const { rows } = this.#options.shape;
    const projection = this.#section('projection', this.#outputs);
    const end = PAYLOAD_OFFSET + projection.offset + projection.length;
    const factors = this.#arena.f32.subarray(end / 4 - this.#outputs, end / 4);
    const bad = factors.findIndex((factor) => !Number.isFinite(factor));
    if (bad >= 0)
      throw this.#corrupt(
        projection.offset + projection.length - 4 * (this.#outputs - bad),
        'a finite factor',
        `${factors[bad]}`,
      );
    return {
      params: this.#params(this.#section('projectedParams', this.#outputs)),
      projection: PAYLOAD_OFFSET + projection.offset,
      codes: PAYLOAD_OFFSET + this.#section('projectedCodes', rows).offset,
      terms: PAYLOAD_OFFSET + this.#section('projectedTerms', rows).offset,
    };
  }

  #words({ offset, length }: IndexSection): Uint32Array {
    const at = (PAYLOAD_OFFSET + offset) / 4;
    return this.#arena.u32.subarray(at, at + length / 4);
  }

  #mustPass(wrong: number, section: IndexSection, expected: string): void {
    if (wrong < 0) return;
    throw this.#corrupt(section.offset + wrong * 4, expected, `${this.#words(section)[wrong]}`);
  }

  #graph(): GraphSource {
    const { rows } = this.#options.shape;
    const { exports } = this.#arena;
    const m = this.#m;
    const level0 = this.#section('graph0', rows);
    const levels = this.#section('graphLevels', undefined);
    const upper = this.#section('graphN', undefined);
    const graph0 = this.#words(level0);
    const graphLevels = this.#words(levels);
    const graphN = this.#words(upper);
    const nodes = levels.count;
    const word = `a count of at most the room, or a known neighbour`;
    this.#mustPass(exports.checkGraph(graph0.byteOffset, rows, 2 * m), level0, word);
    this.#mustPass(
      exports.checkLevels(graphLevels.byteOffset, nodes, rows, upper.count, limits.graphLevels),
      levels,
      `ascending rows below ${rows}, and the lists of 1 to ${limits.graphLevels} levels each`,
    );
    this.#mustPass(exports.checkUpper(graphN.byteOffset, graphLevels.byteOffset, nodes, m), upper, word);
    const entry = this.#number('entry', 0, rows - 1);
    const maxLevel = this.#number('maxLevel', 0, limits.graphLevels);
    const height = heightOf(graphLevels, entry);
    if (height !== maxLevel)
      throw this.#corrupt(levels.offset, `an entry point of ${maxLevel} levels`, `${height}`);
    return {
      numbers: { m, entry, maxLevel, outputs: this.#outputs, exact: Number(this.#exact()) },
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
