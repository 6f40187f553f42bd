/**
 * The sections of an index, and how they lie in memory: as in the segment file, little-endian, each at a multiple of
 * 64 bytes.
 *
 * ```
 * params       of sq8: f32 lo[dimension], f32 step[dimension]; value ~ lo + step x code
 *              of rabitq: f32 centroid[leaves][dimension rounded up to 64], rotated, in units
 *              of pq: f32 centroids[dimension][16] by places, u32 dimension of each place, f32 middle[dimension]; f32 unit,
 *              and zeros for the rest of one dimension more. value ~ middle + unit x centroid
 * codes        of sq8: u8[rows][stride], stride = dimension rounded up to 16; the padding is 0
 *              of f32: f32[rows][dimension rounded up to 4]; the padding is 0
 *              of rabitq: rows x { bits of the codes, f32 add, f32 rescale } (wasm/rabitq.ts)
 *              of pq: u8[rows][stride], two sub-vectors a byte, the first in the lower half; the padding is 0 (coding.ts)
 * terms        of sq8: f32[rows]: squared distance of the decoded row from the middle of the ranges (code 128), or for dot its
 *              product with the middle, less the middle's own; in squares of the widest step. 0 for manhattan
 *              of f32: for cosine f32[rows]: 1 by the length of the row
 * graph0       rows x { u32 count, u32 row[2m] }
 * graphLevels  (nodes + 1) x { u32 row, u32 first list }, ascending by row; the last: { 0, number of lists }
 * graphN       lists x { u32 count, u32 node[m] }; node n has its list of level l >= 1 at its first list + l - 1
 *
 * projection       i8 weights[outputs][stride], f32 factor[outputs]; output = factor x sum of weight x (code - 128)
 * projectedParams  as params of sq8, of the outputs of each row
 * projectedCodes   as codes of sq8
 * projectedTerms   as terms of sq8
 * ```
 *
 * A flat index has the first three, as its coding has them (coding.ts). With the last four, which come together or not at all, the graph is walked on the projected
 * codes, and what it finds is measured by the codes, which are sq8 then.
 */
import { alignUp } from '../../base/bytes.js';
import { codeStride } from './coding.js';
import type { CodeSizes } from './coding.js';
import type { Metric } from '../../kernel/index.js';

export const indexSectionKinds = [
  'params',
  'codes',
  'terms',
  'graph0',
  'graphN',
  'graphLevels',
  'projection',
  'projectedParams',
  'projectedCodes',
  'projectedTerms',
] as const;

export type IndexSectionKind = (typeof indexSectionKinds)[number];

export interface IndexShape {
  readonly dimension: number;
  readonly metric: Metric;
  readonly rows: number;
}

export interface IndexSection {
  readonly kind: IndexSectionKind;
  /** From the start of the resident region. */
  readonly offset: number;
  readonly length: number;
  /** Dimensions of params (f32: 0; rabitq: leaves; pq: one more), rows of codes, terms and graph0, nodes of graphLevels, lists of graphN, outputs of projection. */
  readonly count: number;
}

/** What an index needs to be searched beside its sections. A flat index: all 0. */
export interface IndexNumbers {
  readonly m: number;
  /** Row where walks start. */
  readonly entry: number;
  /** Levels above 0 at the entry. */
  readonly maxLevel: number;
  /** Dimensions that the graph is walked on; 0: all. */
  readonly outputs: number;
  /** 1: the codes hold the values themselves (`CodeParams`). */
  readonly exact: number;
  /** `codingNumbers`; absent: sq8. */
  readonly coding?: number;
  /** Pq: one of `pqCompressions`. */
  readonly compression?: number;
  /** Rabitq: of a dimension. */
  readonly bits?: number;
  /** Rabitq: what rows are divided by, so that numbers of any size stay in f32. */
  readonly unit?: number;
}

/** The ranges of SQ8: value ~ lo + step x code. */
export interface CodeParams {
  readonly lo: Float32Array;
  readonly step: Float32Array;
  /** True: lo + step x code is the value itself. Absent: near it. */
  readonly exact?: boolean;
}

export const SECTION_ALIGNMENT = 64;

export interface SectionSizes {
  readonly dimension: number;
  readonly code: CodeSizes;
  /** Neighbours of a node. */
  readonly m: number;
  /** Of the projection; 0 without one. */
  readonly outputs: number;
}

/** Bytes of a section of `count` entries. */
export function sectionBytes(
  kind: IndexSectionKind,
  count: number,
  { dimension, code, m, outputs }: SectionSizes,
): number {
  const bytes: Readonly<Record<IndexSectionKind, number>> = {
    params: count * code.paramBytes,
    codes: count * code.stride,
    terms: count * code.termBytes,
    graph0: count * (2 * m + 1) * 4,
    graphLevels: (count + 1) * 8,
    graphN: count * (m + 1) * 4,
    projection: count * (codeStride(dimension) + 4),
    projectedParams: count * 8,
    projectedCodes: count * codeStride(outputs),
    projectedTerms: count * 4,
  };
  return bytes[kind];
}

/** Hands out consecutive pieces of memory, each aligned as sections are. */
export class Layout {
  #end: number;

  constructor(start: number) {
    this.#end = alignUp(start, SECTION_ALIGNMENT);
  }

  take(bytes: number): number {
    const at = this.#end;
    this.#end = alignUp(at + bytes, SECTION_ALIGNMENT);
    return at;
  }

  get end(): number {
    return this.#end;
  }
}
