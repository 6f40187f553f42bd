/**
 * Strategy: what the columns of a segment say of a filter against the naive evaluator over the same documents. What they
 * are sure of is so, what they exclude is not, and what they leave open is no more than it has to be. Documents are drawn at
 * random, and laid out so that each form of a column, each width and each edge of the kernels' parts is met.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countBits, hasBit } from '../../core/base/bitmap.js';
import { limits } from '../../core/base/limits.js';
import { and, compare, list, not, or } from '../../core/filter/ast.js';
import { compileFilter, filterToText, parseFilter } from '../../core/filter/index.js';
import type { Filter } from '../../core/filter/index.js';
import type { FilterRows, SegmentReader } from '../../core/segment/index.js';
import { documentArbitrary, filterArbitrary } from '../filter/arbitraries.js';
import { longTextFilterArbitrary, longTexts } from '../filter/long-texts.js';
import { newStore, openSegment, rowsOf, writeSegment } from './fixture.js';
import type { WriteOptions } from './fixture.js';

async function segmentOf(documents: readonly unknown[], options: WriteOptions = {}): Promise<SegmentReader> {
  const rows = rowsOf(
    documents.map((_, row) => `id-${row}`),
    { dimension: 1, document: (row) => (documents[row] === undefined ? '' : JSON.stringify(documents[row])) },
  );
  const store = newStore();
  return await openSegment(store, await writeSegment(store, rows, options), rows);
}

/** Throws where the columns are wrong. Answers how many rows they leave open. */
async function check(reader: SegmentReader, documents: readonly unknown[], filter: Filter): Promise<number> {
  const { sure, open }: FilterRows = await reader.filterRows(filter);
  const matches = compileFilter(filter);
  documents.forEach((document, row) => {
    const wanted = matches(document ?? {});
    const found = hasBit(sure, row);
    const undecided = open !== undefined && hasBit(open, row);
    if (found && undecided) throw new Error(`row ${row} is both sure and open`);
    if (!undecided && found !== wanted) {
      const shown = `${JSON.stringify(document)} of row ${row}`;
      throw new Error(`${JSON.stringify(filter)}: ${shown} is taken for ${found ? 'a' : 'no'} match`);
    }
  });
  return open === undefined ? 0 : countBits(open);
}

/** Where leaves may start, of which those are taken that rows allow. */
const cuts = fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 8 });

function leavesOf(rows: number, starts: readonly number[]): Uint32Array {
  return Uint32Array.from(new Set([0, ...starts.filter((start) => start < rows)])).sort();
}

