/**
 * The fields that records are put in order by (`order_by`), and that they are counted by (`facets`).
 */
import { invalid, overLimit } from '../../base/errors.js';
import { limits } from '../../base/limits.js';
import { mustBeFieldPath } from './field-path.js';
import { mustBeBatch, mustBeObject, mustHaveOnly, optionalInteger } from './input-shape.js';

export interface OrderField {
  readonly field: string;
  readonly descending: boolean;
}

export interface Facet {
  readonly field: string;
  /** How many values are wanted. */
  readonly limit: number;
}

/** Undefined where there is none. Throws `invalid`. */
export function parseOrderBy(value: unknown): readonly OrderField[] | undefined {
  if (value === undefined) return undefined;
  const fields = mustBeBatch(value, 'order_by', { name: 'orderFields', max: limits.orderFields });
  return fields.map((given, i): OrderField => {
    const where = `order_by[${i}]`;
    const entry = mustBeObject(given, where);
    mustHaveOnly(entry, ['field', 'direction'], where);
    const direction = entry['direction'] ?? 'asc';
    if (direction !== 'asc' && direction !== 'desc') {
      throw invalid('invalid_request', `${where}.direction must be asc or desc`, { field: 'direction' });
    }
    return { field: mustBeFieldPath(entry['field'], `${where}.field`), descending: direction === 'desc' };
  });
}

/** Undefined where there are none. Throws `invalid`. */
export function parseFacets(value: unknown): readonly Facet[] | undefined {
  if (value === undefined) return undefined;
  const entries = Object.entries(mustBeObject(value, 'facets'));
  if (entries.length === 0) throw invalid('empty_batch', 'facets is empty', { what: 'facets' });
  if (entries.length > limits.facetFields) {
    throw overLimit('facetFields', entries.length, limits.facetFields, 'facets');
  }
  return entries.map(([name, wanted]): Facet => {
    const field = mustBeFieldPath(name, 'a facet');
    const range = { name: 'facetLimit', min: 1, max: limits.facetLimit, fallback: 0 };
    if (wanted === undefined) {
      const message = `facets: ${JSON.stringify(field.slice(0, 80))} has no limit`;
      throw invalid('invalid_request', message, { field: field.slice(0, 80) });
    }
    return { field, limit: optionalInteger(wanted, range) };
  });
}
