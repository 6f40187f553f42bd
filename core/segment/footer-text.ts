/** What a footer says as JSON: whose the segment is, its vector fields, and numbers that have names. */
import { isUid } from '../base/ids.js';
import { limits } from '../base/limits.js';
import { utf8Length } from '../base/bytes.js';

export interface SegmentField {
  readonly name: string;
  readonly dimension: number;
  readonly metric: string;
}

export interface FooterText {
  /** Of the collection, for people and for checks of a whole store: readers know the segment by its key. */
  readonly uid: string;
  readonly fields: readonly SegmentField[];
  readonly numbers: Readonly<Record<string, number>>;
}

/** Throws where `value` is none. */
export function mustBeFooterText(value: unknown): FooterText {
  const { uid, fields, numbers } = mustBeObject(value);
  if (typeof uid !== 'string' || !isUid(uid)) throw new TypeError('no uid');
  if (!Array.isArray(fields) || fields.length === 0 || fields.length > limits.fields)
    throw new TypeError('no fields');
  const pairs = Object.entries(mustBeObject(numbers)).map(([name, number]): [string, number] => {
    if (typeof number !== 'number') throw new TypeError('not a number');
    return [name, number];
  });
  return { uid, fields: fields.map(mustBeField), numbers: Object.fromEntries(pairs) };
}

function mustBeField(value: unknown): SegmentField {
  const { name, dimension, metric } = mustBeObject(value);
  if (typeof name !== 'string' || utf8Length(name) > limits.fieldNameBytes) throw new TypeError('no name');
  if (typeof dimension !== 'number' || !Number.isInteger(dimension)) throw new TypeError('no dimension');
  if (dimension < 1 || dimension > limits.dimension) throw new TypeError('no dimension');
  if (typeof metric !== 'string') throw new TypeError('no metric');
  return { name, dimension, metric };
}

function mustBeObject(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('no object');
  return value as Readonly<Record<string, unknown>>;
}
