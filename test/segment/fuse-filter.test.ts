/** The filter of ids: every id that was added may be there, and of others hardly any. */
import { describe, expect, test } from 'vitest';
import { utf8Encode } from '../../core/base/bytes.js';
import { CairnError } from '../../core/base/errors.js';
import { FuseFilter, FuseFilterBuilder } from '../../core/segment/fuse-filter.js';
import { hashId } from '../../core/segment/id-hash.js';

const wrong = (offset: number, expected: string, found: string): CairnError =>
  new CairnError('corrupt', 'wrong', `${offset} ${expected} ${found}`);

function bytesOf(ids: readonly Uint8Array[]): Uint8Array {
  const builder = new FuseFilterBuilder(ids.length);
  for (const id of ids) builder.add(id);
  return builder.build();
}

describe('the filter of ids', () => {
  test.each([1, 2, 3, 4, 5, 7, 10, 64, 100, 1_000, 10_000, 200_000])(
    'of %i has no false negative, and is small',
    (count) => {
      const ids = Array.from({ length: count }, (_, i) => utf8Encode(`document/${i * 31}`));
      const bytes = bytesOf(ids);
      const filter = new FuseFilter(bytes, wrong);
      expect(ids.every((id) => filter.mayHold(id))).toBe(true);
      // 1.125 fingerprints of 2 bytes at best; small filters have more room in proportion.
      expect(bytes.length / count).toBeLessThan(count >= 200_000 ? 2.5 : count >= 1_000 ? 3.2 : 60);
      expect(bytesOf(ids)).toEqual(bytes);
    },
  );

  test('takes about one in 65,536 strangers for one of its own', () => {
    const filter = new FuseFilter(
      bytesOf(Array.from({ length: 50_000 }, (_, i) => utf8Encode(`a${i}`))),
      wrong,
    );
    let taken = 0;
    for (let i = 0; i < 400_000; i++) if (filter.mayHold(utf8Encode(`b${i}`))) taken++;
    // 6.1 expected. The run is always the same.
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(20);
  });

  test('is built in spite of ids that have one hash', () => {
    const ids = Array.from({ length: 300 }, (_, i) => utf8Encode(`${i % 200}`));
    const filter = new FuseFilter(bytesOf(ids), wrong);
    expect(ids.every((id) => filter.mayHold(id))).toBe(true);
    let taken = 0;
    for (let i = 0; i < 10_000; i++) if (filter.mayHold(utf8Encode(`no ${i}`))) taken++;
    expect(taken).toBeLessThan(5);
  });

  test('of no segments lets every id through', () => {
    const bytes = new Uint8Array(16);
    new Uint32Array(bytes.buffer)[1] = 4;
    expect(new FuseFilter(bytes, wrong).mayHold(utf8Encode('any'))).toBe(true);
  });

  test.each([
    ['cut', (bytes: Uint8Array) => bytes.slice(0, 15)],
    ['short', (bytes: Uint8Array) => bytes.slice(0, -2)],
    ['no power of two', (bytes: Uint8Array) => withWord(bytes, 1, 12)],
    ['no length', (bytes: Uint8Array) => withWord(bytes, 1, 0)],
    ['too many segments', (bytes: Uint8Array) => withWord(bytes, 2, 0xffff_ffff)],
    ['no segments, but fingerprints', (bytes: Uint8Array) => withWord(bytes, 2, 0)],
  ])('refuses bytes that are none: %s', (_, damage) => {
    const bytes = bytesOf([utf8Encode('a'), utf8Encode('b')]);
    expect(() => new FuseFilter(damage(bytes), wrong)).toThrow(CairnError);
  });

  test('hashes by every byte, and by the length', () => {
    const seen = new Set<string>();
    const words = new Uint32Array(2);
    const ids = [...Array.from({ length: 9 }, (_, n) => new Uint8Array(n)), utf8Encode('abcdefgh')];
    for (let at = 0; at < 8; at++) {
      const changed = utf8Encode('abcdefgh');
      changed[at]! ^= 1;
      ids.push(changed);
    }
    for (const id of ids) {
      hashId(id, words, 0);
      seen.add(words.join(' '));
    }
    expect(seen.size).toBe(ids.length);
    // Part of the format.
    hashId(utf8Encode('cairn'), words, 0);
    expect([...words].map((word) => word.toString(16))).toEqual(['a899d619', '2eadb24c']);
  });
});

function withWord(bytes: Uint8Array, word: number, value: number): Uint8Array {
  const changed = bytes.slice();
  new Uint32Array(changed.buffer)[word] = value;
  return changed;
}
