/**
 * The idempotency window: the newest slots that together hold at most 65,536 keys, whatever their sizes are, and whether
 * it was built from the whole log or from an object and the log after it. Readers must agree on it (5, 11).
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CairnError } from '../../core/base/errors.js';
import { limits } from '../../core/base/limits.js';
import { sequence } from '../../core/base/ids.js';
import type { Uid } from '../../core/base/ids.js';
import { newObject, openSealed, seal } from '../../core/base/sealed-object.js';
import { windowKey } from '../../core/log/layout.js';
import { openWindow, sealWindow } from '../../core/log/window-codec.js';
import { digests } from './fixture.js';
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

/** With hashes that an object can hold. */
const hashed = (seq: number, keys: number): SlotBatch[] =>
  Array.from({ length: keys }, (_, i) => ({
    ...keyed(`${seq.toString(16).padStart(16, '0')}${i.toString(16).padStart(16, '0')}`),
    requestHash: seq.toString(16).padStart(64, 'a'),
    counts: { upserted: seq, patched: i, missing: 1, deleted: 2, restored: 3, more: 1 },
  }));

const KEY = windowKey('0'.repeat(32) as Uid, 'a'.repeat(32));

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

  it('comes back from its object, and knows nothing more or less', () => {
    const window = new CommitWindow(sequence(0));
    for (let seq = 1; seq <= 300; seq++) window.add(sequence(seq), hashed(seq, seq % 4));
    const { ref, bytes } = sealWindow(digests, KEY, window.snapshot(sequence(300)));
    const snapshot = openWindow(digests, ref, bytes);
    expect(snapshot).toEqual(window.snapshot(sequence(300)));
    const again = CommitWindow.of(snapshot);
    expect([again.reach, again.keys]).toEqual([window.reach, window.keys]);
    expect(again.find(snapshot.entries[7]!.keyHash)).toEqual(window.find(snapshot.entries[7]!.keyHash));
    expect(bytes.length).toBeLessThan(limits.windowBytes);
  });

  it('fits its object at its largest', () => {
    const window = new CommitWindow(sequence(0));
    for (let seq = 1; seq <= 256; seq++) window.add(sequence(seq), hashed(seq, limits.keysPerSlot));
    const { ref, bytes } = sealWindow(digests, KEY, window.snapshot(sequence(256)));
    expect(bytes.length).toBeLessThanOrEqual(limits.windowBytes);
    expect(openWindow(digests, ref, bytes).entries).toHaveLength(limits.windowKeys);
  });

  it('from an object and the log after it is the window of the whole log, wherever and however often it was stored', () => {
    const sizes = fc.array(fc.constantFrom(0, 1, 255, 256, 256, 256), { minLength: 450, maxLength: 600 });
    const folds = fc.array(fc.integer({ min: 0, max: 99 }), { minLength: 700, maxLength: 700 });
    fc.assert(
      fc.property(sizes, folds, (counts, dice) => {
        const full = new CommitWindow(sequence(0));
        let warm = new CommitWindow(sequence(0));
        let folded = 0;
        const history: (readonly [number, number])[] = [[0, 0]];
        const check = (): void => expect([warm.reach, warm.keys]).toEqual([full.reach, full.keys]);
        counts.forEach((count, i) => {
          const seq = sequence(i + 1);
          const batches = slotOf(i + 1, count);
          full.add(seq, batches);
          history.push([full.reach, full.keys]);
          warm.add(seq, batches);
          if (full.reach !== warm.reach || full.keys !== warm.keys) check();
          // A fold ends some slots behind the tail. Some go on from the object, some carry their window over.
          const end = sequence(Math.max(folded, i + 1 - 20 * (dice[i]! % 4)));
          const snapshot = dice[i]! > 97 ? warm.snapshot(end) : undefined;
          if (snapshot === undefined) return;
          folded = end;
          if (dice[i] === 99) {
            warm = CommitWindow.of(snapshot);
            for (let again = end; again <= i; again++) {
              // On its way too: a reader that is there passes over the same batches as all others did.
              expect([again, warm.reach, warm.keys]).toEqual([again, ...history[again]!]);
              warm.add(sequence(again + 1), slotOf(again + 1, counts[again]!));
            }
          } else warm.forget(end);
          check();
          expect(warm.snapshot(sequence(i + 1)).entries).toHaveLength(full.keys);
        });
        const [a, b] = [full, warm].map((window) => window.snapshot(sequence(counts.length)));
        expect(a!.reach).toBe(b!.reach);
        expect(a!.entries.map(({ keyHash }) => keyHash)).toEqual(b!.entries.map(({ keyHash }) => keyHash));
      }),
      { numRuns: 3, endOnFailure: true },
    );
  });

  it('cannot say what it was before it began or was told to forget', () => {
    const window = new CommitWindow(sequence(0));
    for (let seq = 1; seq <= 9; seq++) window.add(sequence(seq), slotOf(seq, 1));
    window.forget(sequence(5));
    expect(window.snapshot(sequence(5)).entries).toHaveLength(5);
    const bug = expect.objectContaining({ kind: 'internal' }) as object;
    expect(() => window.snapshot(sequence(4))).toThrow(bug);
    expect(() => CommitWindow.of(window.snapshot(sequence(6))).snapshot(sequence(5))).toThrow(bug);
  });
});

