/**
 * Random filters and documents. Both draw on a few paths and values, so that they meet often; the values hold what the
 * printers must escape and what the rules treat apart: quotes, wildcards, keywords, dates in several spellings, -0.
 */
import fc from 'fast-check';
import { all, and, compare, contains, exists, list, not, or } from '../../core/filter/ast.js';
import type { Filter, Scalar } from '../../core/filter/ast.js';
import { patternFilter, prefixFilter, tryParseGlob } from '../../core/filter/pattern.js';

const paths = [
  'a',
  'b',
  'a.b',
  'a.b.c',
  'IN',
  '$price',
  '\\x',
  'in stock',
  'q"`\'uote',
  '__proto__',
  'constructor',
  'ü.5',
  '.a.',
];
const texts = [
  '', 'a', 'b', 'ab', 'a%b_c', "it's", '\\', '*?[x]', '😀', '\uffff', '2024-05-01', '2024-05-01T00:00:00Z', '2024-05-01T02:00:00+02:00',
  '2024-05-01T00:00:00.000000001Z', '2024-05-01T00:00:00', 'NULL', 'true', '5',
]; // prettier-ignore
const numbers = [0, -0, 1, -1, 5, 0.1, 1e21, 1e-7, -2.5e300, Number.MAX_SAFE_INTEGER];

const pathArbitrary: fc.Arbitrary<string> = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('a', 'b', 'a.b') },
  { weight: 4, arbitrary: fc.constantFrom(...paths) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }) },
);

const textArbitrary: fc.Arbitrary<string> = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...texts) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
);

const orderedArbitrary: fc.Arbitrary<Scalar> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(1, 'a', '2024-05-01', '2024-05-01T00:00:00Z') },
  { weight: 2, arbitrary: textArbitrary },
  { weight: 1, arbitrary: fc.constantFrom(...numbers) },
  { weight: 1, arbitrary: fc.boolean() },
  { weight: 1, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }) },
);

const scalarArbitrary: fc.Arbitrary<Scalar> = fc.oneof(
  { weight: 8, arbitrary: orderedArbitrary },
  { weight: 1, arbitrary: fc.constant(null) },
);

export const globArbitrary: fc.Arbitrary<string> = fc
  .array(fc.constantFrom('*', '?', 'a', 'b', '%', '_', '\\*', '\\?', '\\\\', '\\a', '😀', "'"), {
    maxLength: 8,
  })
  .map((parts) => parts.join(''));

const fieldArbitrary: fc.Arbitrary<Filter> = fc.oneof(
  pathArbitrary.map(exists),
  fc.tuple(pathArbitrary, scalarArbitrary).map(([path, value]) => compare('eq', path, value)),
  fc
    .tuple(fc.constantFrom('gt', 'gte', 'lt', 'lte'), pathArbitrary, orderedArbitrary)
    .map(([op, path, value]) => compare(op, path, value)),
  fc.tuple(pathArbitrary, scalarArbitrary).map(([path, value]) => contains(path, value)),
  fc
    .tuple(
      fc.constantFrom('in', 'contains_any', 'contains_all'),
      pathArbitrary,
      fc.array(scalarArbitrary, { maxLength: 4 }),
    )
    .map(([op, path, values]) => list(op, path, values)),
  fc.tuple(pathArbitrary, textArbitrary).map(([path, text]) => prefixFilter(path, text)),
  fc
    .tuple(pathArbitrary, globArbitrary)
    .map(([path, pattern]) => patternFilter(path, tryParseGlob(pattern)!)),
);

export const filterArbitrary: fc.Arbitrary<Filter> = fc.letrec<{ filter: Filter }>((tie) => {
  const members = fc.array(tie('filter'), { minLength: 1, maxLength: 4 });
  return {
    filter: fc.oneof(
      { depthSize: 'small', maxDepth: 5 },
      { weight: 8, arbitrary: fieldArbitrary },
      { weight: 1, arbitrary: fc.constant(all()) },
      { weight: 3, arbitrary: members.map(and) },
      { weight: 3, arbitrary: members.map(or) },
      { weight: 3, arbitrary: tie('filter').map(not) },
    ),
  };
}).filter;

export const documentArbitrary: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown; document: unknown }>(
  (tie) => ({
    value: fc.oneof(
      { depthSize: 'small', maxDepth: 4 },
      { weight: 6, arbitrary: scalarArbitrary },
      { weight: 2, arbitrary: fc.array(tie('value'), { maxLength: 4 }) },
      { weight: 2, arbitrary: tie('document') },
    ),
    // Through JSON, as documents arrive: `__proto__` becomes an own key.
    document: fc
      .array(fc.tuple(fc.oneof(pathArbitrary, fc.constantFrom('a', 'b', 'c', 'b.c')), tie('value')), {
        maxLength: 5,
      })
      .map((entries): unknown =>
        JSON.parse(
          `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join()}}`,
        ),
      ),
  }),
).document;
