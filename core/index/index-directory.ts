/**
 * What the sections of an index are said to be, held against its shape before anybody looks at their bytes: the words come from
 * a bucket and are hostile.
 */
import { corrupt } from '../base/errors.js';
import { limits } from '../base/limits.js';
import { isKeptByRotation } from '../kernel/index.js';
import { LEAVES_MOST } from './codes/index.js';
import { SECTION_ALIGNMENT, codeSizes, codingNumbers, pqCompressions, sectionBytes } from './layout/index.js';
import type {
  CodeParams,
  CodeSizes,
  Coding,
  IndexNumbers,
  IndexSection,
  IndexSectionKind,
  IndexShape,
} from './layout/index.js';

/** Of rabitq: f32 holds it, and 1 by it. */
const UNIT_LEAST: number = 2 ** -126;
const UNIT_MOST: number = 2 ** 126;

const ofProjection: readonly IndexSectionKind[] = [
  'projection',
  'projectedParams',
  'projectedCodes',
  'projectedTerms',
];

export interface DirectoryOptions {
  readonly shape: IndexShape;
  readonly sections: readonly IndexSection[];
  readonly numbers: Readonly<Record<string, number>>;
  /** The first row of each leaf: they ascend from 0 to less than there are rows. */
  readonly leafStarts: Uint32Array;
  /** Bytes of the resident region, sections of others included. */
  readonly regionBytes: number;
  /** Where the region begins in the object: offsets in errors count from there. */
  readonly regionOffset?: number;
  /** Key of the object, for errors. */
  readonly key: string;
}

export class IndexDirectory {
  readonly shape: IndexShape;
  readonly coding: Coding;
  /** Of rows and parameters. */
  readonly code: CodeSizes;
  /** Rabitq: what rows are divided by. 1 of other codings. */
  readonly unit: number;
  readonly leafStarts: Uint32Array;
  /** Neighbours of a node; 0 without a graph. */
  readonly m: number;
  /** Dimensions that the graph is walked on; 0: all, or there is none. */
  readonly outputs: number;
  /** Sq8: the codes hold the values themselves. */
  readonly exact: boolean;
  readonly #options: DirectoryOptions;

  /** Throws `corrupt` where a number is not what the shape allows. */
  constructor(options: DirectoryOptions) {
    const { shape, sections, numbers } = options;
    this.#options = options;
    this.shape = shape;
    this.coding = this.#coding();
    this.code = codeSizes(this.coding, shape);
    this.leafStarts = options.leafStarts;
    this.unit = this.coding.kind === 'rabitq' ? this.#unit() : 1;
    const graph = sections.some(({ kind }) => kind === 'graph0');
    this.m = graph ? this.number('m', 2, limits.graphDegree) : 0;
    // Older files say nothing of outputs. Whatever does speak of a projection asks for all of it.
    const projected =
      (numbers['outputs'] ?? 0) !== 0 || sections.some(({ kind }) => ofProjection.includes(kind));
    this.outputs = projected && graph ? this.number('outputs', 4, shape.dimension) : 0;
    if (this.outputs % 4 !== 0) throw this.corrupt(0, 'outputs in multiples of 4', String(this.outputs));
    const isSq8 = this.coding.kind === 'sq8';
    if (this.outputs > 0 && !isSq8) throw this.corrupt(0, 'a projection of sq8 codes', this.coding.kind);
    // Older files say nothing of it. Codes of a cosine are of rows brought to length 1.
    const exactMost = isSq8 && shape.metric !== 'cosine' ? 1 : 0;
    this.exact = numbers['exact'] !== undefined && this.number('exact', 0, exactMost) === 1;
  }

  corrupt(offset: number, expected: string, found: string): Error {
    const { key, regionOffset = 0 } = this.#options;
    return corrupt({ key, offset: regionOffset + offset, expected, found });
  }

  /** What the rows are coded by. Throws `corrupt`. */
  params(): IndexSection {
    const { shape, leafStarts } = this;
    const counts = { sq8: shape.dimension, f32: 0, rabitq: leafStarts.length, pq: shape.dimension + 1 };
    return this.section('params', counts[this.coding.kind]);
  }

  number(name: keyof IndexNumbers, least: number, most: number): number {
    const value = this.#options.numbers[name];
    if (value === undefined || !Number.isInteger(value) || value < least || value > most)
      throw this.corrupt(0, `${name} from ${least} to ${most}`, String(value));
    return value;
  }

