/**
 * What of a record a caller wants to see (`include`).
 */
import { invalid, overLimit } from '../../base/errors.js';
import { limits } from '../../base/limits.js';
import { kindOf, mustBeArray } from './input-shape.js';

export interface Projection {
  readonly vector: boolean;
  readonly expiresAt: boolean;
  /** `all`, or the paths asked for, as lists of keys. */
  readonly metadata: 'all' | readonly (readonly string[])[];
}

/** `vector`, `metadata`, `expires_at`, or `metadata.path.to.field`. Throws `invalid`. */
export function parseInclude(value: unknown, fallback: readonly string[]): Projection {
  const names = value === undefined ? fallback : mustBeArray(value, 'include');
  if (names.length > limits.includeNames) {
    throw overLimit('includeNames', names.length, limits.includeNames, 'include');
  }
  const paths: string[][] = [];
  for (const name of names) {
    if (name === 'vector' || name === 'metadata' || name === 'expires_at') continue;
    if (typeof name !== 'string' || !name.startsWith('metadata.') || name.length === 'metadata.'.length) {
      const shown = typeof name === 'string' ? JSON.stringify(name.slice(0, 80)) : kindOf(name);
      throw invalid(
        'invalid_request',
        `include takes vector, metadata, expires_at or metadata.FIELD, got ${shown}`,
        { field: 'include' },
      );
    }
    paths.push(name.slice('metadata.'.length).split('.'));
  }
  return {
    vector: names.includes('vector'),
    expiresAt: names.includes('expires_at'),
    metadata: names.includes('metadata') ? 'all' : paths,
  };
}
