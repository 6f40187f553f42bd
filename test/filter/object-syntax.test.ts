import { expect, test } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { parseFilter } from '../../core/filter/index.js';
import { nested, refusal } from './faults.js';

const leaf = (op: string, value: unknown, path = 'a') => ({ op, path, value });

test.each([
  [{}, { op: 'all' }],
  [{ a: 5 }, leaf('eq', 5)],
  [{ a: null }, leaf('eq', null)],
  [{ a: -0 }, leaf('eq', 0)],
  [{ a: { $eq: 'x' } }, leaf('eq', 'x')],
  [{ a: { $ne: 'x' } }, { op: 'not', filter: leaf('eq', 'x') }],
  [{ a: { $gt: 1, $lte: 2 } }, { op: 'and', filters: [leaf('gt', 1), leaf('lte', 2)] }],
  [{ a: { $gte: true } }, leaf('gte', true)],
  [{ a: { $lt: '2024-01-01' } }, leaf('lt', '2024-01-01')],
  [{ a: { $in: [] } }, { op: 'in', path: 'a', values: [] }],
  [{ a: { $nin: [1, null] } }, { op: 'not', filter: { op: 'in', path: 'a', values: [1, null] } }],
  [{ a: { $exists: true } }, { op: 'exists', path: 'a' }],
  [{ a: { $exists: false } }, { op: 'not', filter: { op: 'exists', path: 'a' } }],
  [{ a: { $contains: 1 } }, leaf('contains', 1)],
  [{ a: { $contains_any: ['x'] } }, { op: 'contains_any', path: 'a', values: ['x'] }],
  [{ a: { $contains_all: ['x', 2] } }, { op: 'contains_all', path: 'a', values: ['x', 2] }],
  [{ a: { $prefix: 'x*' } }, { op: 'prefix', path: 'a', prefix: 'x*' }],
  [{ a: { $glob: 'x*' } }, { op: 'prefix', path: 'a', prefix: 'x' }],
  [{ a: { $glob: '*x**?' } }, { op: 'glob', path: 'a', pattern: '*x?*' }],
  [{ a: { $not: { $gt: 1 } } }, { op: 'not', filter: leaf('gt', 1) }],
  [{ $not: { $not: { a: 1 } } }, leaf('eq', 1)],
  [
    { a: 1, b: 2 },
    { op: 'and', filters: [leaf('eq', 1), leaf('eq', 2, 'b')] },
  ],
  [
    { $and: [{ a: 1 }, { $and: [{ b: 2 }, { c: 3 }] }] },
    { op: 'and', filters: [leaf('eq', 1), leaf('eq', 2, 'b'), leaf('eq', 3, 'c')] },
  ],
  [{ $or: [{ a: 1 }, {}] }, { op: 'or', filters: [leaf('eq', 1), { op: 'all' }] }],
  [{ '\\$price': 1 }, leaf('eq', 1, '$price')],
  [{ '\\\\x': 1 }, leaf('eq', 1, '\\x')],
  [JSON.parse('{"__proto__": {"$eq": 1}}'), leaf('eq', 1, '__proto__')],
  [Object.assign(Object.create(null), { constructor: 1 }), leaf('eq', 1, 'constructor')],
])('%j', (input, tree) => {
  expect(parseFilter(input)).toStrictEqual(tree);
});

test('the tree is frozen, lists and members too', () => {
  const filter = parseFilter({ a: { $in: [1] }, b: 2 });
  expect(Object.isFrozen(filter)).toBe(true);
  if (filter.op !== 'and') throw new Error('expected an and');
  expect(filter.filters.every((member) => Object.isFrozen(member))).toBe(true);
  expect(Object.isFrozen(filter.filters)).toBe(true);
  expect(filter.filters[0]).toMatchObject({ op: 'in' });
  expect(Object.values(filter.filters[0]!).every((value) => Object.isFrozen(value))).toBe(true);
});

