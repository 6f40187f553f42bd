/**
 * Properties over random filters and documents: both printers invert both parsers, one meaning has one canonical text,
 * and the evaluator obeys two-valued logic. An evaluator written for this test alone, recursive and without sets,
 * instants' keys or early ends, checks the real one from the words of docs/FILTERS.md.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareUtf8 } from '../../core/base/bytes.js';
import { and, not, or } from '../../core/filter/ast.js';
import type { FieldFilter, Filter, Scalar } from '../../core/filter/ast.js';
import { filterToJson, filterToText, matches, parseFilter } from '../../core/filter/index.js';
import { tryParseInstant } from '../../core/filter/instant.js';
import { matchPattern, tryParseGlob } from '../../core/filter/pattern.js';
import { documentArbitrary, filterArbitrary } from './arbitraries.js';

test('an object printed and parsed is the same tree', () => {
  fc.assert(
    fc.property(filterArbitrary, (filter) => {
      expect(parseFilter(JSON.parse(filterToJson(filter)))).toStrictEqual(filter);
    }),
    { numRuns: 3_000 },
  );
});

test('a text printed and parsed is the same tree, so both spellings have one canonical form', () => {
  fc.assert(
    fc.property(filterArbitrary, (filter) => {
      const parsed = parseFilter(filterToText(filter));
      expect(parsed).toStrictEqual(filter);
      expect(filterToJson(parsed)).toBe(filterToJson(filter));
    }),
    { numRuns: 3_000 },
  );
});

test('complement, De Morgan, and the members of groups', () => {
  fc.assert(
    fc.property(filterArbitrary, filterArbitrary, documentArbitrary, (f, g, document) => {
      const holds = (filter: Filter): boolean => matches(filter, document);
      expect(holds(not(f))).toBe(!holds(f));
      expect(holds(and([f, g]))).toBe(holds(f) && holds(g));
      expect(holds(or([f, g]))).toBe(holds(f) || holds(g));
      expect(holds(not(and([f, g])))).toBe(holds(or([not(f), not(g)])));
      expect(holds(not(or([f, g])))).toBe(holds(and([not(f), not(g)])));
    }),
    { numRuns: 2_000 },
  );
});

test('any filter on any JSON is true or false', () => {
  fc.assert(
    fc.property(
      filterArbitrary,
      fc.jsonValue({ depthSize: 'large', stringUnit: 'binary' }),
      (filter, document) => {
        expect(typeof matches(filter, document)).toBe('boolean');
      },
    ),
    { numRuns: 2_000 },
  );
});

test('agrees with the rules as written', () => {
  const counts = { true: 0, false: 0 };
  fc.assert(
    fc.property(filterArbitrary, documentArbitrary, (filter, document) => {
      const result = matches(filter, document);
      if ('path' in filter) counts[`${result}`]++;
      expect(result).toBe(means(filter, document));
    }),
    { numRuns: 20_000 },
  );
  // Filters and documents meet often enough to be a test.
  expect(Math.min(counts.true, counts.false)).toBeGreaterThan(500);
});

function means(filter: Filter, document: unknown): boolean {
  if (filter.op === 'all') return true;
  if (filter.op === 'not') return !means(filter.filter, document);
  if ('path' in filter) return fieldMeans(filter, valuesAt(document, filter.path.split('.')));
  if (filter.op === 'and') return filter.filters.every((member) => means(member, document));
  return filter.filters.some((member) => means(member, document));
}

function fieldMeans(filter: FieldFilter, found: readonly unknown[]): boolean {
  const leaves = found.flatMap((value) =>
    Array.isArray(value) ? (value.flat(Infinity) as unknown[]) : [value],
  );
  const contained = (wanted: Scalar): boolean =>
    found.some((value) => {
      const items: unknown[] = Array.isArray(value) ? value.flat(Infinity) : [];
      if (Array.isArray(value)) return items.some((item) => order(item, wanted) === 0);
      return typeof value === 'string' && typeof wanted === 'string' && value.includes(wanted);
    });
  if (filter.op === 'exists') return found.length > 0;
  if (filter.op === 'contains') return contained(filter.value);
  if (filter.op === 'contains_any') return filter.values.some(contained);
  if (filter.op === 'contains_all') return found.length > 0 && filter.values.every(contained);
  return leaves.some((leaf) => leafMeans(filter, leaf));
}

function leafMeans(filter: FieldFilter, leaf: unknown): boolean {
  if ('values' in filter) return filter.values.some((value) => order(leaf, value) === 0);
  if (filter.op === 'prefix') {
    return typeof leaf === 'string' && leaf.slice(0, filter.prefix.length) === filter.prefix;
  }
  if (filter.op === 'glob') {
    return typeof leaf === 'string' && matchPattern(tryParseGlob(filter.pattern)!, leaf);
  }
  const difference = 'value' in filter ? order(leaf, filter.value) : undefined;
  if (difference === undefined) return false;
  const accepted: Record<string, number[]> = { eq: [0], gt: [1], gte: [0, 1], lt: [-1], lte: [-1, 0] };
  return accepted[filter.op]!.some((sign) => sign === Math.sign(difference));
}

/** Values at a path: of each way to join its segments into keys. */
function valuesAt(value: unknown, segments: readonly string[]): unknown[] {
  if (segments.length === 0) return [value];
  if (Array.isArray(value)) return value.flatMap((item) => valuesAt(item, segments));
  if (typeof value !== 'object' || value === null) return [];
  return segments.flatMap((_, index) => {
    const key = segments.slice(0, index + 1).join('.');
    const own = Object.getOwnPropertyDescriptor(value, key);
    return own === undefined ? [] : valuesAt(own.value, segments.slice(index + 1));
  });
}

/** Undefined across types: every comparison with it is false. */
function order(a: unknown, b: unknown): number | undefined {
  if (a === null && b === null) return 0;
  if (typeof a !== typeof b || a === null || b === null) return undefined;
  if (typeof a === 'number' && typeof b === 'number') return a === b ? 0 : a < b ? -1 : 1;
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (typeof a !== 'string' || typeof b !== 'string') return undefined;
  const [x, y] = [tryParseInstant(a), tryParseInstant(b)];
  if (x === undefined || y === undefined) return compareUtf8(a, b);
  return x.seconds === y.seconds ? x.nanos - y.nanos : x.seconds - y.seconds;
}
