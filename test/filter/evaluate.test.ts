import { expect, test } from 'vitest';
import { compileFilter, filterPaths, matches, parseFilter } from '../../core/filter/index.js';
import { nested } from './faults.js';

const own = (json: string): unknown => JSON.parse(json);

test.each<[filter: string, document: unknown, expected: boolean]>([
  // Equality within one type
  ['a = 1', { a: 1 }, true],
  ['a = 1', { a: '1' }, false],
  ["a = '1'", { a: 1 }, false],
  ['a = 0', { a: -0 }, true],
  ['a = 0', { a: false }, false],
  ['a = 0', { a: null }, false],
  ["a = ''", { a: null }, false],
  ['a = true', { a: true }, true],
  ['a = true', { a: 'true' }, false],
  ['a = null', { a: null }, true],
  ["a = 'é'", { a: 'e\u0301' }, false],
  ["a = 'X'", { a: 'x' }, false],
  ['a = 9007199254740993', { a: 9007199254740992 }, true],
  // Missing fields and complements
  ...[
    '= 1',
    '!= 1',
    '< 1',
    '<= 1',
    '> 1',
    '>= 1',
    'IN (1, null)',
    'CONTAINS 1',
    "LIKE '%'",
    'CONTAINS ALL ()',
    'CONTAINS ANY (1)',
    'BETWEEN 0 AND 2',
    '= null',
  ].map((predicate): [string, unknown, boolean] => [`b ${predicate}`, { a: 1 }, predicate === '!= 1']),
  ['b NOT IN (1)', { a: 1 }, true],
  ['NOT b > 1', { a: 1 }, true],
  ['NOT a > 1', { a: 'x' }, true],
  ['a != 1', { a: '1' }, true],
  ['b IS NULL', {}, true],
  ['b IS NULL', { b: null }, true],
  ['b IS NULL', { b: 0 }, false],
  ['b IS NULL', { b: [1, null] }, true],
  ['b IS NOT NULL', { b: 0 }, true],
  ['b IS NOT NULL', {}, false],
  ['EXISTS b', { b: null }, true],
  ['EXISTS b', { b: [] }, true],
  ['EXISTS b', { b: {} }, true],
  ['EXISTS b', {}, false],
  // Order
  ['a < 10', { a: 9 }, true],
  ["a < '10'", { a: '9' }, false],
  ['a > false', { a: true }, true],
  ['a >= false', { a: false }, true],
  ['a > false', { a: 1 }, false],
  ['a > 0', { a: true }, false],
  ["a > '\uffff'", { a: '😀' }, true],
  ["a < '\uffff'", { a: '😀' }, false],
  ["a > 'a'", { a: 'aa' }, true],
  ['a BETWEEN 1 AND 2', { a: 2 }, true],
  ['a BETWEEN 2 AND 1', { a: 1.5 }, false],
  ['a < 1', { a: { b: 0 } }, false],
  ['a = 1', { a: { b: 1 } }, false],
  // Instants
  ["a = '2024-05-01T00:00:00Z'", { a: '2024-05-01' }, true],
  ["a = '2024-05-01'", { a: '2024-05-01T02:00:00.000+02:00' }, true],
  ["a != '2024-05-01'", { a: '2024-05-01T02:00:00+02:00' }, false],
  ["a IN ('x', '2024-05-01')", { a: '2024-05-01T00:00:00Z' }, true],
  ["a CONTAINS '2024-05-01'", { a: ['2024-05-01T00:00:00Z'] }, true],
  ["a CONTAINS ALL ('2024-05-01', 1)", { a: [1, '2024-05-01T00:00:00Z'] }, true],
  ["a < '2024-05-01T00:30:00Z'", { a: '2024-05-01T01:00:00+02:00' }, true],
  ["a < '2024-05-01T00:30:00'", { a: '2024-05-01T01:00:00+02:00' }, false],
  ["a > '2024-05-01T00:00:00.000000001Z'", { a: '2024-05-01T00:00:00.000000002Z' }, true],
  ["a LIKE '2024-05-01'", { a: '2024-05-01T00:00:00Z' }, false],
  // Arrays
  ["a = 'x'", { a: ['y', 'x'] }, true],
  ["a != 'x'", { a: ['y', 'x'] }, false],
  ["a != 'x'", { a: ['y'] }, true],
  ['a = 1', { a: [[2, [1]]] }, true],
  ['a = 1', { a: [] }, false],
  ['a != 1', { a: [] }, true],
  ['a > 1 AND a < 1', { a: [0, 2] }, true],
  ['a IN (1, 2)', { a: ['x', 2] }, true],
  ["a LIKE 'x%'", { a: [1, 'xy'] }, true],
  ['a IN ()', { a: 1 }, false],
  ['a NOT IN ()', { a: 1 }, true],
  // Contains
  ["a CONTAINS 'x'", { a: ['x'] }, true],
  ["a CONTAINS 'x'", { a: ['xy'] }, false],
  ["a CONTAINS 'x'", { a: 'yxy' }, true],
  ["a CONTAINS ''", { a: 'y' }, true],
  ["a CONTAINS ''", { a: ['y'] }, false],
  ['a CONTAINS 1', { a: [1] }, true],
  ['a CONTAINS 1', { a: 1 }, false],
  ['a CONTAINS 1', { a: '1' }, false],
  ['a CONTAINS null', { a: [null] }, true],
  ['a CONTAINS null', { a: null }, false],
  ["a CONTAINS 'x'", { a: [['x']] }, true],
  ["a CONTAINS 'x'", { a: { x: 1 } }, false],
  ["b.a CONTAINS 'x'", { b: [{ a: 'yxy' }] }, true],
  ["a CONTAINS ANY ('x', 'y')", { a: ['z', 'y'] }, true],
  ["a CONTAINS ANY ('x', 'y')", { a: 'zy' }, true],
  ["a CONTAINS ANY ('x', 'y')", { a: ['z'] }, false],
  ["a CONTAINS ALL ('x', 'y')", { a: ['y', 'x', 1] }, true],
  ["a CONTAINS ALL ('x', 'y')", { a: ['y'] }, false],
  ["a CONTAINS ALL ('x', 'y')", { a: 'yx' }, true],
  ["a CONTAINS ALL ('x', 1)", { a: 'x1' }, false],
  ['a CONTAINS ALL ()', { a: [] }, true],
  // Patterns
  ["a LIKE 'x_z'", { a: 'xyz' }, true],
  ["a LIKE '%'", { a: 1 }, false],
  ["a LIKE 'x%'", { a: 'Xy' }, false],
  ["a NOT LIKE 'x%'", { a: 5 }, true],
  // Paths
  ['a.b = 1', { a: { b: 1 } }, true],
  ['a.b = 1', { 'a.b': 1 }, true],
  ['a.b = 1', { a: { b: 2 }, 'a.b': 1 }, true],
  ['a.b.c = 1', { 'a.b': { c: 1 } }, true],
  ['a.b.c = 1', { a: { 'b.c': 1 } }, true],
  ['a.b = 1', { a: [{ b: 2 }, { b: [3, 1] }] }, true],
  ['a.b = 1', { a: [[{ b: 1 }]] }, true],
  ['a.b = 1', { a: 1 }, false],
  ['EXISTS a.b', { a: [{}, { b: null }] }, true],
  ['EXISTS a.b', { a: [] }, false],
  ['a.0 = 1', { a: [1] }, false],
  ['a.0 = 1', { a: { 0: 1 } }, true],
  ['a = 1', { 'a.b': 1 }, false],
  ['a.bc = 1', { a: { b: 1, bc: 1 } }, true],
  ['ab.c = 1', { a: { c: 1 }, ab: { d: 1 } }, false],
  ['ab.c = 1', { a: { '.c': 1 } }, false],
  ['"a." = 1', { a: { '': 1 } }, true],
  ['length = 1', { a: 1 }, false],
  ['a.length = 1', { a: ['x'] }, false],
  ['a.length = 1', { a: 'x' }, false],
  ['EXISTS constructor', {}, false],
  ['EXISTS __proto__', {}, false],
  ['EXISTS __proto__.toString', { a: 1 }, false],
  ['EXISTS a.constructor.name', { a: {} }, false],
  ['__proto__ = 1', own('{"__proto__": 1}'), true],
  ['a.__proto__.b = 1', own('{"a": {"__proto__": {"b": 1}}}'), true],
  ['b = 1', own('{"__proto__": {"b": 1}}'), false],
  // Documents that are none
  ['EXISTS a', null, false],
  ['EXISTS a', undefined, false],
  ['a = 1', [{ a: 1 }], false],
  ['EXISTS length', 'text', false],
  ['TRUE', null, true],
  ['FALSE', { a: 1 }, false],
])('%s on %j: %s', (filter, document, expected) => {
  expect(matches(parseFilter(filter), document)).toBe(expected);
  expect(matches(parseFilter(`NOT (${filter})`), document)).toBe(!expected);
});