  /** The one section of a kind, within the region, of exactly the bytes that its count asks for. Throws `corrupt`. */
  section(kind: IndexSectionKind, count: number | undefined): IndexSection {
    const { sections, shape, regionBytes } = this.#options;
    const found = sections.filter((section) => section.kind === kind);
    const section = found[0];
    if (section === undefined || found.length !== 1)
      throw this.corrupt(0, `one section ${kind}`, `${found.length}`);
    const { offset, length } = section;
    if (
      !Number.isInteger(offset) ||
      offset < 0 ||
      offset % SECTION_ALIGNMENT !== 0 ||
      !Number.isInteger(length) ||
      length < 0 ||
      offset + length > regionBytes
    )
      throw this.corrupt(0, `section ${kind} within ${regionBytes} bytes`, `${length} bytes at ${offset}`);
    const most = count ?? shape.rows * limits.graphLevels;
    if (!Number.isInteger(section.count) || section.count < (count ?? 0) || section.count > most)
      throw this.corrupt(offset, `${most} entries in section ${kind}`, `${section.count}`);
    const { code, m, outputs } = this;
    const sizes = { dimension: shape.dimension, code, m, outputs };
    const bytes = sectionBytes(kind, section.count, sizes);
    if (length !== bytes) throw this.corrupt(offset, `${bytes} bytes in section ${kind}`, `${length}`);
    return section;
  }

  /** Older files say nothing of it. */
  #coding(): Coding {
    const { numbers, leafStarts, shape } = this.#options;
    if (numbers['coding'] !== undefined) this.number('coding', 0, codingNumbers.pq);
    const coding = codingOf(numbers);
    if (numbers['coding'] === codingNumbers.pq && coding.kind !== 'pq')
      throw this.corrupt(0, `compression ${pqCompressions.join(', ')}`, `${numbers['compression']}`);
    if (coding.kind !== 'rabitq') return coding;
    const bits = this.number('bits', 1, 4);
    if (bits === 3) throw this.corrupt(0, 'codes of 1, 2 or 4 bits', '3');
    if (!isKeptByRotation(shape.metric))
      throw this.corrupt(0, 'a metric that a rotation keeps', shape.metric);
    const leaves = leafStarts.length;
    if (leaves === 0 || leaves > LEAVES_MOST)
      throw this.corrupt(0, `1 to ${LEAVES_MOST} leaves`, `${leaves}`);
    const bad = leafStarts.findIndex((start, i) =>
      i === 0 ? start !== 0 : start <= leafStarts[i - 1]! || start >= shape.rows,
    );
    if (bad >= 0) throw this.corrupt(0, `the start of a leaf of ${shape.rows} rows`, `${leafStarts[bad]}`);
    return coding;
  }

  #unit(): number {
    const unit = this.#options.numbers['unit'];
    if (unit === undefined || !(unit >= UNIT_LEAST && unit <= UNIT_MOST))
      throw this.corrupt(0, `unit from ${UNIT_LEAST} to ${UNIT_MOST}`, String(unit));
    return unit;
  }
}

/** Whether an index of these numbers is coded so. */
export function isCodedAs(numbers: Readonly<Record<string, number>>, coding: Coding): boolean {
  const own = codingOf(numbers);
  if (own.kind === 'pq' && coding.kind === 'pq') return own.compression === coding.compression;
  return own.kind === 'rabitq' && coding.kind === 'rabitq'
    ? own.bits === coding.bits
    : own.kind === coding.kind;
}

/** The same as far as it can be told of numbers that nobody has checked: of what no index can be, sq8. */
export function codingOf(numbers: Readonly<Record<string, number>>): Coding {
  const {
    coding,
    bits = 0,
    compression = 0,
  } = numbers as Readonly<Partial<Record<'coding' | 'bits' | 'compression', number>>>;
  if (coding === codingNumbers.pq && pqCompressions.includes(compression)) return { kind: 'pq', compression };
  if (coding === codingNumbers.rabitq) return { kind: 'rabitq', bits };
  return coding === codingNumbers.f32 ? { kind: 'f32' } : { kind: 'sq8' };
}

/** The ranges in the numbers of a section: views of these. Throws `corrupt`. */
export function readParams(
  directory: IndexDirectory,
  { offset, count: dimension }: IndexSection,
  numbers: Float32Array,
): CodeParams {
  const lo = numbers.subarray(0, dimension);
  const step = numbers.subarray(dimension, 2 * dimension);
  const badLow = lo.findIndex((value) => !Number.isFinite(value));
  if (badLow >= 0) throw directory.corrupt(offset + badLow * 4, 'a finite number', `${lo[badLow]}`);
  const badStep = step.findIndex((value) => !(value >= 0 && Number.isFinite(value)));
  if (badStep >= 0)
    throw directory.corrupt(offset + (dimension + badStep) * 4, 'a finite step >= 0', `${step[badStep]}`);
  return { lo, step };
}

/** Requires: the factors at the end of a section `projection`. Throws `corrupt`. */
export function mustBeFactors(
  directory: IndexDirectory,
  { offset, length }: IndexSection,
  factors: Float32Array,
): void {
  const bad = factors.findIndex((factor) => !Number.isFinite(factor));
  if (bad < 0) return;
  const at = offset + length - 4 * (factors.length - bad);
  throw directory.corrupt(at, 'a finite factor', `${factors[bad]}`);
}
