/**
 * 100,000 broken filters: valid ones of both spellings, cut, spliced and littered by a seeded generator. Each parses or is
 * refused with a typed error that says where; nothing else may be thrown, and what parses prints, parses back and runs.
 * A failure shows the input itself.
 */
import { expect, test } from 'vitest';
import { CairnError } from '../../core/base/errors.js';
import { filterToJson, filterToText, matches, parseFilter } from '../../core/filter/index.js';

const texts = [
  "year >= 2020 AND (topic = 'cs.CL' OR topic IN ('cs.LG', 'it''s', NULL))",
  'NOT (a.b."c d".`e` BETWEEN -1.5e3 AND .5) OR EXISTS(x) AND y IS NOT NULL',
  "title LIKE '%graph\\%_' ESCAPE '!' OR tags CONTAINS ALL ('x', 1, true) AND NOT NOT z NOT EXISTS",
  "a<>1 AND b!=2 AND c<3 AND d<=4 AND e>5 AND f CONTAINS '2024-05-01T00:00:00Z' OR FALSE",
];
const litter = [
  '(', ')', "'", '"', '`', '.', ',', '=', '<', '>', '!', '&&', '|', '-', '%', '\\', ' ', '\n', '\0', '0', '9', '1e', 'AND', ' OR ', ' NOT ', 'IN',
  'NULL', 'LIKE', 'IS', 'x', '$', '😀', '\ud800', '\udc00', 'é', '__proto__', '/*', '--', ';', '[', '{', 'Infinity', 'NaN',
]; // prettier-ignore
const objects = [
  '{"year":{"$gte":2020,"$lt":2030},"$or":[{"topic":"cs.CL"},{"topic":{"$in":["cs.LG",null]}}]}',
  '{"$not":{"$and":[{"a.b":{"$ne":true}},{"x":{"$exists":false}},{"g":{"$glob":"*a?\\\\*"}}]}}',
  '{"t":{"$contains":"x","$contains_any":["y",1],"$contains_all":[]},"p":{"$prefix":"q","$not":{"$nin":[0]}}}',
];
const pieces: readonly unknown[] = [
  null, true, 0, -1, 1e300, Number.NaN, Number.POSITIVE_INFINITY, '', 'x', '\ud800', [], {}, [[]], [null], { $eq: {} }, { $and: [] }, { '': 1 },
  { $gt: null }, undefined, 5n, Symbol('s'), () => true, new Date(0), new Map(), /x/, { __proto__: null }, Object.create({ a: 1 }),
]; // prettier-ignore
const keys = [
  '$and',
  '$or',
  '$not',
  '$eq',
  '$in',
  '$exists',
  '$glob',
  '$gtt',
  '',
  'a',
  'a.b',
  '__proto__',
  'constructor',
  '\\',
  '$',
  '\ud800',
];

type Draw = (below: number) => number;

/** Mulberry32. */
function seeded(seed: number): Draw {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const pick = <T>(draw: Draw, from: readonly T[]): T => from[draw(from.length)]!;

function breakText(draw: Draw): string {
  let text = pick(draw, texts);
  for (let edits = 1 + draw(4); edits > 0; edits--) {
    const from = draw(text.length + 1);
    const to = Math.min(text.length, from + draw(6));
    const other = pick(draw, texts);
    const start = draw(other.length);
    const insert = pick(draw, [
      '',
      pick(draw, litter),
      other.slice(start, start + draw(20)),
      text.slice(from, to).repeat(draw(3)),
    ]);
    text = text.slice(0, from) + insert + text.slice(to);
  }
  return text;
}

/** Replaces, renames, adds or drops something at a random place of a parsed object. */
function breakObject(draw: Draw): unknown {
  const root = { filter: JSON.parse(pick(draw, objects)) as unknown };
  for (let edits = 1 + draw(3); edits > 0; edits--) {
    let holder = root as Record<string, unknown>;
    let key = 'filter';
    for (let steps = draw(6); steps > 0; steps--) {
      const value = holder[key];
      if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) break;
      holder = value as Record<string, unknown>;
      key = pick(draw, Object.keys(holder));
    }
    const value = holder[key];
    const change = draw(4);
    if (change === 0) delete holder[key];
    else if (change === 1) holder[key] = pick(draw, pieces);
    else if (change === 2) holder[pick(draw, keys)] = value === root.filter ? null : value;
    else holder[key] = { [pick(draw, keys)]: value };
  }
  return root.filter;
}

const document = {
  year: 2021,
  topic: ['cs.CL', null],
  a: { b: [1, { 'c d': { e: 2 } }] },
  t: 'xyz',
  p: 'q',
  g: 'ab',
  f: '2024-05-01',
};

/** What is wrong with what became of `input`; undefined where nothing is. */
function fault(input: unknown, outcomes: { parsed: number; refused: number }): string | undefined {
  try {
    const filter = parseFilter(input);
    outcomes.parsed++;
    if (filterToJson(parseFilter(filterToText(filter))) !== filterToJson(filter))
      return 'prints another filter';
    return typeof matches(filter, document) === 'boolean' ? undefined : 'is neither true nor false';
  } catch (error) {
    if (!(error instanceof CairnError) || error.kind !== 'invalid') return `threw ${String(error)}`;
    outcomes.refused++;
    if (error.message.length > 1_000) return 'has an endless message';
    if (error.code === 'limit_exceeded') return undefined;
    if (error.code !== 'invalid_filter') return `has the code ${error.code}`;
    const { position, path } = error.details;
    if (typeof input !== 'string') return String(path).startsWith('filter') ? undefined : 'has no path';
    const within = typeof position === 'number' && position >= 0 && position <= input.length;
    return within ? undefined : 'has no position';
  }
}

function show(input: unknown): string {
  return JSON.stringify(input, (_, value: unknown) =>
    typeof value === 'bigint' || typeof value === 'symbol' ? String(value) : value,
  );
}

test.each<[name: string, make: (draw: Draw) => unknown, count: number]>([
  ['texts', breakText, 70_000],
  ['objects', breakObject, 30_000],
])('broken %s parse or are refused', (_, make, count) => {
  const draw = seeded(20_240_501);
  const outcomes = { parsed: 0, refused: 0 };
  for (let made = 0; made < count; made++) {
    const input = make(draw);
    const found = fault(input, outcomes);
    if (found !== undefined) expect.fail(`${show(input)} ${found}`);
  }
  // Neither harmless nor hopeless: both ends are reached often.
  expect(outcomes.refused).toBeGreaterThan(count / 4);
  expect(outcomes.parsed).toBeGreaterThan(count / 50);
});
