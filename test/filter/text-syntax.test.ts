import { expect, test } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { filterToJson, parseFilter } from '../../core/filter/index.js';
import { refusal } from './faults.js';

test.each([
  ["a = 'x'", { a: 'x' }],
  ["a='it''s'", { a: "it's" }],
  ["a = ''", { a: '' }],
  ['a = -1.5e+2', { a: -150 }],
  ['a = .5', { a: 0.5 }],
  ['a = -0', { a: 0 }],
  ['a = true', { a: true }],
  ['a = False', { a: false }],
  ['a = nULL', { a: null }],
  ['a != 1', { a: { $ne: 1 } }],
  ['a <> 1', { a: { $ne: 1 } }],
  ['a<1', { a: { $lt: 1 } }],
  ['a>=-1', { a: { $gte: -1 } }],
  ['a in (1, null)', { a: { $in: [1, null] } }],
  ['a IN ()', { a: { $in: [] } }],
  ['a NOT IN (1)', { a: { $nin: [1] } }],
  ['NOT a IN (1)', { a: { $nin: [1] } }],
  ['a CONTAINS 1', { a: { $contains: 1 } }],
  ["a NOT CONTAINS 'x'", { $not: { a: { $contains: 'x' } } }],
  ["a CONTAINS any ('x')", { a: { $contains_any: ['x'] } }],
  ["a NOT CONTAINS ALL ('x', 'y')", { $not: { a: { $contains_all: ['x', 'y'] } } }],
  ['EXISTS a', { a: { $exists: true } }],
  ['EXISTS(a)', { a: { $exists: true } }],
  ['a EXISTS', { a: { $exists: true } }],
  ['NOT EXISTS a', { a: { $exists: false } }],
  ['a NOT EXISTS', { a: { $exists: false } }],
  ['a IS NULL', { $or: [{ a: null }, { a: { $exists: false } }] }],
  ['a IS NOT NULL', { $not: { $or: [{ a: null }, { a: { $exists: false } }] } }],
  ['a BETWEEN 1 AND 2 AND b = 3', { a: { $gte: 1, $lte: 2 }, b: 3 }],
  ["a NOT BETWEEN 'x' AND 'y'", { $not: { a: { $gte: 'x', $lte: 'y' } } }],
  ["a LIKE 'x%'", { a: { $prefix: 'x' } }],
  ["a LIKE '%x_'", { a: { $glob: '*x?' } }],
  ["a NOT LIKE '%x'", { $not: { a: { $glob: '*x' } } }],
  ["a LIKE 'x*?\\%%'", { a: { $prefix: 'x*?%' } }],
  ["a LIKE '%!%!!' ESCAPE '!'", { a: { $glob: '*%!' } }],
  ["a LIKE '\\_' ESCAPE ''", { a: { $glob: '\\\\?' } }],
  ["a LIKE '😀%😀' ESCAPE '😀' AND b = 1", null],
  ['a = 1 OR b = 2 AND c = 3', { $or: [{ a: 1 }, { b: 2, c: 3 }] }],
  ['(a = 1 OR b = 2) AND c = 3', { $and: [{ $or: [{ a: 1 }, { b: 2 }] }, { c: 3 }] }],
  ['NOT a = 1 AND b = 2', { a: { $ne: 1 }, b: 2 }],
  ['NOT (a = 1 AND b = 2)', { $not: { a: 1, b: 2 } }],
  ['NOT NOT NOT a = 1', { a: { $ne: 1 } }],
  ['a=1 and(b=2)or not(c=3)', { $or: [{ a: 1, b: 2 }, { c: { $ne: 3 } }] }],
  [' \n\t( ( a = 1 ) ) ', { a: 1 }],
  ['TRUE', {}],
  ['FALSE', { $not: {} }],
  ['a.b.c = 1', { 'a.b.c': 1 }],
  ['a.5.in = 1', { 'a.5.in': 1 }],
  ['"in stock".`x``y`."q""" = 1', { 'in stock.x`y.q"': 1 }],
  ['"a.b" = 1', { 'a.b': 1 }],
  ['"IN" = 1', { IN: 1 }],
  ['any = 1 AND all = 2 AND escape = 3', { any: 1, all: 2, escape: 3 }],
  ['größe-2 = 1 AND $x_ = 1', { 'größe-2': 1, '\\$x_': 1 }],
  ['__proto__ = 1', JSON.parse('{"__proto__": 1}')],
])('%s', (text, object) => {
  if (object === null) expect(refusal(text).message).toContain('escape character');
  else expect(filterToJson(parseFilter(text))).toBe(filterToJson(parseFilter(object)));
});

