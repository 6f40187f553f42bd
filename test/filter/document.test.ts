/**
 * docs/FILTERS.md is held to its word: each row of its tables is run. Rows of operators mean the same in both spellings,
 * rows of examples match as stated, rows of errors give that message.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { compareOrderKeys, filterToJson, matches, orderKey, parseFilter } from '../../core/filter/index.js';
import type { Scalar } from '../../core/filter/index.js';
import { refusal } from './faults.js';

const page = readFileSync(new URL('../../docs/FILTERS.md', import.meta.url), 'utf8');

/** Cells of the table whose heading row begins so, without backticks. */
function table(heading: string): string[][] {
  const lines = page.split('\n');
  const from = lines.findIndex((line) => line.startsWith(heading));
  const rows = lines.slice(from + 2, lines.indexOf('', from));
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

const read = (cell: string): unknown => (cell.startsWith('{') ? JSON.parse(cell) : cell);

test('operators mean the same in both spellings', () => {
  const rows = table('| text | object |');
  expect(rows.length).toBeGreaterThan(20);
  for (const [text, object] of rows)
    expect(filterToJson(parseFilter(text))).toBe(filterToJson(parseFilter(read(object!))));
});

test('examples match as stated', () => {
  const rows = table('| filter | record |');
  expect(rows.length).toBeGreaterThan(20);
  for (const [filter, record, answer] of rows) {
    expect(
      matches(parseFilter(read(filter!)), read(record!)) ? 'matches' : 'no',
      `${filter} on ${record}`,
    ).toBe(answer);
  }
});

test('errors are as printed', () => {
  const rows = table('| filter | message |');
  expect(rows.length).toBeGreaterThan(4);
  for (const [filter, message] of rows) expect(refusal(read(filter!)).message).toBe(message);
});

test('values are in the order of the table', () => {
  const values = table('| ascending |').flatMap(([, ...cells]) =>
    cells.filter((cell) => cell !== '').map((cell) => orderKey(JSON.parse(cell) as Scalar)),
  );
  expect(values.length).toBe(9);
  for (const [i, value] of values.entries()) {
    if (i > 0) expect(compareOrderKeys(values[i - 1]!, value)).toBeLessThan(0);
  }
});

test('limits are as printed', () => {
  const rows = table('| limit | maximum |');
  expect(rows.length).toBe(5);
  for (const [limit, maximum] of rows) {
    expect(limits[limit as keyof typeof limits].toLocaleString('en')).toBe(maximum);
  }
});
