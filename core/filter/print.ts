/**
 * A filter back in its two spellings. Parsing either gives the tree again, so the printed object is the canonical form:
 * whichever spelling a filter came in, equal trees print the same text.
 */
import type { FieldFilter, Filter, GroupFilter, Scalar } from './ast.js';
import { globAsLike, prefixAsLike } from './pattern.js';
import { reservedWords } from './text-tokens.js';

/** JSON of the object spelling, without spaces, keys in a fixed order. */
export function filterToJson(filter: Filter): string {
  return JSON.stringify(filterToObject(filter));
}

type FilterObject = Readonly<Record<string, unknown>>;

function filterToObject(filter: Filter): FilterObject {
  if ('path' in filter) return fieldObject(filter.path, { [`$${filter.op}`]: operand(filter) });
  if (filter.op === 'all') return {};
  if (filter.op !== 'not') return { [`$${filter.op}`]: filter.filters.map(filterToObject) };
  const { filter: inner } = filter;
  if (inner.op === 'eq') return fieldObject(inner.path, { $ne: inner.value });
  if (inner.op === 'in') return fieldObject(inner.path, { $nin: inner.values });
  if (inner.op === 'exists') return fieldObject(inner.path, { $exists: false });
  return { $not: filterToObject(inner) };
}

/** A computed key makes an own property, of `__proto__` too. */
function fieldObject(path: string, condition: FilterObject): FilterObject {
  return { [path.startsWith('$') || path.startsWith('\\') ? `\\${path}` : path]: condition };
}

function operand(filter: FieldFilter): unknown {
  if ('value' in filter) return filter.value;
  if ('values' in filter) return filter.values;
  if (filter.op === 'exists') return true;
  return filter.op === 'prefix' ? filter.prefix : filter.pattern;
}

const operatorWords = {
  eq: '=',
  gt: '>',
  gte: '>=',
  lt: '<',
  lte: '<=',
  contains: 'CONTAINS',
  in: 'IN',
  contains_any: 'CONTAINS ANY',
  contains_all: 'CONTAINS ALL',
} as const;
const PLAIN_NAME = /^[A-Za-z_]\w*(?:\.\w+)*$/;

/** The text spelling, for people: parentheses only where they are needed. */
export function filterToText(filter: Filter): string {
  if ('path' in filter) return fieldText(filter);
  if (filter.op === 'all') return 'TRUE';
  if (filter.op === 'not') return notText(filter.filter);
  return filter.filters.map((member) => memberText(filter, member)).join(` ${filter.op.toUpperCase()} `);
}

function memberText(group: GroupFilter, member: Filter): string {
  const text = filterToText(member);
  return group.op === 'and' && member.op === 'or' ? `(${text})` : text;
}

function notText(filter: Filter): string {
  if (filter.op === 'eq') return `${nameText(filter.path)} != ${scalarText(filter.value)}`;
  if (filter.op === 'in') return `${nameText(filter.path)} NOT IN ${listText(filter.values)}`;
  const text = filterToText(filter);
  return filter.op === 'and' || filter.op === 'or' ? `NOT (${text})` : `NOT ${text}`;
}

function fieldText(filter: FieldFilter): string {
  const name = nameText(filter.path);
  if (filter.op === 'exists') return `EXISTS ${name}`;
  if (filter.op === 'prefix') return `${name} LIKE ${scalarText(prefixAsLike(filter.prefix))}`;
  if (filter.op === 'glob') return `${name} LIKE ${scalarText(globAsLike(filter.pattern))}`;
  const operandText = 'values' in filter ? listText(filter.values) : scalarText(filter.value);
  return `${name} ${operatorWords[filter.op]} ${operandText}`;
}

function nameText(path: string): string {
  const plain = PLAIN_NAME.test(path) && !reservedWords.includes(path.toUpperCase());
  return plain ? path : `"${path.replaceAll('"', '""')}"`;
}

function listText(values: readonly Scalar[]): string {
  return `(${values.map(scalarText).join(', ')})`;
}

function scalarText(value: Scalar): string {
  return typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value);
}
