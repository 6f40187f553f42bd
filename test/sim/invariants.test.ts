/**
 * docs/INVARIANTS.md and the tests name each other: every invariant has a row, every test that a row names is there, and
 * a row says "simulator" exactly where the simulator reports that invariant.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/INVARIANTS.md'), 'utf8');
const rows = [...page.matchAll(/^\| (\d+) \| (.+?) \| (.+) \|$/gm)].map(([, number, , held]) => ({
  number: Number(number),
  held: held!,
}));

/** Numbers with which messages of the simulator begin. */
function reported(): ReadonlySet<number> {
  const sources = readdirSync(import.meta.dirname).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
  );
  const texts = sources.map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'));
  return new Set(
    texts.flatMap((text) => [...text.matchAll(/[`'](\d{1,2}): /g)].map(([, number]) => Number(number))),
  );
}

describe('docs/INVARIANTS.md', () => {
  it('has a row for each of the 21', () => {
    expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 21 }, (_, i) => i + 1));
  });

  it('names only tests and sources that are there', () => {
    const named = rows.flatMap(({ held }) =>
      [...held.matchAll(/`((?:test|core)\/[^`]+)`/g)].map(([, path]) => path!),
    );
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it('says "simulator" exactly where the simulator can report the invariant', () => {
    const said = rows.filter(({ held }) => /\bsimulator\b/.test(held)).map(({ number }) => number);
    expect(said).toEqual([...reported()].sort((a, b) => a - b));
  });
});
