/**
 * Texts around the lengths at which a column cuts them, that agree in their first bytes, with characters of several bytes
 * on the cuts; and filters that ask for them and for their neighbours.
 */
import fc from 'fast-check';
import { compare, contains, list, not } from '../../core/filter/ast.js';
import type { Filter } from '../../core/filter/ast.js';
import { patternFilter, prefixFilter, tryParseGlob } from '../../core/filter/pattern.js';

const heads = [
  'https://example.org/abcd',
  'https://example.org/abcé',
  'https://example.org/ab😀',
  'z'.repeat(24),
];
const tails = [
  '',
  'a',
  'b',
  'é',
  'a'.repeat(15),
  'a'.repeat(16),
  'a'.repeat(17),
  `${'a'.repeat(16)}b`,
  'b'.repeat(40),
];

export const longTexts: readonly string[] = [
  ...heads.flatMap((head) => tails.map((tail) => head + tail)),
  ...[
    '',
    'https://',
    'https://example.org/ab',
    'https://example.org/abc',
    '2024-05-01T00:00:00.000000001+02:00',
  ],
];

const asked = fc.oneof(
  fc.constantFrom(...longTexts),
  fc.constantFrom(...longTexts).map((text) => `${text}a`),
  fc
    .tuple(fc.constantFrom(...longTexts), fc.nat(45))
    .map(([text, length]) => Array.from(text).slice(0, length).join('')),
);
const path = fc.constantFrom('a', 'b');

const fieldArbitrary: fc.Arbitrary<Filter> = fc.oneof(
  fc
    .tuple(fc.constantFrom('eq', 'gt', 'gte', 'lt', 'lte'), path, asked)
    .map(([op, at, text]) => compare(op, at, text)),
  fc.tuple(path, asked).map(([at, text]) => prefixFilter(at, text)),
  fc.tuple(path, asked).map(([at, text]) => contains(at, text)),
  fc.tuple(path, asked).map(([at, text]) => patternFilter(at, tryParseGlob(`*${text.slice(3)}?`)!)),
  fc
    .tuple(fc.constantFrom('in', 'contains_any', 'contains_all'), path, fc.array(asked, { maxLength: 4 }))
    .map(([op, at, values]) => list(op, at, values)),
);

export const longTextFilterArbitrary: fc.Arbitrary<Filter> = fc.oneof(
  fieldArbitrary,
  fieldArbitrary.map(not),
);
