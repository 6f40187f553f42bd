/**
 * Strategy: an index from the bucket is refused, or harmless. Every word of the graph may be set to anything: what is
 * accepted is searched, and memory outside the index stays as it was. Sections and numbers that contradict the shape
 * are refused with the offset.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isCairnError } from '../../core/base/errors.js';
import { PAYLOAD_OFFSET, arenaClassFor } from '../../core/kernel/index.js';
import { SearchIndex, type IndexSection, type IndexSectionKind } from '../../core/index/index.js';
import { attached, built, clustered, kernel, rowOf, shapeOf, stored, type StoredIndex } from './fixture.js';

const DIMENSION = 8;
const rows = clustered(400, DIMENSION, 2);
const shape = shapeOf(rows, DIMENSION, 'euclidean');
const builder = built(rows, shape, { m: 4, efConstruction: 30, seed: 3 });
const good = stored(builder, shape);
builder.release();

function sectionOf(kind: IndexSectionKind): IndexSection {
  return good.sections.find((section) => section.kind === kind)!;
}

function refusal(index: StoredIndex): Record<string, unknown> | undefined {
  try {
    kernel.pool.release(attached(index).arena);
    return undefined;
  } catch (error) {
    if (isCairnError(error) && error.kind === 'corrupt') return error.details;
    throw error;
  }
}

function withWord(kind: IndexSectionKind, word: number, value: number): StoredIndex {
  const region = good.region.slice();
  new DataView(region.buffer).setUint32(sectionOf(kind).offset + word * 4, value, true);
  return { ...good, region };
}

function withSection(kind: IndexSectionKind, change: Partial<IndexSection>): StoredIndex {
  return {
    ...good,
    sections: good.sections.map((section) => (section.kind === kind ? { ...section, ...change } : section)),
  };
}

/** What `attached` leaves in the rest of the memory. */
const dirt = new Uint8Array(1_048_576).fill(0xa5);

const anyWord = fc.oneof(
  fc.nat(0xffffffff),
  fc.nat(500),
  fc.constantFrom(0xffffffff, 0x80000000, 0x7fffffff, 400, 399, 401, 9, 8, 5, 4),
);

