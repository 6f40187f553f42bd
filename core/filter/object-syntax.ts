/**
 * The object spelling: `{year: {$gte: 2020}, $or: [{topic: 'cs.CL'}, {tags: {$in: ['nlp']}}]}`.
 *
 *   filter = { (name: condition | "$and": [filter+] | "$or": [filter+] | "$not": filter)* }     all of them hold
 *   condition = scalar | { ("$eq": scalar | "$gte": … | "$not": condition)+ }                   all of them hold
 *
 * A name is a dotted path; one that begins with a backslash is taken without it, so that a field `$price` can be named.
 * Recursion goes as deep as `limits.filterDepth` and reads as much as `limits.filterTextBytes`, whatever it is given.
 */
import { nearestName } from '../base/nearest.js';
import { and, compare, contains, exists, list, not, or } from './ast.js';
import type { Filter, ListOp, OrderOp, Scalar } from './ast.js';
import { invalidFilter, shown, typeName, WHOLE_FILTER } from './filter-error.js';
import type { ObjectPlace } from './filter-error.js';
import { patternFilter, prefixFilter, tryParseGlob } from './pattern.js';
import { TextBudget, checkDepth, mustBePath, mustBeWellFormed } from './shape.js';

/** A value in the filter with the place that it stands at. */
interface Located {
  readonly value: unknown;
  readonly at: ObjectPlace;
  readonly depth: number;
}

type FieldOperator = (path: string, operand: Located, budget: TextBudget) => Filter;

const fieldOperators: Readonly<Record<string, FieldOperator>> = {
  $eq: (path, operand, budget) => compare('eq', path, mustBeScalar(operand, budget)),
  $ne: (path, operand, budget) => not(compare('eq', path, mustBeScalar(operand, budget))),
  $gt: order('gt'),
  $gte: order('gte'),
  $lt: order('lt'),
  $lte: order('lte'),
  $in: ofList('in'),
  $nin: (path, operand, budget) => not(list('in', path, mustBeScalars(operand, budget))),
  $exists: (path, operand) => (mustBeBoolean(operand) ? exists(path) : not(exists(path))),
  $contains: (path, operand, budget) => contains(path, mustBeScalar(operand, budget)),
  $contains_any: ofList('contains_any'),
  $contains_all: ofList('contains_all'),
  $prefix: (path, operand, budget) => prefixFilter(path, mustBeString(operand, budget)),
  $glob: (path, operand, budget) => {
    const tokens = tryParseGlob(mustBeString(operand, budget));
    if (tokens === undefined) throw invalidFilter(operand.at, 'the pattern ends in a single backslash');
    return patternFilter(path, tokens);
  },
  $not: (path, operand, budget) =>
    not(parseOperators(path, { ...operand, depth: operand.depth + 1 }, budget)),
};

const groupOperators = ['$and', '$or', '$not'] as const;

/** What users of other databases reach for. */
const foreignOperators: Readonly<Record<string, string>> = {
  $all: '$contains_all',
  $any: '$contains_any',
  $regex: '$glob',
  $like: '$glob',
  $startsWith: '$prefix',
  $starts_with: '$prefix',
  $nor: '$not with $or',
  $between: '$gte with $lte',
};

export function parseObjectFilter(value: unknown): Filter {
  return parseFilterObject({ value, at: WHOLE_FILTER, depth: 1 }, new TextBudget());
}

function parseFilterObject(input: Located, budget: TextBudget): Filter {
  checkDepth(input.depth);
  const parts: Filter[] = [];
  const members = mustBeObject(input);
  for (const key of Object.keys(members)) {
    budget.spendText(key);
    const value = members[key];
    const member = { value, at: { parent: input.at, key }, depth: input.depth };
    if (key.startsWith('$')) parts.push(parseGroup(key, member, budget));
    else {
      const path = key.startsWith('\\') ? key.slice(1) : key;
      parts.push(parseCondition(mustBePath(path, member.at), member, budget));
    }
  }
  return and(parts);
}

function parseGroup(key: string, member: Located, budget: TextBudget): Filter {
  const { value, at, depth } = member;
  if (key === '$not') return not(parseFilterObject({ value, at, depth: depth + 1 }, budget));
  if (key !== '$and' && key !== '$or') throw unknownGroup(key, at);
  if (!Array.isArray(value)) throw invalidFilter(at, `takes an array of filters, got ${typeName(value)}`);
  if (value.length === 0) throw invalidFilter(at, 'takes at least one filter, got an empty array');
  const filters: Filter[] = [];
  for (let index = 0; index < value.length; index++) {
    budget.spend(1);
    filters.push(
      parseFilterObject(
        { value: value[index] as unknown, at: { parent: at, key: index }, depth: depth + 1 },
        budget,
      ),
    );
  }
  return key === '$and' ? and(filters) : or(filters);
}

