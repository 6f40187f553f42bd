/**
 * How a collection wants the vectors of its segments coded, in the one form in which a head has it: a coding of which nothing is
 * said but what is so by default is its name.
 */
import { isKeptByRotation } from '../kernel/index.js';
import type { Metric } from '../kernel/index.js';

export type QuantizationType = 'sq8' | 'none' | 'rabitq' | 'pq';

/** So many bits of a dimension. */
export interface RabitqQuantization {
  readonly type: 'rabitq';
  readonly bits: number;
}

/** A row in about so many times fewer bytes than its numbers have. */
export interface PqQuantization {
  readonly type: 'pq';
  readonly compression: number;
}

export type Quantization = QuantizationType | RabitqQuantization | PqQuantization;

/** As it may be said: a coding of which nothing can be said has a name alone. */
export type QuantizationInput = Quantization | { readonly type: 'rabitq' | 'pq' };

/** What may be said of a coding beside its name. */
interface Parameter {
  readonly name: string;
  readonly allowed: readonly number[];
  readonly byDefault: number;
}

const TYPES: readonly QuantizationType[] = ['sq8', 'none', 'rabitq', 'pq'];
const RABITQ_BITS: Parameter = { name: 'bits', allowed: [1, 2, 4], byDefault: 1 };
const PQ_COMPRESSION: Parameter = { name: 'compression', allowed: [8, 16, 32], byDefault: 16 };
const PARAMETERS: Readonly<Partial<Record<QuantizationType, Parameter>>> = {
  rabitq: RABITQ_BITS,
  pq: PQ_COMPRESSION,
};

/** What may be set, in words. */
export const QUANTIZATION_FORMS: string = [
  ...TYPES,
  ...Object.entries(PARAMETERS).map(
    ([type, { name, allowed }]) => `{type: ${type}, ${name}: ${allowed.join(' | ')}}`,
  ),
].join(', ');

/** Undefined where it is none. */
export function tryQuantization(value: unknown): Quantization | undefined {
  if (typeof value === 'string') return TYPES.find((type) => type === value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { type: named, ...said } = value as Readonly<Record<string, unknown>>;
  const type = TYPES.find((name) => name === named);
  const parameter = type && PARAMETERS[type];
  const names = Object.keys(said);
  if (type === undefined || parameter === undefined) return undefined;
  if (names.length === 0) return type;
  if (names.length > 1 || names[0] !== parameter.name) return undefined;
  const number = said[parameter.name] as number;
  if (!parameter.allowed.includes(number)) return undefined;
  return number === parameter.byDefault
    ? type
    : ({ type, [parameter.name]: number } as unknown as Quantization);
}

export function quantizationType(quantization: Quantization): QuantizationType {
  return typeof quantization === 'string' ? quantization : quantization.type;
}

/**
 * What it comes to: itself, but for rabitq under a metric that no rotation keeps. Before there were codes that could be asked for, and
 * segments of such a collection have always been sq8.
 */
export function quantizationInEffect(quantization: Quantization, metric: Metric): Quantization {
  return quantizationType(quantization) === 'rabitq' && !isKeptByRotation(metric) ? 'sq8' : quantization;
}

/** Bits of a dimension under rabitq. */
export function rabitqBits(quantization: Quantization): number {
  return typeof quantization === 'object' && quantization.type === 'rabitq'
    ? quantization.bits
    : RABITQ_BITS.byDefault;
}

/** Compression under pq. */
export function pqCompression(quantization: Quantization): number {
  return typeof quantization === 'object' && quantization.type === 'pq'
    ? quantization.compression
    : PQ_COMPRESSION.byDefault;
}
