import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { embeddingDimension, embedText } from '../../cli/demo/feature-hashing.js';

function similarity(a: string, b: string): number {
  const [x, y] = [embedText(a), embedText(b)];
  return x.reduce((sum, value, i) => sum + value * y[i]!, 0);
}

describe('the feature-hashing embedder', () => {
  it('gives every text a unit vector', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
        const vector = embedText(text);
        expect(vector).toHaveLength(embeddingDimension);
        expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
      }),
    );
  });

  it('gives the same text the same vector in every release, or its version is raised', () => {
    const vector = [...embedText('Slots are created once.')];
    const largest = vector
      .map((value, at) => ({ at, value }))
      .sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
    expect(largest.slice(0, 3).map(({ at, value }) => [at, Number(value.toFixed(4))])).toEqual([
      [118, -0.5581],
      [178, -0.5581],
      [291, 0.5581],
    ]);
  });

  it('ignores letter case, punctuation and how words are joined', () => {
    expect(similarity('Log slots, twice!', 'log SLOTS twice')).toBeCloseTo(1, 6);
    expect(similarity('memoryBudgetBytes', 'memory_budget bytes')).toBeCloseTo(1, 6);
  });

  it('finds shared words, and word forms, nearer than others', () => {
    expect(similarity('writing a slot', 'slots are written by writers')).toBeGreaterThan(
      similarity('writing a slot', 'filters on metadata fields'),
    );
  });

  it('lets words without a subject count for little', () => {
    expect(similarity('what is the head', 'what is the tail')).toBeLessThan(0.2);
    expect(similarity('what is the head', 'head')).toBeGreaterThan(0.8);
  });

  it('counts a repeated word by less than its number', () => {
    const once = similarity('slot', 'slot head');
    const often = similarity('slot', 'slot slot slot slot head');
    expect(often).toBeGreaterThan(once);
    expect(often).toBeLessThan(0.92);
  });

  it('takes a path for its last name, or a page of file names would answer every question about files', () => {
    expect(embedText('see test/log/write.test.ts there')).toEqual(embedText('see write there'));
    expect(similarity('docs/FILTERS.md', 'filters')).toBeGreaterThan(0.99);
  });
});
