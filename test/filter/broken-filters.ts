/**
 * Filters as nobody should write them, from a seed: valid ones of both spellings, cut, spliced and littered, and ones that
 * are blown up to the limits and past them.
 */

/** A whole number of 0 to `below` - 1. */
export type Draw = (below: number) => number;

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
  '$and', '$or', '$not', '$eq', '$in', '$exists', '$glob', '$gtt', '', 'a', 'a.b', '__proto__', 'constructor', '\\', '$', '\ud800',
]; // prettier-ignore
/** What a text is made of when it is made of one thing only. */
const units = [
  'a = 1 OR ', 'a = 1 AND ', 'NOT ', '(', ')', "'x'' ", "'x', ", '1, ', "'2024-05-01T00:00:00.5+01:00', ", "a LIKE '%_*?\\%' OR ", 'b.c."d".', ' ', '\n',
  '`', 'é', '😀', '9', '-', 'x', 'a BETWEEN 1 AND 2 OR NOT (', 'a IN (1) AND (', 'EXISTS ', '"', '%_', '.', 'NULL, ',
]; // prettier-ignore
const starts = ['', '(', 'a IN (', 'a CONTAINS ALL (', "a = '", "a LIKE '", 'a.', '"', 'a = ', 'NOT (', 'x'];

/** Beginning, what is repeated, end: filters as long as one likes. */
const whole: readonly (readonly [string, string, string])[] = [
  ['a IN (', '1, ', '1)'],
  ['a CONTAINS ALL (', "'x', ", 'NULL)'],
  ['NOT a IN (', "'2024-05-01T00:00:00.5+01:00', ", "'')"],
  ['', 'a = 1 OR ', 'a = 1'],
  ['', "a LIKE '%_*?\\%' AND ", 'TRUE'],
  ['', 'NOT ', 'a = 1'],
  ["a = '", "x''", "'"],
  ["a LIKE '", '%_', "'"],
  ['', '\n', 'EXISTS a'],
];

/** Mulberry32. */
export function seeded(seed: number): Draw {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function pick<T>(draw: Draw, from: readonly T[]): T {
  return from[draw(from.length)]!;
}

function brokenText(draw: Draw): string {
  return littered(draw, pick(draw, texts), 1 + draw(4));
}

function littered(draw: Draw, text: string, edits: number): string {
  let broken = text;
  for (let left = edits; left > 0; left--) {
    const from = draw(broken.length + 1);
    const to = Math.min(broken.length, from + draw(6));
    const other = pick(draw, texts);
    const start = draw(other.length);
    const insert = pick(draw, [
      '',
      pick(draw, litter),
      other.slice(start, start + draw(20)),
      broken.slice(from, to).repeat(draw(3)),
    ]);
    broken = broken.slice(0, from) + insert + broken.slice(to);
  }
  return broken;
}

/** Replaces, renames, adds or drops something at a random place of a parsed object. */
function brokenObject(draw: Draw): unknown {
  const root: Record<string, unknown> = { filter: JSON.parse(pick(draw, objects)) };
  for (let edits = 1 + draw(3); edits > 0; edits--) {
    let holder = root;
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
    else if (change === 2) holder[pick(draw, keys)] = value === root['filter'] ? null : value;
    else holder[key] = { [pick(draw, keys)]: value };
  }
  return root['filter'];
}

/** As long as filters may be, or a little longer; most of them with a flaw somewhere. */
function longText(draw: Draw): string {
  const ends = ['', '1', "'", ')', '1)', "')", 'a = 1', '"', 'x'];
  const [start, unit, end] =
    draw(3) === 0 ? pick(draw, whole) : [pick(draw, starts), pick(draw, units), pick(draw, ends)];
  const length = pick(draw, [500, 5_000, 60_000, 65_000, 66_000]);
  return littered(draw, start + unit.repeat(Math.ceil(length / unit.length)) + end, draw(3));
}

/** As wide, deep or wordy as filters may be, or a little more so. */
function largeObject(draw: Draw): unknown {
  const inner = JSON.parse(pick(draw, objects));
  const many = pick(draw, [10, 100, 340, 1_100, 20_000]);
  const long = pick(draw, ['x', '😀', '*?', '2024-05-01', '\ud800', '\\']).repeat(
    pick(draw, [5, 500, 30_000]),
  );
  switch (draw(8)) {
    case 0:
      return { [pick(draw, ['$and', '$or'])]: Array.from({ length: many }, () => inner) };
    case 1:
      return nested(pick(draw, [5, 14, 15, 16, 500, 50_000]), pick(draw, ['$not', 'a', '$and']), inner);
    case 2:
      return {
        a: { [pick(draw, ['$in', '$nin', '$contains_all'])]: Array.from({ length: many }, (_, i) => i) },
      };
    case 3:
      return { a: { $in: Array.from({ length: many }, (_, i) => `2024-05-01T00:00:00.${i}Z`) } };
    case 4:
      return Object.fromEntries(Array.from({ length: many }, (_, i) => [`field${i}`, i]));
    case 5:
      return { [long]: pick(draw, [1, { $exists: true }, inner]) };
    case 6:
      return { a: { [pick(draw, ['$eq', '$glob', '$prefix', '$contains', `$${long}`])]: long } };
    default: {
      const endless: Record<string, unknown> = { a: 1 };
      endless[pick(draw, ['$not', 'b'])] = pick(draw, [endless, [endless], { $and: [endless] }]);
      return endless;
    }
  }
}

function nested(depth: number, key: string, innermost: unknown): unknown {
  let value = innermost;
  for (let level = 0; level < depth; level++) value = { [key]: key === '$and' ? [value] : value };
  return value;
}

/** Every kind, and how many of a hundred it is: the large ones take a hundred times as long. */
export const kinds = [
  { name: 'texts', make: brokenText, share: 67 },
  { name: 'objects', make: brokenObject, share: 29 },
  { name: 'long texts', make: longText, share: 2 },
  { name: 'large objects', make: largeObject, share: 2 },
] as const;

/** What a filter is, cut short, for a message. */
export function show(input: unknown): string {
  try {
    const text = JSON.stringify(input, (_, value: unknown) =>
      typeof value === 'bigint' || typeof value === 'symbol' ? String(value) : value,
    );
    return text === undefined ? String(input) : text.slice(0, 300);
  } catch {
    return 'an object within itself, or a deep one';
  }
}
