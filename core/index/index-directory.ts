/**
 * What the sections of an index are said to be, held against its shape before anybody looks at their bytes: the words come from
 * a bucket and are hostile.
 */
import { corrupt } from '../base/errors.js';
import { limits } from '../base/limits.js';
import {
  SECTION_ALIGNMENT,
  codeSizes,
  codingNumbers,
  numbersOf,
  paramCount,
  pqCompressions,
  sectionBytes,
} from './layout/index.js';
import type {
  CodeParams,
  CodeSizes,
  Coding,
  IndexNumbers,
  IndexSection,
  IndexSectionKind,
  IndexShape,
} from './layout/index.js';

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
    return this.section('params', paramCount(this.coding, this.shape.dimension));
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

  #coding(): Coding {
    const { numbers } = this.#options;
    // Older files say nothing of it.
    if (numbers['coding'] === undefined) return { kind: 'sq8' };
    const coding = codingOf(numbers);
    const { coding: number } = numbersOf(coding);
    if (numbers['coding'] !== number)
      throw this.corrupt(
        0,
        'a coding that is known, with what is said of it',
        `coding ${numbers['coding']}, compression ${numbers['compression']}`,
      );
    return coding;
  }
}

/** Whether an index of these numbers is coded so. */
export function isCodedAs(numbers: Readonly<Record<string, number>>, coding: Coding): boolean {
  const own = numbersOf(codingOf(numbers));
  const other = numbersOf(coding);
  return own.coding === other.coding && own.compression === other.compression;
}

/** The coding as far as it can be told of numbers that nobody has checked: of what no index can be, sq8. */
export function codingOf(numbers: Readonly<Record<string, number>>): Coding {
  const { coding, compression } = numbers as { readonly coding?: number; readonly compression?: number };
  if (coding === codingNumbers.f32) return { kind: 'f32' };
  const isPq = coding === codingNumbers.pq && compression !== undefined;
  return isPq && pqCompressions.includes(compression) ? { kind: 'pq', compression } : { kind: 'sq8' };
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
