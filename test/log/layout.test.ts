/** Keys: reversed numbers sort the newest first, and what is no key of ours is not taken for one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headVersion, sequence } from '../../core/base/ids.js';
import type { Uid } from '../../core/base/ids.js';
import {
  batchKey,
  collectionPrefix,
  entryKey,
  headCopyKey,
  headKey,
  rev,
  slotKey,
  tryUnrev,
} from '../../core/log/layout.js';

const uid = '0123456789abcdef0123456789abcdef' as Uid;
const number = fc.maxSafeNat();

describe('reversed numbers', () => {
  it('have 14 digits and come back', () => {
    expect(rev(0)).toBe('1fffffffffffff');
    expect(rev(1)).toBe('1ffffffffffffe');
    expect(rev(Number.MAX_SAFE_INTEGER)).toBe('00000000000000');
    fc.assert(
      fc.property(number, (value) => {
        expect(rev(value)).toHaveLength(14);
        expect(tryUnrev(rev(value))).toBe(value);
      }),
    );
  });

  it('order the newest first', () => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        expect(Math.sign(rev(a) < rev(b) ? 1 : rev(a) > rev(b) ? -1 : 0)).toBe(Math.sign(a - b));
      }),
    );
  });

  it.each([
    '',
    '1',
    '1fffffffffffff0',
    '1FFFFFFFFFFFFF',
    'ffffffffffffff',
    '20000000000000',
    '-ffffffffffff1',
  ])('are not %j', (text) => expect(tryUnrev(text)).toBeUndefined());
});

describe('keys', () => {
  it('are those of the format', () => {
    const prefix = `c/${uid}/`;
    expect(collectionPrefix(uid)).toBe(prefix);
    expect(headKey(uid)).toBe(`${prefix}head`);
    expect(headCopyKey(uid, headVersion(1))).toBe(`${prefix}heads/1ffffffffffffe`);
    expect(slotKey(uid, sequence(2))).toBe(`${prefix}log/1ffffffffffffd`);
    expect(batchKey(uid, sequence(2), 'u-u')).toBe(`${prefix}batch/1ffffffffffffd-u-u`);
    expect(entryKey('0'.repeat(32) as Uid, 'Ab')).toBe(`catalog/${'0'.repeat(32)}/4162`);
  });
});
