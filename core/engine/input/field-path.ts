/**
 * Names of metadata fields, as dotted paths, outside of filters. They mean what they mean there (docs/FILTERS.md).
 */
import { utf8Length } from '../../base/bytes.js';
import { invalid, overLimit } from '../../base/errors.js';
import { limits } from '../../base/limits.js';
import { kindOf } from './input-shape.js';

/** Throws `invalid`. `where` names what the path belongs to. */
export function mustBeFieldPath(value: unknown, where: string): string {
  if (typeof value !== 'string' || value === '') {
    const found = typeof value === 'string' ? 'an empty text' : kindOf(value);
    throw invalid('invalid_request', `${where} must be the name of a field, got ${found}`, { field: where });
  }
  // A UTF-16 unit takes at least one byte: a long text is refused before it is walked.
  const bytes = value.length > limits.fieldNameBytes ? value.length : utf8Length(value);
  if (bytes > limits.fieldNameBytes) throw overLimit('fieldNameBytes', bytes, limits.fieldNameBytes, where);
  return value;
}