function parseCondition(path: string, member: Located, budget: TextBudget): Filter {
  const { value, at } = member;
  if (Array.isArray(value)) {
    throw invalidFilter(at, 'a field cannot equal an array: use $in, $contains_any or $contains_all');
  }
  const scalar = typeof value !== 'object' || value === null || value instanceof Date;
  if (!scalar) return parseOperators(path, member, budget);
  budget.spendTest();
  return compare('eq', path, mustBeScalar(member, budget));
}

function parseOperators(path: string, member: Located, budget: TextBudget): Filter {
  checkDepth(member.depth);
  const operators = mustBeObject(member);
  const keys = Object.keys(operators);
  if (keys.length === 0) throw invalidFilter(member.at, 'has no operator, such as $eq or $exists');
  return and(
    keys.map((key) => {
      const value = operators[key];
      budget.spendText(key);
      const at = { parent: member.at, key };
      if (!Object.hasOwn(fieldOperators, key)) throw unknownFieldOperator(path, key, at);
      if (key !== '$not') budget.spendTest();
      return fieldOperators[key]!(path, { value, at, depth: member.depth }, budget);
    }),
  );
}

function order(op: OrderOp): FieldOperator {
  return (path, operand, budget) => {
    const value = mustBeScalar(operand, budget);
    if (value === null) throw invalidFilter(operand.at, 'null has no order: use $eq or $exists');
    return compare(op, path, value);
  };
}

function ofList(op: ListOp): FieldOperator {
  return (path, operand, budget) => list(op, path, mustBeScalars(operand, budget));
}

function mustBeObject(input: Located): Readonly<Record<string, unknown>> {
  const { value, at } = input;
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !isPlain(value)) {
    throw invalidFilter(at, `must be an object, got ${typeName(value)}`);
  }
  return value as Readonly<Record<string, unknown>>;
}

/** An object as JSON or a literal makes it, in whichever realm: its prototype, if any, is the root of all. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function mustBeScalar(input: Located, budget: TextBudget): Scalar {
  const { value, at } = input;
  // Even an empty string costs something: lists of them end.
  budget.spend(1);
  if (typeof value === 'string') {
    budget.spendText(value);
    return mustBeWellFormed(value, at);
  }
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value;
    throw invalidFilter(at, `${value} is no JSON number`);
  }
  const hint = value instanceof Date ? ': write it as a string, toISOString()' : '';
  throw invalidFilter(at, `takes a string, number, boolean or null, got ${typeName(value)}${hint}`);
}

function mustBeScalars(input: Located, budget: TextBudget): Scalar[] {
  const { value, at, depth } = input;
  if (!Array.isArray(value)) throw invalidFilter(at, `takes an array of values, got ${typeName(value)}`);
  const scalars: Scalar[] = [];
  for (let index = 0; index < value.length; index++) {
    const item = value[index] as unknown;
    // A long list is mostly of these.
    if (typeof item === 'number' && Number.isFinite(item)) {
      budget.spend(1);
      scalars.push(item);
    } else scalars.push(mustBeScalar({ value: item, at: { parent: at, key: index }, depth }, budget));
  }
  return scalars;
}

function mustBeString(input: Located, budget: TextBudget): string {
  const scalar = mustBeScalar(input, budget);
  if (typeof scalar !== 'string') throw invalidFilter(input.at, `takes a string, got ${typeName(scalar)}`);
  return scalar;
}

function mustBeBoolean(input: Located): boolean {
  if (typeof input.value === 'boolean') return input.value;
  throw invalidFilter(input.at, `takes true or false, got ${typeName(input.value)}`);
}

function unknownGroup(key: string, at: ObjectPlace): Error {
  if (Object.hasOwn(fieldOperators, key)) {
    return invalidFilter(at, `${key} belongs inside a field: {"field": {"${key}": …}}`);
  }
  return invalidFilter(at, 'unknown operator', suggestOperator(key, groupOperators));
}

function unknownFieldOperator(path: string, key: string, at: ObjectPlace): Error {
  if (key === '$and' || key === '$or') {
    return invalidFilter(at, `${key} combines whole filters: move it out of the field`);
  }
  if (key.startsWith('$')) {
    return invalidFilter(at, 'unknown operator', suggestOperator(key, Object.keys(fieldOperators)));
  }
  const dotted = shown(`${path}.${key}`);
  return invalidFilter(
    at,
    `a field of a field is named by its dotted path ${dotted}, an operator begins with $`,
  );
}

function suggestOperator(key: string, known: readonly string[]): string | undefined {
  return Object.hasOwn(foreignOperators, key) ? foreignOperators[key] : nearestName(key, known);
}
