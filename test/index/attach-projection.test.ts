/**
 * Strategy: as attach.test.ts, for what comes with a projection. A section or a number that contradicts the others is
 * refused. Weights, projected codes, terms and ranges may be anything that is a number: they lead a walk astray, but what it
 * answers are rows of the index at their own distances, and it writes to its scratch alone.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isCairnError } from '../../core/base/errors.js';
import { PAYLOAD_OFFSET } from '../../core/kernel/index.js';
import { SearchIndex, type IndexSection, type IndexSectionKind } from '../../core/index/index.js';
import {
  built,
  clustered,
  directionsOf,
  kernel,
  rowOf,
  shapeOf,
  stored,
  type StoredIndex,
} from './fixture.js';

const DIMENSION = 24;
const OUTPUTS = 8;
const ROWS = 400;
const rows = clustered(ROWS, DIMENSION, 2);
const shape = shapeOf(rows, DIMENSION, 'euclidean');
const projection = {
  outputs: OUTPUTS,
  directions: directionsOf(OUTPUTS, DIMENSION, 6),
  means: new Float32Array(DIMENSION),
  params: { lo: new Float32Array(OUTPUTS).fill(-2), step: new Float32Array(OUTPUTS).fill(4 / 255) },
};
const builder = built(rows, shape, { m: 4, efConstruction: 30, seed: 3 }, projection);
const good = stored(builder, shape);
builder.release();
const kinds = ['projection', 'projectedParams', 'projectedCodes', 'projectedTerms'] as const;

type Numbers = Readonly<Record<string, number>>;

function sectionOf(kind: IndexSectionKind): IndexSection {
  return good.sections.find((section) => section.kind === kind)!;
}

/** Runs `use` in a memory full of dirt, whatever the numbers say. */
function attachedTo<T>(
  { region, sections }: StoredIndex,
  numbers: Numbers,
  use: (index: SearchIndex, u8: Uint8Array) => T,
): T {
  const arena = kernel.pool.acquire(262_144);
  arena.u8.fill(0xa5, PAYLOAD_OFFSET);
  arena.u8.set(region, PAYLOAD_OFFSET);
  try {
    const index = SearchIndex.attach(arena, {
      ...{ shape, sections, numbers, leafStarts: Uint32Array.of(0), regionBytes: region.length },
      key: 'seg/test',
    });
    return use(index, arena.u8);
  } finally {
    kernel.pool.release(arena);
  }
}

function refusal(index: StoredIndex, numbers: Numbers = { ...good.numbers }): unknown {
  try {
    attachedTo(index, numbers, () => undefined);
    return undefined;
  } catch (error) {
    if (isCairnError(error) && error.kind === 'corrupt') return error.details;
    throw error;
  }
}

function withSection(kind: IndexSectionKind, change: Partial<IndexSection>): StoredIndex {
  return {
    ...good,
    sections: good.sections.map((section) => (section.kind === kind ? { ...section, ...change } : section)),
  };
}

function withWord(at: number, value: number): StoredIndex {
  const region = good.region.slice();
  new DataView(region.buffer).setUint32(at, value, true);
  return { ...good, region };
}

const factorsAt = sectionOf('projection').offset + OUTPUTS * 32;
const dirt = new Uint8Array(262_144).fill(0xa5);
const expectedScans = attachedTo(good, { ...good.numbers }, (index) =>
  Array.from({ length: 5 }, (_, q) => index.scan({ query: rowOf(rows, DIMENSION, q), limit: ROWS })),
);

