/** The idempotency window: the newest slots that together hold at most 65,536 keys, whatever their sizes are. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { sequence } from '../../core/base/ids.js';
import { NO_COUNTS } from '../../core/log/batch.js';
import { CommitWindow } from '../../core/log/commit-window.js';
import type { SlotBatch } from '../../core/log/slot-codec.js';

const keyed = (keyHash: string): SlotBatch => ({
  keyHash,
  requestHash: `request of ${keyHash}`,
  contentSha: '',
  counts: NO_COUNTS,
  resolvedAt: undefined,
  content: { inline: new Uint8Array(0) },
});

const slotOf = (seq: number, keys: number): SlotBatch[] =>
  Array.from({ length: keys }, (_, i) => keyed(`${seq}-${i}`));

describe('the window', () => {
  it('knows what is in it', () => {
    const window = new CommitWindow(sequence(7));
    window.add(sequence(8), [keyed('a'), keyed('b')]);
    expect(window.find('a')).toEqual({
      keyHash: 'a',
      requestHash: 'request of a',
      seq: 8,
      counts: NO_COUNTS,
    });
    expect(window.find('c')).toBeUndefined();
    expect([window.reach, window.keys]).toEqual([7, 2]);
  });

  it('holds exactly 65,536 keys, and drops whole slots, the oldest first', () => {
    const window = new CommitWindow(sequence(0));
    for (let seq = 1; seq <= limits.windowKeys / limits.keysPerSlot; seq++) {
      window.add(sequence(seq), slotOf(seq, limits.keysPerSlot));
    }
    expect([window.reach, window.keys]).toEqual([0, limits.windowKeys]);
    window.add(sequence(257), slotOf(257, 1));
    expect([window.reach, window.keys]).toEqual([1, limits.windowKeys - limits.keysPerSlot + 1]);
    expect(window.find('1-0')).toBeUndefined();
    expect(window.find('2-0')?.seq).toBe(2);
  });

  it('reaches back over slots without effect', () => {
    const window = new CommitWindow(sequence(0));
    for (let seq = 1; seq <= 1_000; seq++) window.add(sequence(seq), []);
    expect(window.reach).toBe(0);
  });

  it('is a function of the slots: the longest run of newest ones within the limit', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 256 }), { minLength: 250, maxLength: 400 });
    fc.assert(
      fc.property(sizes, (counts) => {
        const window = new CommitWindow(sequence(0));
        counts.forEach((count, i) => window.add(sequence(i + 1), slotOf(i + 1, count)));
        let held = 0;
        let reach = counts.length;
        while (reach > 0 && held + counts[reach - 1]! <= limits.windowKeys) held += counts[--reach]!;
        // Slots without keys in front of the run are dropped with the slot before them or kept: they hold nothing.
        expect(window.keys).toBe(held);
        expect(window.reach).toBeGreaterThanOrEqual(reach === 0 ? 0 : 1);
        expect(counts.slice(reach, window.reach).every((count) => count === 0)).toBe(true);
      }),
      { numRuns: 15 },
    );
  });
});
