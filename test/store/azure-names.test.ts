/** Keys as names of blobs: no two have one name, the order is kept, and no name has what Azure or a URL would change. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareUtf8 } from '../../core/base/bytes.js';
import { limits } from '../../core/base/limits.js';
import { beginOfNames, keyOf, nameOf } from '../../core/store/adapters/azure/azure-names.js';
import { oddKeys } from '../conformance/odd-keys.js';

/** Few characters, so that their neighbourhoods meet: every edge of a range of escapes, and what escapes are made of. */
const chars = [
  ...['\0', '\u{1f}', ' ', '!', '"', '-', '.', '/', '0', '5', 'Z', '[', '\\', ']', 'a', 'f', 'z', '}', '~'],
  ...[
    '\u{7f}',
    '\u{a0}',
    '\u{a1}',
    '\u{d7a2}',
    '\u{d7a3}',
    '\u{d7a4}',
    '\u{e000}',
    '\u{ffff}',
    '\u{10000}',
    '\u{10ffff}',
  ],
];
const someKey = fc
  .array(fc.constantFrom(...chars), { minLength: 1, maxLength: 6 })
  .map((each) => each.join(''));

const alters = /[\0-\x20\\\x7F-\xA0\u{E000}-\u{10FFFF}]|\.(?:\/|$)|[/]$/u;

describe('names of blobs', () => {
  it('are the keys themselves, for those of the engine', () => {
    const uid = '0f'.repeat(16);
    for (const key of [
      `catalog/${uid}/6e616d65`,
      `c/${uid}/head`,
      `c/${uid}/log/0123456789abcdef`,
      `c/${uid}/inbox/0123456789abcdef-01234567-89ab-4cde-8f01-23456789abcd`,
      `c/${uid}/seg/01234567-89ab-4cde-8f01-23456789abcd.seg`,
      `work/${uid}`,
    ])
      expect(nameOf(key)).toBe(key);
  });

  it('are what the grammar says', () => {
    expect(nameOf('a b!')).toBe('a!20b!21');
    expect(nameOf('[\\]')).toBe('[5b[5c]');
    expect(nameOf('~probe/x')).toBe('~7eprobe/x');
    expect(nameOf('a./b')).toBe('a..\u{D7A3}zb');
    expect(nameOf('a.')).toBe('a.!');
    expect(nameOf('a/')).toBe('a/!');
    expect(nameOf('\u{1f600}')).toBe('\u{D7A3}01f600');
  });

  it('lead back to their keys, hold nothing that is changed on the way, and are in the order of the keys', () => {
    fc.assert(
      fc.property(someKey, someKey, (one, other) => {
        const [a, b] = [nameOf(one), nameOf(other)];
        expect(keyOf(a)).toBe(one);
        expect(a).not.toMatch(alters);
        expect(Math.sign(compareUtf8(a, b))).toBe(Math.sign(compareUtf8(one, other)));
        // Whether a store compares UTF-8 or UTF-16.
        expect(a < b).toBe(compareUtf8(one, other) < 0);
      }),
      { numRuns: 20_000 },
    );
    for (const key of oddKeys) {
      expect(keyOf(nameOf(key))).toBe(key);
      expect(nameOf(key)).not.toMatch(alters);
      expect(
        new URL(`http://host/${nameOf(key).split('/').map(encodeURIComponent).join('/')}`).pathname,
      ).toBe(`/${nameOf(key).split('/').map(encodeURIComponent).join('/')}`);
    }
  });

  it('begin with what the names of their prefixes begin with', () => {
    fc.assert(
      fc.property(someKey, someKey, (prefix, rest) => {
        expect(nameOf(prefix + rest).startsWith(beginOfNames(prefix))).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  it("that no key has are nobody's", () => {
    for (const name of [
      'a!',
      'a!2',
      'a!41',
      'a~',
      '[',
      '[5x',
      '\u{D7A3}',
      '\u{D7A3}ffffff',
      '\u{D7A3}000041',
      'a.',
      'a/',
      ' ',
      '',
    ])
      expect(keyOf(name), name).toBeUndefined();
  });

  it('are not longer than Azure has them', () => {
    expect(nameOf('x'.repeat(limits.blobNameCharacters))).toHaveLength(limits.blobNameCharacters);
    expect(() => nameOf('x'.repeat(limits.blobNameCharacters + 1))).toThrow(
      expect.objectContaining({ kind: 'invalid', code: 'key_too_long' }),
    );
  });
});
