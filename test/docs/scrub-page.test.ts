/** docs/SCRUB.md against the product: every finding that a check may tell has its row, of its severity, and no other has. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const shapes = read('core/engine/interface/scrub.ts');
const page = read('docs/SCRUB.md');

function declared(type: string): string[] {
  const union = new RegExp(`type ${type} =([^;]+);`).exec(shapes)![1]!;
  return [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code!);
}

/** The codes in the first cells of the table under this header. */
function told(header: string): string[] {
  const table = page.split(`| ${header} | what it says |\n|---|---|\n`)[1]!.split('\n\n')[0]!;
  const cells = table.split('\n').map((row) => row.split('|')[1] ?? '');
  return cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, code]) => code!));
}

it.each([
  ['error', 'ScrubErrorCode'],
  ['notice', 'ScrubNoticeCode'],
])('every %s has its row', (header, type) => {
  const codes = declared(type);
  expect(codes.length).toBeGreaterThan(5);
  expect(told(header).toSorted()).toEqual(codes.toSorted());
});