/** A walk may find any rows; those that it finds stand as in a scan. Only scratch is written. */
function expectHarmless(index: StoredIndex): void {
  const { region } = index;
  attachedTo(index, { ...good.numbers }, (found, u8) => {
    for (const [q, scan] of expectedScans.entries()) {
      const query = rowOf(rows, DIMENSION, q);
      for (const limit of [ROWS, 7]) {
        const hits = found.walk({ query, ef: ROWS, limit });
        expect(hits.rows.length).toBeGreaterThan(0);
        const places = new Map([...scan.rows].map((row, i) => [row, i]));
        const at = [...hits.rows].map((row) => places.get(row)!);
        expect(at).toEqual([...new Set(at)].toSorted((a, b) => a - b));
        expect([...hits.distances]).toEqual(at.map((i) => scan.distances[i]!));
      }
      expect(found.scan({ query, limit: ROWS })).toEqual(scan);
    }
    const end = PAYLOAD_OFFSET + region.length;
    expect(Buffer.compare(u8.subarray(PAYLOAD_OFFSET, end), region)).toBe(0);
    const past = u8.subarray(
      end + SearchIndex.scratchBytes({ shape, numbers: { outputs: OUTPUTS }, leafStarts: Uint32Array.of(0) }),
    );
    expect(past.length).toBeGreaterThan(0);
    expect(Buffer.compare(past, dirt.subarray(0, past.length))).toBe(0);
  });
}