describe('the object of a window', () => {
  const window = new CommitWindow(sequence(3));
  for (let seq = 4; seq <= 6; seq++) window.add(sequence(seq), hashed(seq, 2));
  const { ref, bytes } = sealWindow(digests, KEY, window.snapshot(sequence(6)));

  const codeOf = (open: () => unknown): string => {
    try {
      open();
      return 'opened';
    } catch (error) {
      return error instanceof CairnError ? error.code : 'another error';
    }
  };
  /** Changed in its body and sealed again, with a head that names what came of it. */
  const forged = (change: (view: DataView) => void, length?: number): string => {
    const body = openSealed(digests, { kind: 'WIN', key: KEY }, bytes).slice(0, length);
    change(new DataView(body.buffer));
    const object = newObject(body.length);
    object.body.set(body);
    const sealed = seal(digests, { kind: 'WIN', key: KEY }, object);
    const sha256 = Buffer.from(digests.sha256(sealed)).toString('hex');
    return codeOf(() => openWindow(digests, { ...ref, sha256 }, sealed));
  };

  it('is no other than the head names', () => {
    const other = sealWindow(digests, KEY, window.snapshot(sequence(5)));
    expect(codeOf(() => openWindow(digests, ref, other.bytes))).toBe('corrupt_object');
    const moved = { ...ref, key: windowKey('0'.repeat(32) as Uid, 'b'.repeat(32)) };
    expect(codeOf(() => openWindow(digests, moved, bytes))).toBe('corrupt_object');
  });

  const entry = (i: number): number => 32 + 80 * i;
  it.each<{ what: string; change: (view: DataView) => void; length?: number }>([
    { what: 'no header', change: () => {}, length: 31 },
    { what: 'a reach past its sequence', change: (v) => v.setBigUint64(8, 7n, true) },
    { what: 'a sequence that is no number', change: (v) => v.setBigUint64(0, 2n ** 60n, true) },
    { what: 'one entry more', change: (v) => v.setUint32(16, 7, true) },
    { what: 'entries without end', change: (v) => v.setUint32(16, 0xffff_ffff, true) },
    { what: 'half an entry', change: () => {}, length: 32 + 80 * 5 + 40 },
    { what: 'an entry within its reach', change: (v) => v.setBigUint64(entry(0) + 48, 3n, true) },
    { what: 'an entry past its sequence', change: (v) => v.setBigUint64(entry(5) + 48, 7n, true) },
    { what: 'entries out of order', change: (v) => v.setBigUint64(entry(2) + 48, 4n + 2n, true) },
    {
      what: 'a key twice',
      change: (v) => {
        for (let at = 0; at < 16; at++) v.setUint8(entry(1) + at, v.getUint8(entry(0) + at));
      },
    },
  ])('with $what is corrupt', ({ change, length }) => {
    expect(forged(() => {})).toBe('opened');
    expect(forged(change, length)).toBe('corrupt_object');
  });
});
