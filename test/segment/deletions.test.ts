/** The deletions of a segment: what goes in comes out, and nothing that is no set of its rows comes out at all. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isCairnError } from '../../core/base/errors.js';
import { newObject, openSealed, seal } from '../../core/base/sealed-object.js';
import { encodeDeletions, openDeletions } from '../../core/segment/index.js';
import type { Deletions } from '../../core/segment/index.js';
import { digests, UID } from './fixture.js';

const KEY = `c/${UID}/seg/one.del`;

/** `states`: 0 alive, 1 dead, 2 hidden, of each row. */
function deletionsOf(states: readonly number[]): Deletions {
  const rows = states.length;
  const dead = new Uint8Array(Math.ceil(rows / 8));
  const hidden = new Uint8Array(Math.ceil(rows / 8));
  states.forEach((state, row) => {
    if (state === 1) dead[row >> 3]! |= 1 << (row & 7);
    if (state === 2) hidden[row >> 3]! |= 1 << (row & 7);
  });
  const hiddenRows = Uint32Array.from([...states.keys()].filter((row) => states[row] === 2));
  return {
    rows,
    dead,
    hidden,
    hiddenRows,
    hiddenSeqs: Float64Array.from(hiddenRows, (row) => 2 ** 40 + row),
    hiddenMs: Float64Array.from(hiddenRows, (row) => 1.5 * row),
  };
}

const states = [0, 1, 2, 0, 2, 1, 0, 0, 2, 1, 0];

describe('deletions', () => {
  test('come back as they were, for any rows', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0, 0, 1, 2), { minLength: 1, maxLength: 200 }), (some) => {
        const deletions = deletionsOf(some);
        const bytes = encodeDeletions(digests, KEY, deletions);
        expect(openDeletions(digests, KEY, bytes, some.length)).toEqual(deletions);
        // Wherever in a larger buffer they arrive.
        const shifted = new Uint8Array(bytes.length + 3).subarray(3);
        shifted.set(bytes);
        expect(openDeletions(digests, KEY, shifted, some.length)).toEqual(deletions);
      }),
    );
  });

  test('with any bit flipped, cut, of another key or another segment are corrupt', () => {
    const bytes = encodeDeletions(digests, KEY, deletionsOf(states));
    const expectCorrupt = (open: () => unknown): void =>
      expect(open).toThrow(/^object c\/.* is corrupt at byte/);
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        bytes[at]! ^= 1 << bit;
        expectCorrupt(() => openDeletions(digests, KEY, bytes, 11));
        bytes[at]! ^= 1 << bit;
      }
      expectCorrupt(() => openDeletions(digests, KEY, bytes.subarray(0, at), 11));
    }
    expectCorrupt(() => openDeletions(digests, `${KEY}x`, bytes, 11));
    for (const rows of [0, 10, 12, 16, 2 ** 30])
      expectCorrupt(() => openDeletions(digests, KEY, bytes, rows));
  });

  test('that were changed and sealed again are corrupt where they contradict themselves', () => {
    const bytes = encodeDeletions(digests, KEY, deletionsOf(states));
    const body = openSealed(digests, { kind: 'DEL', key: KEY }, bytes);
    const changes: readonly (readonly [string, number, number])[] = [
      ['rows', 0, 12],
      ['dead rows', 4, 4],
      ['hidden rows', 8, 2],
      ['hidden rows without end', 11, 255],
      ['zero', 12, 1],
      ['a bit past the rows', 17, 0x0a],
      ['a row that is both', 24, 0x36],
      ['one more dead row', 16, 0x23],
      ['one more hidden row', 24, 0x15],
      ['a sequence that is none', 39, 0xff],
      ['a time that is none', 63, 0x7f],
    ];
    for (const [what, at, value] of changes) {
      const object = newObject(body.length);
      object.body.set(body);
      object.body[at] = value;
      if (what.includes('time')) object.body[at - 1] = 0xf0;
      const forged = seal(digests, { kind: 'DEL', key: KEY }, object);
      let error: unknown;
      try {
        openDeletions(digests, KEY, forged, 11);
      } catch (thrown) {
        error = thrown;
      }
      if (!isCairnError(error) || error.kind !== 'corrupt') throw new Error(`opened in spite of ${what}`);
      expect(Number(error.details['offset'])).toBeGreaterThanOrEqual(64);
    }
  });

  test.each([
    ['a short bitmap', { dead: new Uint8Array(1) }],
    ['a row twice', { dead: new Uint8Array([0, 1]) }],
    ['rows of another bitmap', { hiddenRows: Uint32Array.of(2, 4, 9) }],
    ['too few sequences', { hiddenSeqs: new Float64Array(2) }],
    ['a sequence that is none', { hiddenSeqs: Float64Array.of(1, 2, -1) }],
    ['a time that is none', { hiddenMs: Float64Array.of(1, 2, Infinity) }],
  ])('are not written with %s', (_, change) => {
    const deletions = { ...deletionsOf(states), ...change };
    expect(() => encodeDeletions(digests, KEY, deletions)).toThrow(
      expect.objectContaining({ kind: 'internal' }),
    );
  });
});