describe('SearchIndex.attach with a projection', () => {
  test('accepts what a builder made', () => {
    expect(refusal(good)).toBeUndefined();
    expectHarmless(good);
  });

  test.each(kinds)('refuses a section %s of another size, outside, missing, or twice', (kind) => {
    const { offset, length, count } = sectionOf(kind);
    for (const change of [
      { length: length + 4 },
      { length: length - 4 },
      { length: 0 },
      { length: Number.NaN },
      { count: count + 1 },
      { count: count - 1 },
      { count: 0 },
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
    expect(refusal({ ...good, sections: [...good.sections, sectionOf(kind)] })).toBeDefined();
    expect(
      refusal({ ...good, sections: good.sections.filter((section) => section.kind !== kind) }),
    ).toBeDefined();
  });

  test('refuses outputs that no section has, and takes an index without either', () => {
    const without = { ...good, sections: good.sections.slice(0, 6) };
    expect(refusal(without)).toBeDefined();
    expect(refusal(without, { ...good.numbers, outputs: 0 })).toBeUndefined();
    const { m, entry, maxLevel } = good.numbers;
    // As those wrote it who knew of no projections.
    expect(refusal(without, { m, entry, maxLevel })).toBeUndefined();
  });

  test.each([
    ['no outputs', 0],
    ['outputs that are none', Number.NaN],
    ['fewer outputs', 4],
    ['more outputs', 12],
    ['outputs that are no multiple of 4', 6],
    ['more outputs than dimensions', 28],
    ['as many outputs as dimensions', 24],
    ['a huge number of outputs', 2 ** 32 + 8],
    ['infinitely many outputs', Infinity],
    ['half an output', 8.5],
    ['negative outputs', -8],
  ])('refuses %s', (_, outputs) => {
    expect(refusal(good, { ...good.numbers, outputs })).toBeDefined();
  });

  test('refuses sections of which nothing says how many outputs they have', () => {
    const { m, entry, maxLevel } = good.numbers;
    expect(refusal(good, { m, entry, maxLevel })).toBeDefined();
    for (const kind of kinds) {
      const only = good.sections.filter((section) => section.kind === kind);
      const sections = [...good.sections.slice(0, 6), ...only];
      expect(refusal({ ...good, sections }, { m, entry, maxLevel })).toBeDefined();
    }
  });

  test('refuses outputs that are no multiple of 4 though all sections agree', () => {
    const own = {
      projection: 6 * 36,
      projectedParams: 48,
      projectedCodes: ROWS * 16,
      projectedTerms: ROWS * 4,
    };
    const sections = good.sections.map((section) => {
      const length = (own as Partial<Record<IndexSectionKind, number>>)[section.kind];
      if (length === undefined) return section;
      return { ...section, length, count: Math.min(section.count, section.count === OUTPUTS ? 6 : ROWS) };
    });
    expect(refusal({ ...good, sections }, { ...good.numbers, outputs: 6 })).toMatchObject({ found: '6' });
  });

  test.each([
    ['a factor that is NaN', factorsAt, 0x7fc00000],
    ['the last factor infinite', factorsAt + 4 * (OUTPUTS - 1), 0x7f800000],
    ['a factor of minus infinity', factorsAt + 8, 0xff800000],
    ['a low that is NaN', sectionOf('projectedParams').offset + 4, 0x7fc00000],
    ['an infinite low', sectionOf('projectedParams').offset, 0xff800000],
    ['an infinite step', sectionOf('projectedParams').offset + 4 * OUTPUTS, 0x7f800000],
    ['a negative step', sectionOf('projectedParams').offset + 4 * OUTPUTS + 8, 0xbf800000],
  ])('names the word: %s', (_, at, value) => {
    expect(refusal(withWord(at, value))).toMatchObject({ key: 'seg/test', offset: at });
  });

  test('survives any bytes of weights, codes and terms', () => {
    const places = (['projectedCodes', 'projectedTerms'] as const).map(sectionOf);
    // Behind the weights are factors, which must be numbers.
    const weights = { offset: sectionOf('projection').offset, length: OUTPUTS * 32 };
    const change = fc.record({
      place: fc.constantFrom(weights, ...places),
      from: fc.double({ min: 0, max: 1, noNaN: true }),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 600 }),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 5 }), (changes) => {
        const region = good.region.slice();
        for (const { place, from, bytes } of changes) {
          const at = Math.floor(from * (place.length - 1));
          region.set(bytes.subarray(0, place.length - at), place.offset + at);
        }
        expectHarmless({ ...good, region });
      }),
      { numRuns: 60 },
    );
  });

  test.each([0x00, 0x7f, 0x80, 0xff])('survives weights, codes and terms of bytes %i alone', (byte) => {
    const region = good.region.slice();
    region.fill(byte, sectionOf('projection').offset, factorsAt);
    region.fill(byte, sectionOf('projectedCodes').offset);
    expectHarmless({ ...good, region });
  });

  test('survives factors and ranges of any finite size', () => {
    const finite = fc.oneof(
      fc.float({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(0, 3.4028234e38, -3.4028234e38, 1e-45),
    );
    const many = { minLength: OUTPUTS, maxLength: OUTPUTS };
    const change = fc.record({
      factors: fc.array(finite, many),
      lo: fc.array(finite, many),
      step: fc.array(finite.map(Math.abs), many),
    });
    fc.assert(
      fc.property(change, ({ factors, lo, step }) => {
        const region = good.region.slice();
        const put = (at: number, values: readonly number[]): void =>
          new Float32Array(region.buffer, at, values.length).set(values);
        put(factorsAt, factors);
        put(sectionOf('projectedParams').offset, [...lo, ...step]);
        expectHarmless({ ...good, region });
      }),
      { numRuns: 60 },
    );
  });

  test.each(['cosine', 'dot', 'manhattan'] as const)('survives a projection of %s', (metric) => {
    const arena = kernel.pool.acquire(262_144);
    arena.u8.set(good.region, PAYLOAD_OFFSET);
    const options = {
      ...good,
      numbers: { ...good.numbers },
      regionBytes: good.region.length,
      key: 'seg/test',
    };
    const index = SearchIndex.attach(arena, { ...options, shape: { ...shape, metric } });
    const query = rowOf(rows, DIMENSION, 3);
    const scan = index.scan({ query, limit: ROWS });
    const distances = new Map([...scan.rows].map((row, i) => [row, scan.distances[i]!]));
    const hits = index.walk({ query, ef: 100, limit: 20 });
    expect(hits.rows).toHaveLength(20);
    for (const [i, row] of hits.rows.entries()) expect(hits.distances[i]).toBe(distances.get(row));
    expect(index.scan({ query, limit: ROWS })).toEqual(scan);
    kernel.pool.release(arena);
  });

  test('every arena went back', () => {
    // What stays is the kernel's own scratch.
    expect(kernel.pool.usage().usedBytes).toBe(262_144 + 65_536);
  });
});
