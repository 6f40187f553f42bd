/**
 * Broken filters by the thousand, from a seed (broken-filters.ts). Each parses or is refused with a typed error that says
 * where; nothing else may be thrown, and what parses prints, parses back and runs. A failure shows the input itself.
 * CAIRN_FILTERS tells how many; `npm run fuzz -- --decoder filters` runs 100,000 and tells which took the longest.
 */
import { expect, test } from 'vitest';
import { CairnError } from '../../core/base/errors.js';
import { filterToJson, filterToText, matches, parseFilter } from '../../core/filter/index.js';
import { kinds, seeded, show } from './broken-filters.js';

const FILTERS = Number(process.env['CAIRN_FILTERS'] ?? 20_000);

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

test.each(kinds)('broken $name parse or are refused', ({ make, share }) => {
  const count = Math.ceil((FILTERS * share) / 100);
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
