/**
 * Strategy: `JSON.parse` is the oracle for what is JSON. Any text, random or a damaged document, has a fault exactly
 * where `JSON.parse` throws; the table fixes positions and words.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonFault } from '../../functions/http/body/json-fault.js';

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const shards = fc.constantFrom(
  ...[
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '"a"',
    '\\',
    '\\u',
    '12',
    '-',
    '.',
    'e',
    '+',
    '0',
    'true',
    'nul',
    ' ',
  ],
  ...['\n', '\u0001', '\u007f', '\ud800', '😀', '"\\n"'],
);

test('has a fault exactly where JSON.parse refuses', () => {
  fc.assert(
    fc.property(fc.array(shards, { maxLength: 14 }), (parts) => {
      const text = parts.join('');
      expect(jsonFault(text) === undefined, text).toBe(parses(text));
    }),
    { numRuns: 5_000 },
  );
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.string({ maxLength: 2 }), (json, at, graft) => {
      expect(jsonFault(json)).toBeUndefined();
      const cut = at % (json.length + 1);
      const damaged = json.slice(0, cut) + graft + json.slice(cut + 1);
      expect(jsonFault(damaged) === undefined, damaged).toBe(parses(damaged));
    }),
    { numRuns: 3_000 },
  );
});

test.each([
  ['', 1, 1, 'the text ends where value should be'],
  ['{"a":1,}', 1, 8, 'unexpected "}" where key should be'],
  ['{"a" 1}', 1, 6, 'unexpected "1" where ":" should be'],
  ['{\n  "a": [1, NaN]\n}', 2, 12, 'unexpected "N" where value should be'],
  ['[1] x', 1, 5, 'unexpected "x" where the end should be'],
  ['["a\nb"]', 1, 4, 'unescaped control character "\\n" in a string'],
  ['["\\x"]', 1, 3, 'bad escape in a string'],
  ['"abc', 1, 5, 'the text ends inside a string'],
  ['{"a":1', 1, 7, 'the text ends where "," or "}" should be'],
  ["{'a':1}", 1, 2, `unexpected "'" where key or "}" should be`],
])('%j is refused at line %i, column %i', (text, line, column, reason) => {
  expect(jsonFault(text)).toMatchObject({ line, column, reason });
});

test('bears a million open brackets and a million digits', () => {
  expect(jsonFault('['.repeat(1_000_000))).toMatchObject({ offset: 1_000_000 });
  expect(jsonFault(`[${'1'.repeat(1_000_000)}`)).toMatchObject({ offset: 1_000_001 });
});