test('a compiled filter keeps nothing of a document', () => {
  const compiled = compileFilter(parseFilter("a IN (1, 2) AND b LIKE '%x%y' OR day > '2024-01-01'"));
  const documents = [
    { a: 1, b: 'xy' },
    { a: 1, b: 'yx' },
    { a: 3 },
    { day: '2024-01-02' },
    {},
    { a: 2, b: 'zxzy' },
  ];
  for (let round = 0; round < 2; round++) {
    expect(documents.map(compiled)).toEqual([true, false, false, true, false, true]);
  }
});

test('paths are listed once each, in order', () => {
  const filter = parseFilter(
    "b = 1 AND (NOT a.x > 2 OR b LIKE 'x%') AND EXISTS c AND d CONTAINS ANY (1) AND TRUE",
  );
  expect(filterPaths(filter)).toEqual(['b', 'a.x', 'c', 'd']);
});

test('documents nested far past the limit are walked, not refused', () => {
  const depth = 200_000;
  const path = parseFilter('a = 1');
  expect(matches(path, { a: nested(depth, (inner) => [inner], 1) })).toBe(true);
  expect(matches(path, { a: nested(depth, (inner) => ({ b: inner }), 1) })).toBe(false);
  expect(matches(parseFilter('a.b = 1'), { a: nested(depth, (inner) => [inner], { b: 1 }) })).toBe(true);
});
