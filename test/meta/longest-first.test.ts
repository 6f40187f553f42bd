/** The order in which test files begin: its list names files that are there, and they begin first. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { TestSpecification, Vitest } from 'vitest/node';
import { root } from '../../scripts/set-up.mjs';
import { longest, LongestFirst } from '../longest-first.js';

it('names files that are there, each once', () => {
  expect(longest.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  expect(new Set(longest).size).toBe(longest.length);
});

it('begins with them, the longest first', async () => {
  const cache = { getFileTestResults: () => undefined, getFileStats: () => undefined };
  const sequencer = new LongestFirst({ cache, config: { root } } as unknown as Vitest);
  const project = { name: 'product', config: { isolate: true, sequence: { groupOrder: 0 } } };
  const files = ['test/base/ids.test.ts', longest[1]!, 'test/base/bytes.test.ts', longest[0]!];
  const sorted = await sequencer.sort(
    files.map((file) => ({ moduleId: join(root, file), project }) as unknown as TestSpecification),
  );
  expect(sorted.map(({ moduleId }) => moduleId)).toEqual(
    [longest[0]!, longest[1]!, 'test/base/ids.test.ts', 'test/base/bytes.test.ts'].map((file) =>
      join(root, file),
    ),
  );
});