describe('SearchIndex.attach', () => {
  test('accepts what a builder made', () => {
    expect(refusal(good)).toBeUndefined();
  });

  test.each(['graph0', 'graphN', 'graphLevels'] as const)('refuses or survives any words in %s', (kind) => {
    const { length } = sectionOf(kind);
    const change = fc.record({ at: fc.nat(length / 4 - 1), value: anyWord });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const region = good.region.slice();
        const view = new DataView(region.buffer);
        for (const { at, value } of changes) view.setUint32(sectionOf(kind).offset + at * 4, value, true);
        let found;
        try {
          found = attached({ ...good, region });
        } catch (error) {
          expect(isCairnError(error) && error.kind).toBe('corrupt');
          return;
        }
        const { index, arena } = found;
        const end = PAYLOAD_OFFSET + region.length;
        const hits = index.walk({ query: rowOf(rows, DIMENSION, 3), ef: 400, limit: 400 });
        for (const row of hits.rows) expect(row).toBeLessThan(400);
        expect(new Set(hits.rows).size).toBe(hits.rows.length);
        // The walk wrote to its scratch alone: neither into the index nor past the scratch.
        expect(Buffer.compare(arena.u8.subarray(PAYLOAD_OFFSET, end), region)).toBe(0);
        const past = arena.u8.subarray(
          end + SearchIndex.scratchBytes({ shape, numbers: {}, leafStarts: Uint32Array.of(0) }),
        );
        expect(Buffer.compare(past, dirt.subarray(0, past.length))).toBe(0);
        kernel.pool.release(arena);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ['a count above the room', 'graph0', 0, 9],
    ['a row past the end', 'graph0', 1, 400],
    ['a row far past the end', 'graph0', 1, 0xffffffff],
    ['an upper count above the room', 'graphN', 0, 5],
    ['a node past the end', 'graphN', 1, 0x7fffffff],
    ['a level row past the end', 'graphLevels', 0, 400],
    ['first lists that fall', 'graphLevels', 3, 0],
    ['a first list that is not the first', 'graphLevels', 1, 1],
  ] as const)('names the word: %s', (_, kind, word, value) => {
    expect(refusal(withWord(kind, word, value))).toMatchObject({
      key: 'seg/test',
      offset: sectionOf(kind).offset + word * 4,
      found: String(value),
    });
  });

  test('refuses a neighbour that does not reach the level of the list', () => {
    const words = new Uint32Array(
      good.region.buffer,
      sectionOf('graphLevels').offset,
      sectionOf('graphLevels').length / 4,
    );
    const nodes = words.length / 2 - 1;
    const height = (node: number): number => words[2 * node + 3]! - words[2 * node + 1]!;
    const tall = Array.from({ length: nodes }, (_, node) => node).find((node) => height(node) > 1)!;
    const low = Array.from({ length: nodes }, (_, node) => node).find((node) => height(node) === 1)!;
    const list = (words[2 * tall + 1]! + 1) * 5;
    const region = good.region.slice();
    const view = new DataView(region.buffer);
    view.setUint32(sectionOf('graphN').offset + list * 4, 1, true);
    view.setUint32(sectionOf('graphN').offset + list * 4 + 4, low, true);
    expect(refusal({ ...good, region })).toMatchObject({ found: String(low) });
  });

  test.each([
    ['a number of m that is none', { m: 4.5 }],
    ['an m of 0', { m: 0 }],
    ['a larger m', { m: 5 }],
    ['a huge m', { m: 2 ** 31 }],
    ['no entry', { entry: Number.NaN }],
    ['an entry past the end', { entry: 400 }],
    ['a negative entry', { entry: -1 }],
    ['a higher entry', { maxLevel: good.numbers.maxLevel + 1 }],
    ['a level of -1', { maxLevel: -1 }],
  ])('refuses %s', (_, numbers) => {
    expect(refusal({ ...good, numbers: { ...good.numbers, ...numbers } })).toBeDefined();
  });

  test.each(['params', 'codes', 'terms', 'graph0', 'graphN', 'graphLevels'] as const)(
    'refuses a section %s of another size, outside, or twice',
    (kind) => {
      const { offset, length, count } = sectionOf(kind);
      for (const change of [
        { length: length + 4 },
        { length: length - 4 },
        { length: 0 },
        { count: count + 1 },
        { count: count - 1 },
        { count: 0xffffffff },
        { count: Number.NaN },
        { offset: offset + 4 },
        { offset: good.region.length },
        { offset: -64 },
        { offset: 2 ** 40 },
        { offset: Number.NaN },
      ]) {
        expect(refusal(withSection(kind, change)), JSON.stringify(change)).toBeDefined();
      }
      const twice = [...good.sections, sectionOf(kind)];
      expect(refusal({ ...good, sections: twice })).toBeDefined();
      const without = good.sections.filter((section) => section.kind !== kind);
      if (kind !== 'graph0') expect(refusal({ ...good, sections: without })).toBeDefined();
    },
  );

  test.each([
    ['a low that is NaN', 0, 0x7fc00000],
    ['an infinite step', DIMENSION, 0x7f800000],
    ['a negative step', DIMENSION + 2, 0xbf800000],
  ])('refuses ranges with %s', (_, word, value) => {
    expect(refusal(withWord('params', word, value))).toMatchObject({ offset: word * 4 });
  });

  test('any terms and codes are harmless', () => {
    const region = good.region.slice();
    region.fill(0xff, sectionOf('codes').offset, sectionOf('terms').offset + sectionOf('terms').length);
    const { index, arena } = attached({ ...good, region });
    const query = rowOf(rows, DIMENSION, 0);
    expect(index.scan({ query, limit: 20 }).rows).toHaveLength(20);
    expect(index.walk({ query, ef: 20, limit: 20 }).rows).toHaveLength(20);
    kernel.pool.release(arena);
  });

  test('refuses a memory too small for the scratch', () => {
    const arena = kernel.pool.acquire(arenaClassFor(1)!);
    const options = { ...good, regionBytes: 262_144 - 64, key: 'seg/test' };
    expect(() => SearchIndex.attach(arena, { ...options, numbers: { ...good.numbers } })).toThrow(
      'expected a region that fits',
    );
    kernel.pool.release(arena);
  });
});
