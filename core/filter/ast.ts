/**
 * The filter's abstract syntax: one frozen plain value, whichever spelling it came from.
 *
 * There is one node per meaning. What can be said through others has no node of its own: `$ne` is not(eq), `$nin` is
 * not(in), BETWEEN is and(gte, lte), IS NULL is or(eq null, not(exists)), LIKE is a glob. So both spellings meet in the
 * same tree, and an engine has sixteen cases to know.
 *
 * Invariants, kept by the constructors below: no `and` directly within `and`, nor `or` within `or`; both have at least
 * two members; no `not` directly within `not`; a glob is in the normal form of pattern.ts and is not a mere prefix;
 * numbers are finite and never -0.
 */
import { assertInternal } from '../base/errors.js';

export type Scalar = string | number | boolean | null;

/** `eq` takes any scalar; the order operators take no null. */
export type CompareOp = 'eq' | 'gt' | 'gte' | 'lt' | 'lte';
export type OrderOp = Exclude<CompareOp, 'eq'>;
export type ListOp = 'in' | 'contains_any' | 'contains_all';

/** Every document. */
export interface AllFilter {
  readonly op: 'all';
}

export interface GroupFilter {
  readonly op: 'and' | 'or';
  readonly filters: readonly Filter[];
}

export interface NotFilter {
  readonly op: 'not';
  readonly filter: Filter;
}

export interface ExistsFilter {
  readonly op: 'exists';
  readonly path: string;
}

export interface CompareFilter {
  readonly op: CompareOp;
  readonly path: string;
  readonly value: Scalar;
}

export interface ContainsFilter {
  readonly op: 'contains';
  readonly path: string;
  readonly value: Scalar;
}

export interface ListFilter {
  readonly op: ListOp;
  readonly path: string;
  readonly values: readonly Scalar[];
}

export interface PrefixFilter {
  readonly op: 'prefix';
  readonly path: string;
  readonly prefix: string;
}

export interface GlobFilter {
  readonly op: 'glob';
  readonly path: string;
  readonly pattern: string;
}

/** A filter on one field. */
export type FieldFilter =
  ExistsFilter | CompareFilter | ContainsFilter | ListFilter | PrefixFilter | GlobFilter;

export type Filter = AllFilter | GroupFilter | NotFilter | FieldFilter;

export function all(): Filter {
  return Object.freeze({ op: 'all' });
}

/** Of no filter at all: every document. */
export function and(filters: readonly Filter[]): Filter {
  return filters.length === 0 ? all() : group('and', filters);
}

/** Requires: at least one filter. */
export function or(filters: readonly Filter[]): Filter {
  assertInternal(filters.length > 0, 'an or-filter without members');
  return group('or', filters);
}

function group(op: 'and' | 'or', filters: readonly Filter[]): Filter {
  if (filters.length === 1) return filters[0]!;
  const flat = filters.flatMap((filter) => (filter.op === op ? filter.filters : [filter]));
  return Object.freeze({ op, filters: Object.freeze(flat) });
}

export function not(filter: Filter): Filter {
  return filter.op === 'not' ? filter.filter : Object.freeze({ op: 'not', filter });
}

export function exists(path: string): Filter {
  return Object.freeze({ op: 'exists', path });
}

export function compare(op: CompareOp, path: string, value: Scalar): Filter {
  return Object.freeze({ op, path, value: withoutNegativeZero(value) });
}

export function contains(path: string, value: Scalar): Filter {
  return Object.freeze({ op: 'contains', path, value: withoutNegativeZero(value) });
}

export function list(op: ListOp, path: string, values: readonly Scalar[]): Filter {
  return Object.freeze({ op, path, values: Object.freeze(values.map(withoutNegativeZero)) });
}

export function prefix(path: string, text: string): Filter {
  return Object.freeze({ op: 'prefix', path, prefix: text });
}

/** Requires: a pattern in the normal form of pattern.ts. Parsers call `patternFilter` there instead. */
export function glob(path: string, pattern: string): Filter {
  return Object.freeze({ op: 'glob', path, pattern });
}

/** The field is null, or there is no such field: what SQL means where a column has no value. */
export function isNull(path: string): Filter {
  return or([compare('eq', path, null), not(exists(path))]);
}

/** -0 equals 0 and has no JSON form of its own. */
function withoutNegativeZero(value: Scalar): Scalar {
  return value === 0 ? 0 : value;
}
