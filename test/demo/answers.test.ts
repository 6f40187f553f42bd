/**
 * What the demo is worth: a dozen questions about the project, asked of the documentation as it stands, each with the page
 * that answers it among the first three matches. The embedder is lexical, so the questions use the pages' words.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { embedText } from '../../cli/demo/feature-hashing.js';
import { loadDemo } from '../../cli/demo/index.js';
import { open } from '../../core/index.js';
import type { Database } from '../../core/index.js';

const questions: readonly (readonly [question: string, page: string])[] = [
  ['How does a write become durable?', 'ARCHITECTURE.md'],
  ['What happens when another writer has won the slot?', 'ARCHITECTURE.md'],
  ['How many requests does a warm query make?', 'ARCHITECTURE.md'],
  ['What does a cold query cost?', 'ARCHITECTURE.md'],
  ['Which operators can a filter use?', 'docs/FILTERS.md'],
  ['How do I filter on a field that is missing or null?', 'docs/FILTERS.md'],
  ['Does LIKE support wildcards?', 'docs/FILTERS.md'],
  ['How do I run the tests?', 'docs/TESTING.md'],
  ['How are the WebAssembly kernels tested?', 'docs/TESTING.md'],
  ['Why was zod chosen as a dependency?', 'docs/DEPENDENCIES.md'],
  ['What is the licence of commander?', 'docs/DEPENDENCIES.md'],
  ['Is search exact or approximate today?', 'README.md'],
];

let database: Database;
beforeAll(async () => {
  database = await open('memory:');
  await loadDemo(database, { log: () => {}, root: new URL('../../', import.meta.url) });
});
afterAll(() => database.close());

describe('the demo', () => {
  it.each(questions)('answers "%s" from %s', async (question, page) => {
    const { matches } = await database
      .collection('docs')
      .query({ vector: embedText(question), k: 3, filter: 'EXISTS source' });
    expect(matches.map(({ metadata }) => metadata?.['source'])).toContain(page);
  });
});
