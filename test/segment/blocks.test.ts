/** Blocks of ids and of documents that no writer makes: each rule of theirs by itself. */
import { deflateSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { concatBytes, utf8Encode } from '../../core/base/bytes.js';
import { corrupt } from '../../core/base/errors.js';
import { inflateBlock, textAt } from '../../core/segment/document-blocks.js';
import { decodeIdBlock, idAt, positionIn } from '../../core/segment/id-blocks.js';
import type { Wrong } from '../../core/segment/id-blocks.js';
import { portableDeflate } from '../../core/segment/index.js';

const wrong: Wrong = (offset, expected, found) => corrupt({ key: 'key', offset, expected, found });

describe('a block of ids', () => {
  /** Each entry is what it shares and the rest. */
  const block = (...entries: readonly (readonly [number, string])[]): Uint8Array =>
    concatBytes(entries.flatMap(([shared, rest]) => [Uint8Array.of(shared, rest.length), utf8Encode(rest)]));

  test('is read where it is in order', () => {
    const ids = decodeIdBlock(block([0, 'ab'], [2, 'c'], [1, 'c'], [0, 'b']), 4, wrong);
    expect([0, 1, 2, 3].map((at) => new TextDecoder().decode(idAt(ids, at)))).toEqual([
      'ab',
      'abc',
      'ac',
      'b',
    ]);
    expect(['a', 'ab', 'abb', 'abc', 'b', 'c'].map((id) => positionIn(ids, utf8Encode(id)))).toEqual([
      0, 0, 1, 1, 3, 4,
    ]);
  });

  test.each([
    ['an id below the one before', block([0, 'b'], [0, 'a'])],
    ['an id twice', block([0, 'b'], [0, 'b'])],
    ['less shared than there is in common', block([0, 'ab'], [0, 'ac'])],
    ['more shared than there is', block([0, 'a'], [2, 'c'])],
    ['something shared with nothing', block([1, 'a'], [0, 'b'])],
    ['nothing of its own', block([0, 'a'], [1, ''])],
    ['more ids than it should', block([0, 'a'], [0, 'b'], [0, 'c'])],
    ['fewer', block([0, 'a'])],
    ['an id that ends early', block([0, 'a'], [0, 'b']).slice(0, -1)],
    ['a length in three bytes', Uint8Array.of(0, 0x81, 0x80, 0x01, 97)],
    ['a length in more bytes than it takes', concatBytes([Uint8Array.of(0, 0x81, 0, 97), block([0, 'b'])])],
    ['an id that is too long', Uint8Array.of(0, 0x81, 0x04, ...new Uint8Array(513).fill(97))],
  ])('is corrupt with %s', (_, bytes) => {
    expect(() => decodeIdBlock(bytes, 2, wrong)).toThrow('is corrupt at byte');
  });
});

describe('a block of documents', () => {
  const block = (lengths: readonly number[], texts: string): Uint8Array =>
    concatBytes([new Uint8Array(Uint32Array.from(lengths).buffer), utf8Encode(texts)]);
  const inflated = (
    bytes: Uint8Array,
    inflatedBytes = bytes.length,
    rows = 2,
  ): ReturnType<typeof inflateBlock> =>
    inflateBlock(portableDeflate, deflateSync(bytes), { rows, inflatedBytes }, wrong);

  test('is read where its lengths fit', () => {
    const read = inflated(block([2, 3], 'abcde'));
    expect([0, 1].map((at) => textAt(read, at, wrong))).toEqual(['ab', 'cde']);
  });

  test.each([
    ['lengths that fall short', () => inflated(block([2, 2], 'abcde'))],
    ['lengths that go past it', () => inflated(block([2, 4], 'abcde'))],
    ['a text that is too long', () => inflated(block([65_537, 0], 'x'.repeat(65_537)))],
    ['fewer bytes than the index says', () => inflated(block([2, 3], 'abcde'), 14)],
    ['more bytes than the index says', () => inflated(block([2, 3], 'abcde'), 12)],
    [
      'bytes that do not inflate',
      () => inflateBlock(portableDeflate, Uint8Array.of(7, 7, 7), { rows: 2, inflatedBytes: 13 }, wrong),
    ],
    [
      'a text that is no UTF-8',
      () => textAt(inflated(block([1, 2], 'aé')), 0, wrong) + textAt(inflated(block([2, 1], 'aé')), 0, wrong),
    ],
  ])('is corrupt with %s', (_, read) => {
    expect(read).toThrow('is corrupt at byte');
  });
});