describe('columns agree with the evaluator', () => {
  test('whatever documents and filters are', { timeout: 120_000 }, async () => {
    const documents = fc.array(documentArbitrary, { minLength: 1, maxLength: 40 });
    const filters = fc.array(filterArbitrary, { minLength: 30, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(documents, cuts, filters, async (given, starts, asked) => {
        const reader = await segmentOf(given, { leafStarts: leavesOf(given.length, starts) });
        for (const filter of asked) expect(await check(reader, given, filter)).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  test('of long texts, of which only documents tell', { timeout: 120_000 }, async () => {
    const value = fc.oneof(fc.constantFrom(...longTexts), fc.constantFrom('\ud800', 'a\udc00b', null, 5, []));
    const documents = fc.array(
      fc.record({ a: value, b: fc.array(value, { maxLength: 3 }) }, { requiredKeys: [] }),
      { minLength: 1, maxLength: 200 },
    );
    const filters = fc.array(longTextFilterArbitrary, { minLength: 30, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(documents, cuts, filters, async (given, starts, asked) => {
        const reader = await segmentOf(given, { leafStarts: leavesOf(given.length, starts) });
        for (const filter of asked) await check(reader, given, filter);
      }),
      { numRuns: 150 },
    );
  });
});

const texts = (filters: readonly string[]): readonly (readonly [string])[] => filters.map((text) => [text]);

describe.each([
  ['one leaf', 70_000],
  ['leaves', 700],
])('many rows in %s', async (_form, leafRows) => {
  const rows = 70_000;
  const starts = Array.from({ length: rows / leafRows }, (_, leaf) => leafRows * leaf + (leaf % 3));
  const documents = Array.from({ length: rows }, (_, row) => ({
    all: 'the same',
    few: row % 7,
    flag: row % 3 === 0,
    some: row % 300,
    each: row * 1.5 - 40_000,
    name: `name ${(row * 7_919) % rows}`,
    day: new Date(Date.UTC(2000, 0, 1 + (row % 9_000))).toISOString().slice(0, row % 2 === 0 ? 10 : 24),
    tags: Array.from({ length: row % 5 }, (_unused, i) => `tag ${(row * 31 + i * 17) % 900}`),
    ...(row >> 3 === 5_000 ? { crowd: Array.from({ length: 8_000 }, (_unused, i) => i + (row % 8)) } : {}),
    ...(row % 1_000 === 1 ? { rare: row, deep: { rare: [`r${row}`] } } : {}),
    ...(row > 16_000 && row < 16_800 ? { edge: 'here' } : {}),
    ...(row % 2 === 0 ? { maybe: null } : {}),
    near: row >> 10,
    nearer: row >> 6,
    nearTags: [`tag ${row >> 11}`, `tag ${(row >> 11) + 1 + (row % 2)}`],
    ...(row % 9 === 0 ? { nearRare: row >> 8 } : {}),
    ...(row % 9 === 0 && row % 20_000 > 9_000 ? { nearPairs: [row >> 8, row >> 12] } : {}),
  }));
  const reader = await segmentOf(documents, { leafStarts: Uint32Array.from(starts) });

  test.each(
    texts([
      "all = 'the same'",
      "NOT all = 'the same'",
      'few = 3 OR few > 5',
      'few IN (0, 2, 4, 6, 8)',
      'flag = true AND few < 2',
      'flag < true',
      'some BETWEEN 100 AND 200',
      'some IN (1, 255, 256, 299, 300, 17.5)',
      'each = 5',
      'each > 12345.5 AND each <= 60000',
      'each IN (-40000, -39998.5, 64998.5, 0.5)',
      "name = 'name 69999'",
      "name LIKE 'name 12%'",
      "name LIKE '%99'",
      "name CONTAINS '123'",
      "name IN ('name 1', 'name 65535', 'name 65536', 'name x')",
      "NOT name < 'name 5'",
      "day >= '2010-01-01' AND day < '2011-07-01T00:00:00Z'",
      "day = '2012-02-29'",
      "day > '2015' AND day LIKE '2015%'",
      "tags = 'tag 17'",
      "tags CONTAINS ALL ('tag 31', 'tag 48')",
      "tags CONTAINS 'tag'",
      'EXISTS tags AND tags CONTAINS ALL ()',
      'crowd = 8005',
      'crowd > 8004 AND crowd < 6',
      'crowd IN (1, 100, 4000)',
      'EXISTS rare',
      'rare > 30000 AND rare < 50000',
      "deep.rare = 'r16001' OR deep.rare = 'r1'",
      'EXISTS deep AND NOT EXISTS deep.rare.x',
      "edge = 'here'",
      "edge != 'here'",
      'maybe IS NULL AND few = 1',
      'maybe = NULL',
      "nowhere = 1 OR nowhere.at = 'all'",
      'NOT EXISTS nowhere AND few = 6',
      'near = 0',
      'near = 68 AND few = 3',
      'near IN (3, 17, 18, 50)',
      'near < 5 OR near > 60',
      'NOT near BETWEEN 10 AND 20',
      'nearer = 300',
      'nearer IN (0, 256, 511, 1000)',
      'nearer != 700 AND each > 0',
      "nearTags = 'tag 8'",
      "nearTags IN ('tag 0', 'tag 12', 'tag 36')",
      "NOT nearTags = 'tag 30' AND nearTags LIKE '%0'",
      'nearRare = 100',
      'nearRare IN (0, 7, 130, 273)',
      'nearPairs = 40 OR nearPairs = 16',
      'NOT nearPairs > 10',
    ]),
  )('%s', async (text) => {
    const filter = parseFilter(text);
    expect(await check(reader, documents, filter)).toBe(0);
    // In the cache by now, all of it.
    expect(reader.filterRows(filter)).not.toBeInstanceOf(Promise);
  });
});

test('of long texts that lie together, those of their leaves alone are left open', async () => {
  const long = (row: number): string => `a long beginning that all of them have ${row >> 12} of them`;
  const documents = Array.from({ length: 20_000 }, (_, row) => ({
    long: row % 4_096 < 4_000 ? long(row) : 'short',
  }));
  const leafStarts = Uint32Array.from({ length: 40 }, (_, leaf) => 500 * leaf);
  const reader = await segmentOf(documents, { leafStarts });
  expect(await check(reader, documents, compare('eq', 'long', long(9_000)))).toBe(4_000);
  expect(await check(reader, documents, not(compare('eq', 'long', long(19_999))))).toBe(20_000 - 4 * 4_096);
  expect(await check(reader, documents, compare('eq', 'long', 'short'))).toBe(0);
});

test('a filter may be as deep as filters may be', async () => {
  const documents = Array.from({ length: 100 }, (_, row) => ({
    n: row % 10,
    long: 'x'.repeat(row),
    tags: [row % 4, row % 3],
  }));
  const reader = await segmentOf(documents);
  let filter = list('contains_all', 'tags', [1, 2]);
  for (let depth = 2; depth <= limits.filterDepth; depth++) {
    // The deeper one is the second, so that what was found before is kept meanwhile.
    const first = compare('gt', 'long', `${'x'.repeat(40)}${depth}`);
    filter = depth % 2 === 0 ? or([compare('eq', 'n', 11 - depth), filter]) : and([not(first), filter]);
  }
  expect(parseFilter(filterToText(filter))).toEqual(filter);
  await check(reader, documents, filter);
  await check(reader, documents, not(filter));
});

describe('what has no columns is left open', () => {
  const documents = Array.from({ length: 300 }, (_, row) => ({
    secret: { deep: row },
    'secret.flat': row,
    secretive: row % 2,
    many: `text ${row} ${'x'.repeat(row % 20)}`,
    few: row % 3,
  }));

  test('of fields that are not filterable, and below them', async () => {
    const reader = await segmentOf(documents, { unfilterable: ['secret'] });
    const opened = async (text: string): Promise<number> => await check(reader, documents, parseFilter(text));
    expect(await opened('secret.deep = 5')).toBe(300);
    expect(await opened('EXISTS secret')).toBe(300);
    expect(await opened('secret.flat = 5')).toBe(300);
    expect(await opened('secret.deep = 5 AND few = 1')).toBe(100);
    expect(await opened('secret.deep = 5 OR few = 1')).toBe(200);
    expect(await opened('secretive = 1')).toBe(0);
    expect(await opened('nowhere = 1')).toBe(0);
  });

  test('of fields that took too much memory', async () => {
    const reader = await segmentOf(documents, { columnBytesMax: 24_000 });
    expect(await check(reader, documents, parseFilter("many > 'text 5'"))).toBe(300);
    expect(await check(reader, documents, parseFilter('few = 1'))).toBe(0);
    expect(await check(reader, documents, parseFilter('nowhere = 1'))).toBe(0);
  });

  test('of more paths than there is room for, those that fewest rows have', async () => {
    const wide = Array.from({ length: 400 }, (_, row) => ({
      every: row,
      ...Object.fromEntries(Array.from({ length: 20 }, (_unused, i) => [`only-${row}-${i}`, { x: row }])),
    }));
    const reader = await segmentOf(wide);
    expect(await check(reader, wide, parseFilter('every > 100'))).toBe(0);
    expect(await check(reader, wide, parseFilter('"only-390-3".x = 390'))).toBe(400);
    expect(await check(reader, wide, parseFilter('nowhere = 1'))).toBe(400);
  });
});
