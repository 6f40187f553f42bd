import { describe, expect, it } from 'vitest';
import { nearestName } from '../../core/base/nearest.js';

describe('nearestName', () => {
  const known = ['vector', 'filter', 'include', 'k', 'target_recall', 'timeout_ms'];

  it.each([
    ['vectr', 'vector'],
    ['Vector', 'vector'],
    ['fitler', 'filter'],
    ['includes', 'include'],
    ['targetRecall', 'target_recall'],
    ['K', 'k'],
  ])('finds %s -> %s', (name, nearest) => {
    expect(nearestName(name, known)).toBe(nearest);
  });

  it.each(['colour', 'xyz', 'recall'])('finds nothing near %j', (name) => {
    expect(nearestName(name, known)).toBeUndefined();
  });

  it('takes the earlier of two that are as near, and looks at the start of long names only', () => {
    expect(nearestName('ab', ['ac', 'ad'])).toBe('ac');
    expect(nearestName('x'.repeat(100_000), ['x'.repeat(64)])).toBe('x'.repeat(64));
    expect(nearestName('a', [])).toBeUndefined();
  });
});
