/** Where keys lie on disk: below the root whatever the key, each at a place of its own, and readable back. */
import { posix } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeOf, readName, tryDecodeSegment } from '../../core/store/adapters/node/key-paths.js';

const ROOT = '/store';
const nasty = fc.constantFrom(
  '.',
  '..',
  '...',
  '/',
  '~',
  '%',
  '%2e',
  '.obj',
  '.gen',
  'A',
  'a',
  '\0',
  '\\',
  ' ',
  'é',
  '\u{1f600}',
);
const key = fc
  .array(fc.oneof(nasty, nasty, fc.string({ unit: 'grapheme', maxLength: 4 }), fc.constant('x'.repeat(99))), {
    minLength: 1,
    maxLength: 14,
  })
  .map((parts) => parts.join('').replaceAll(/\p{Surrogate}/gu, '?'))
  .filter((text) => text.length > 0);

describe('key paths', () => {
  it('lay out a key as documented', () => {
    expect(placeOf(ROOT, 'c/0a1b/head')).toEqual({
      key: 'c/0a1b/head',
      directory: '/store/c/0a1b',
      object: '/store/c/0a1b/head.obj',
      generations: '/store/c/0a1b/head.gen',
    });
    expect(placeOf(ROOT, '../~/A b//.obj').object).toBe('/store/%2e%2e/%7e/%41%20b/~0/.obj.obj');
    expect(placeOf(ROOT, 'x.obj/y.gen/z').object).toBe('/store/x%2eobj/y%2egen/z.obj');
    const hex = '6e'.repeat(128);
    expect(placeOf(ROOT, `n/${hex}`).object).toBe(`${ROOT}/n/${hex.slice(0, 200)}~/${hex.slice(200)}.obj`);
  });

  it('never lead out of the root, into ours, or to a name too long for a file system', () => {
    fc.assert(
      fc.property(key, (text) => {
        const { object, generations, directory } = placeOf(ROOT, text);
        expect(posix.normalize(object)).toBe(object);
        expect(object.startsWith(`${ROOT}/`)).toBe(true);
        expect(posix.dirname(object)).toBe(directory);
        expect(posix.dirname(generations)).toBe(directory);
        for (const name of object.slice(ROOT.length + 1).split('/')) {
          expect(name).toMatch(/^[a-z0-9._%~-]{1,205}$/);
          expect(name).not.toMatch(/^(\.+|~tmp)$/);
        }
        for (const name of directory.slice(ROOT.length + 1).split('/'))
          expect(name).not.toMatch(/\.(obj|gen)$/);
      }),
      { numRuns: 2_000 },
    );
  });

  it('are of one key each, and tell it', () => {
    fc.assert(
      fc.property(key, (text) => {
        expect(keyOf(placeOf(ROOT, text).object.slice(ROOT.length + 1))).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });

  it("leave names alone that are not the store's", () => {
    for (const foreign of [
      '%',
      '%4',
      '%4A',
      '%61',
      'lost+found',
      'README',
      '%ff',
      'é',
      '~tmp',
      '..',
      '%2e%2e%',
    ]) {
      expect(tryDecodeSegment(foreign, 'directory'), foreign).toBeUndefined();
    }
    expect(tryDecodeSegment('a.obj', 'directory')).toBeUndefined();
    expect(tryDecodeSegment('%2e%2e', 'directory')).toBe('..');
  });
});

/** The key back from the names on its path. */
function keyOf(path: string): string {
  const segments: string[] = [];
  let begun = '';
  for (const name of path.split('/')) {
    const { role, encoded } = readName(name);
    begun += encoded;
    if (role === 'continuation') continue;
    segments.push(tryDecodeSegment(begun, role === 'object' ? 'object' : 'directory') ?? '<not ours>');
    begun = '';
  }
  return segments.join('/');
}
