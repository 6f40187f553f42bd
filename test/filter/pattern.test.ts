/**
 * Patterns. The oracle is a RegExp built from the tokens of a spelling, which tests may do and the engine may not. The
 * cost is bounded by counting steps: time says nothing on a busy machine.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { matchPattern, tryParseGlob, tryParseLike } from '../../core/filter/pattern.js';
import type { PatternTokens, StepCounter } from '../../core/filter/pattern.js';
import { globArbitrary } from './arbitraries.js';

const glob = (pattern: string): PatternTokens => tryParseGlob(pattern)!;

/** A glob as a regular expression, by its definition. */
function oracle(pattern: string): RegExp {
  const body = pattern.replaceAll(/\\(.)|(.)/gsu, (_, escaped?: string, plain?: string) => {
    if (plain === '*') return '[^]*';
    if (plain === '?') return '[^]';
    return `\\u{${(escaped ?? plain)!.codePointAt(0)!.toString(16)}}`;
  });
  return new RegExp(`^${body}$`, 'u');
}

test('globs match what their regular expression matches', () => {
  const text = fc
    .array(fc.constantFrom('a', 'b', '*', '?', '\\', '😀', '%'), { maxLength: 12 })
    .map((parts) => parts.join(''));
  let matched = 0;
  fc.assert(
    fc.property(globArbitrary, text, (pattern, subject) => {
      const result = matchPattern(glob(pattern), subject);
      if (result) matched++;
      expect(result).toBe(oracle(pattern).test(subject));
    }),
    { numRuns: 20_000 },
  );
  expect(matched).toBeGreaterThan(500);
});

test('LIKE is glob with other signs', () => {
  const swap: Readonly<Record<string, string>> = { '*': '%', '?': '_', '%': '\\%', _: '\\_' };
  fc.assert(
    fc.property(globArbitrary, (pattern) => {
      const like = pattern.replaceAll(/\\?./gsu, (part) => swap[part] ?? part);
      expect(tryParseLike(like)).toEqual(tryParseGlob(pattern));
    }),
  );
});

test.each([
  ['a?c', 'a😀c', true],
  ['?', '', false],
  ['*', '', true],
  ['', '', true],
  ['', 'a', false],
  ['[ab]', '[ab]', true],
  ['[ab]', 'a', false],
  ['a*', 'ba', false],
  ['A', 'a', false],
  ['*.ts', 'a.ts.ts', true],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'a-c-b', false],
])('glob %j on %j: %s', (pattern, text, expected) => {
  expect(matchPattern(glob(pattern), text)).toBe(expected);
});

test('a pattern that ends in its escape is none', () => {
  expect(tryParseGlob('a\\')).toBeUndefined();
  expect(tryParseLike('a!', '!')).toBeUndefined();
  expect(tryParseLike('a\\', '')).toBeDefined();
});

function steps(pattern: string, text: string): number {
  const counter: StepCounter = { steps: 0 };
  matchPattern(glob(pattern), text, counter);
  return counter.steps;
}

test('hostile patterns stay linear in the text', () => {
  const text = 'a'.repeat(60_000);
  // Exponential in a backtracking matcher.
  expect(steps(`${'*a'.repeat(500)}*b`, text)).toBeLessThan(3 * text.length);
  expect(steps(`${'a*'.repeat(500)}b`, text)).toBeLessThan(3 * text.length);
  expect(steps(`${'*?'.repeat(500)}b`, text)).toBeLessThan(3 * text.length);
  expect(steps('*'.repeat(1000), text)).toBeLessThan(3);
  // The worst there is: a run that fails at its end, from every place. Bounded by the run's length, not by the text's.
  for (const run of [10, 100]) {
    expect(steps(`*${'a'.repeat(run)}b`, text)).toBeLessThanOrEqual(text.length * (run + 2));
  }
});