test.each<[text: string, position: number, suggestion: string | undefined, message: string]>([
  ['', 0, undefined, 'is empty'],
  ['  ', 0, undefined, 'is empty'],
  ['a', 1, undefined, 'expected an operator after the field "a", found the end'],
  ['a = ', 4, undefined, 'expected a value, found the end'],
  ['a = b', 4, undefined, 'a string takes single quotes'],
  ['a = "b"', 4, undefined, 'a string takes single quotes'],
  ['a = ture', 4, 'TRUE', 'expected a value'],
  ['5 = a', 0, undefined, 'expected a field, found the number 5'],
  ["'a' = 5", 0, undefined, 'expected a field, found the string "a"'],
  ['a == 1', 2, '=', 'unknown operator "=="'],
  ['a => 1', 2, '>=', 'unknown operator'],
  ['a = 1 && b = 1', 6, 'AND', 'unknown operator'],
  ['!(a = 1)', 0, 'NOT', 'unknown operator'],
  ['a CONTIANS 1', 2, 'CONTAINS', 'expected an operator'],
  ["a ILIKE 'x'", 2, 'LIKE', 'expected an operator'],
  ['a = 1 ADN b = 2', 6, 'AND', 'expected AND, OR or the end'],
  ['(a = 1 RO b = 2)', 7, 'OR', 'expected AND, OR or ")"'],
  ['a = 1 b = 2', 6, undefined, 'expected AND, OR or the end, found "b"'],
  ['(a = 1', 6, undefined, 'found the end'],
  ['a = 1)', 5, undefined, 'found ")"'],
  ['()', 1, undefined, 'expected a field, found ")"'],
  ['a IN 1', 5, undefined, '"(" and a list'],
  ['a IN (1,)', 8, undefined, 'expected a value'],
  ['a IN (1 2)', 8, undefined, '"," or ")"'],
  ['a IN (1', 7, undefined, 'found the end'],
  ['a NOT 5', 6, undefined, 'IN, LIKE, BETWEEN, CONTAINS or EXISTS'],
  ['a NOT LKIE 5', 6, 'LIKE', 'IN, LIKE, BETWEEN, CONTAINS or EXISTS'],
  ['a IS 5', 5, undefined, 'expected NULL'],
  ['a IS NUL', 5, 'NULL', 'expected NULL'],
  ['a BETWEEN 1 OR 2', 12, undefined, 'the AND of BETWEEN'],
  ['a BETWEEN NULL AND 2', 10, undefined, 'no order'],
  ['a > NULL', 4, undefined, 'no order'],
  ['a LIKE 5', 7, undefined, 'a pattern in single quotes'],
  ["a LIKE 'x\\'", 7, undefined, 'single escape character'],
  ["a LIKE 'x' ESCAPE 'yz'", 18, undefined, 'one character'],
  ["a = 'x", 4, undefined, 'never closed'],
  ['"a = 1', 0, undefined, 'never closed'],
  ['a. = 1', 2, undefined, 'after the dot'],
  ['a..b = 1', 2, undefined, 'after the dot'],
  ['"" = 1', 0, undefined, 'empty'],
  ['in = 1', 0, undefined, 'keyword IN'],
  ['a = 5x', 4, undefined, 'malformed number'],
  ['a = 1.2.3', 4, undefined, 'malformed number'],
  ['a = 0x10', 4, undefined, 'malformed number'],
  ['a = 1e999', 4, undefined, 'too large'],
  ['a = 1; b = 2', 5, undefined, 'unexpected character ";"'],
  ['😀 = 1', 0, undefined, 'unexpected character "😀"'],
  ['a = ’x’', 4, undefined, 'unexpected character'],
  ["a = 'x\ud800'", 6, undefined, 'lone surrogate'],
  ['EXISTS (a', 9, undefined, 'expected ")"'],
])('refuses %j', (text, position, suggestion, message) => {
  const error = refusal(text);
  expect(error.code).toBe('invalid_filter');
  expect(error.message).toContain(message);
  expect(error.details['position']).toBe(position);
  expect(error.details['suggestion']).toBe(suggestion);
});

const parenthesised = (count: number) => `${'('.repeat(count)}a = 1${')'.repeat(count)}`;
const alternating = (levels: number): string =>
  levels === 1
    ? 'a = 1'
    : levels % 2 === 0
      ? `b = 1 AND (${alternating(levels - 1)})`
      : `b = 1 OR (${alternating(levels - 1)})`;

test.each<[name: string, limit: string, text: string]>([
  ['sixty thousand parentheses', 'filterDepth', '('.repeat(60_000)],
  ['one parenthesis too many', 'filterDepth', parenthesised(limits.filterDepth)],
  ['levels that only the tree shows', 'filterDepth', alternating(limits.filterDepth + 1)],
  ['one node too many', 'filterNodes', Array.from({ length: limits.filterNodes }, () => 'a=1').join(' OR ')],
  ['a long text', 'filterTextBytes', `a = '${'x'.repeat(limits.filterTextBytes)}'`],
  ['a long text of many bytes', 'filterTextBytes', `a = '${'ü'.repeat(limits.filterTextBytes / 2)}'`],
  ['a long path', 'fieldNameBytes', `${'a.'.repeat(limits.fieldNameBytes)}a = 1`],
  ['a long pattern', 'filterPatternBytes', `a LIKE '%${'x'.repeat(limits.filterPatternBytes)}'`],
])('refuses %s, naming the limit', (_, limit, text) => {
  const error = refusal(text);
  expect(error.code).toBe('limit_exceeded');
  expect(error.details).toMatchObject({ limit, maximum: limits[limit as keyof typeof limits] });
  expect(error.details['value']).toBeGreaterThan(Number(error.details['maximum']));
});

test('takes what is just within the limits, and long chains that do not nest', () => {
  expect(filterToJson(parseFilter(parenthesised(limits.filterDepth - 1)))).toBe('{"a":{"$eq":1}}');
  expect(parseFilter(alternating(limits.filterDepth))).toMatchObject({ op: 'and' });
  expect(parseFilter(`${'NOT '.repeat(10_001)}a = 1`)).toMatchObject({ op: 'not' });
  expect(
    parseFilter(Array.from({ length: limits.filterNodes - 1 }, () => 'a=1').join(' AND ')),
  ).toMatchObject({ op: 'and' });
  expect(parseFilter(`a IN (${Array.from({ length: 20_000 }, () => '1').join()})`)).toMatchObject({
    op: 'in',
  });
});