test.each<[unknown, path: string, suggestion: string | undefined, message: string]>([
  [null, 'filter', undefined, 'got null'],
  [undefined, 'filter', undefined, 'got undefined'],
  [7, 'filter', undefined, 'got a number'],
  [[{ a: 1 }], 'filter', undefined, 'got an array'],
  [new Map(), 'filter', undefined, 'must be an object'],
  [{ a: undefined }, 'filter.a', undefined, 'undefined'],
  [{ a: Number.NaN }, 'filter.a', undefined, 'NaN is no JSON number'],
  [{ a: { $gt: Infinity } }, 'filter.a.$gt', undefined, 'Infinity'],
  [{ a: 5n }, 'filter.a', undefined, 'a bigint'],
  [{ a: new Date(0) }, 'filter.a', undefined, 'toISOString'],
  [{ a: [1] }, 'filter.a', undefined, '$contains_any'],
  [{ a: {} }, 'filter.a', undefined, 'no operator'],
  [{ a: { b: 1 } }, 'filter.a.b', undefined, '"a.b"'],
  [{ a: { $gtt: 1 } }, 'filter.a.$gtt', '$gt', 'unknown operator'],
  [{ a: { $GTE: 1 } }, 'filter.a.$GTE', '$gte', 'unknown operator'],
  [{ a: { $contain: 1 } }, 'filter.a.$contain', '$contains', 'unknown operator'],
  [{ a: { $regex: 'x' } }, 'filter.a.$regex', '$glob', 'unknown operator'],
  [{ a: { $all: ['x'] } }, 'filter.a.$all', '$contains_all', 'unknown operator'],
  [{ a: { $and: [] } }, 'filter.a.$and', undefined, 'move it out'],
  [{ a: { $in: 1 } }, 'filter.a.$in', undefined, 'takes an array'],
  [{ a: { $in: [1, {}] } }, 'filter.a.$in[1]', undefined, 'got an object'],
  [{ a: { $gt: null } }, 'filter.a.$gt', undefined, 'no order'],
  [{ a: { $exists: 1 } }, 'filter.a.$exists', undefined, 'true or false'],
  [{ a: { $prefix: 1 } }, 'filter.a.$prefix', undefined, 'takes a string'],
  [{ a: { $glob: 'x\\' } }, 'filter.a.$glob', undefined, 'backslash'],
  [{ a: { $not: 1 } }, 'filter.a.$not', undefined, 'must be an object'],
  [{ a: '\ud800' }, 'filter.a', undefined, 'lone surrogate'],
  [{ '\udc00': 1 }, 'filter["\\udc00"]', undefined, 'lone surrogate'],
  [{ '': 1 }, 'filter[""]', undefined, 'empty'],
  [{ $eq: 1 }, 'filter.$eq', undefined, 'inside a field'],
  [{ $adn: [] }, 'filter.$adn', '$and', 'unknown operator'],
  [{ $and: {} }, 'filter.$and', undefined, 'array of filters'],
  [{ $or: [] }, 'filter.$or', undefined, 'at least one'],
  [{ $or: [{ a: 1 }, 'b = 2'] }, 'filter.$or[1]', undefined, 'must be an object'],
  [
    { $or: [{ a: 1 }, { 'in stock': { $x: 2 } }] },
    'filter.$or[1]["in stock"].$x',
    undefined,
    'unknown operator',
  ],
  [{ $not: [] }, 'filter.$not', undefined, 'must be an object'],
])('refuses case %#', (input, path, suggestion, message) => {
  const error = refusal(input);
  expect(error.code).toBe('invalid_filter');
  expect(error.details['path']).toBe(path);
  expect(error.details['suggestion']).toBe(suggestion);
  expect(error.message).toContain(message);
});

const cyclic: Record<string, unknown> = { a: 1 };
cyclic['$and'] = [cyclic];
const and = (inner: unknown) => ({ $and: [inner] });
const many = (count: number) => ({ $or: Array.from({ length: count }, () => ({ a: 1 })) });

test.each<[name: string, limit: string, input: unknown]>([
  ['a hundred thousand nested $and', 'filterDepth', nested(100_000, and, { a: 1 })],
  [
    'a hundred thousand nested $not in a field',
    'filterDepth',
    { a: nested(100_000, ($not) => ({ $not }), { $eq: 1 }) },
  ],
  ['an object that holds itself', 'filterDepth', cyclic],
  ['one level too many', 'filterDepth', nested(limits.filterDepth, and, { a: 1 })],
  [
    'levels that only the tree shows',
    'filterDepth',
    nested(limits.filterDepth / 2, (inner) => ({ $or: [inner, { b: 1 }], c: 1 }), { a: 1 }),
  ],
  ['one node too many', 'filterNodes', many(limits.filterNodes)],
  ['a million members', 'filterNodes', many(1_000_000)],
  ['a million empty members', 'filterTextBytes', { $or: Array.from({ length: 1_000_000 }, () => ({})) }],
  ['a million list values', 'filterTextBytes', { a: { $in: Array.from({ length: 1_000_000 }, () => '') } }],
  ['a long value', 'filterTextBytes', { a: 'x'.repeat(limits.filterTextBytes) }],
  ['a long value of many bytes', 'filterTextBytes', { a: 'ü'.repeat(limits.filterTextBytes / 2) }],
  ['a long path', 'fieldNameBytes', { ['ü'.repeat(limits.fieldNameBytes / 2 + 1)]: 1 }],
  ['a long pattern', 'filterPatternBytes', { a: { $glob: `*${'x'.repeat(limits.filterPatternBytes)}` } }],
  ['a long prefix', 'filterPatternBytes', { a: { $prefix: 'x'.repeat(limits.filterPatternBytes + 1) } }],
])('refuses %s, naming the limit', (_, limit, input) => {
  const error = refusal(input);
  expect(error.code).toBe('limit_exceeded');
  expect(error.details).toMatchObject({ limit, maximum: limits[limit as keyof typeof limits] });
  expect(error.details['value']).toBeGreaterThan(Number(error.details['maximum']));
});

test('takes what is just within the limits', () => {
  expect(parseFilter(nested(limits.filterDepth - 1, and, { a: 1 }))).toStrictEqual(leaf('eq', 1));
  expect(parseFilter(many(limits.filterNodes - 1))).toMatchObject({ op: 'or' });
  expect(parseFilter({ a: { $glob: '\\*'.repeat(limits.filterPatternBytes) } })).toMatchObject({
    op: 'glob',
  });
  expect(parseFilter({ ['x'.repeat(limits.fieldNameBytes)]: 1 })).toMatchObject({ op: 'eq' });
});
