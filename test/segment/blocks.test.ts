/** Blocks of ids and of documents that no writer makes: each rule of theirs by itself. */
import fc from 'fast-check';
import { deflateSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { concatBytes, utf8Encode } from '../../core/base/bytes.js';
import { corrupt, isCairnError } from '../../core/base/errors.js';
import { limits } from '../../core/base/limits.js';
import { inflateBlock, textAt } from '../../core/segment/document-blocks.js';
import {
  compareBytes,
  decodeIdAt,
  decodeIdBlock,
  IdBlockWriter,
  idAt,
  positionIn,
} from '../../core/segment/id-blocks.js';
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

describe('one id of a block', () => {
  /** Ids that share beginnings of any length, up to the longest there are. */
  const someId = fc
    .tuple(
      fc.constantFrom('', 'a', 'doc-', 'x'.repeat(127), 'y'.repeat(505)),
      fc.string({ maxLength: 6, unit: 'binary' }),
    )
    .map(([start, end]) => start + end)
    .filter((id) => id.length > 0 && utf8Encode(id).length <= limits.idBytes);
  const someBlock = fc
    .uniqueArray(someId, { minLength: 1, maxLength: limits.blockRows, selector: (id) => id })
    .map((ids) => {
      const sorted = ids.toSorted((a, b) => compareBytes(utf8Encode(a), utf8Encode(b)));
      const writer = new IdBlockWriter(sorted.length);
      for (const id of sorted) writer.add(id);
      return { ids: sorted, bytes: writer.end()! };
    });

  interface Outcome {
    readonly id?: string;
    /** Where it was wrong. */
    readonly offset?: unknown;
  }

  /** What is answered, or where something is said to be wrong. Any other error fails the test. */
  function outcomeOf(read: () => Uint8Array): Outcome {
    try {
      const id = read();
      expect(id.length).toBeLessThanOrEqual(limits.idBytes);
      return { id: Buffer.from(id).toString('hex') };
    } catch (error) {
      if (isCairnError(error) && error.kind === 'corrupt') return { offset: error.details['offset'] };
      throw error;
    }
  }

  /** As part of a longer one, whose other bytes are nobody's business. */
  function within(bytes: Uint8Array, filler: number): Uint8Array {
    const longer = new Uint8Array(bytes.length + 1_200).fill(filler);
    longer.set(bytes, 600);
    return longer.subarray(600, 600 + bytes.length);
  }

  test('is the one that the whole block has there', () => {
    fc.assert(
      fc.property(someBlock, ({ ids, bytes }) => {
        const whole = decodeIdBlock(bytes, ids.length, wrong);
        for (const [position, id] of ids.entries()) {
          const found = decodeIdAt(bytes, position, wrong);
          expect(Buffer.compare(found, idAt(whole, position))).toBe(0);
          expect(Buffer.compare(found, utf8Encode(id))).toBe(0);
        }
        expect(outcomeOf(() => decodeIdAt(bytes, ids.length, wrong))).toEqual({ offset: bytes.length });
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    ['by itself', Uint8Array.of(0, 0x81, 0x04, ...new Uint8Array(513).fill(97)), 0],
    [
      'with what it shares',
      Uint8Array.of(0, 0xff, 0x03, ...new Uint8Array(511).fill(97), 0xff, 0x03, 2, 97, 97),
      1,
    ],
  ])('is corrupt where it is too long %s', (_, bytes, position) => {
    expect(() => decodeIdAt(bytes, position, wrong)).toThrow('is corrupt at byte');
    // One byte less is as long as they may be.
    const [shorter, at] = [bytes.slice(0, -1), position === 0 ? 1 : 516];
    shorter.set(position === 0 ? [0x80, 0x04] : [1], at);
    expect(decodeIdAt(shorter, position, wrong)).toHaveLength(limits.idBytes);
  });

  test('of any bytes is the same, or wrong at the same place, and made of nothing else', () => {
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      // Small numbers, of which more are lengths that fit.
      fc.array(fc.nat(4), { maxLength: 60 }).map((numbers) => Uint8Array.from(numbers)),
      fc
        .tuple(someBlock, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat())
        .map(([{ bytes }, changes, length]) => {
          const changed = bytes.slice(0, bytes.length - (length % 3));
          for (const [at, byte] of changes) changed[at % changed.length] = byte;
          return changed;
        }),
    );
    fc.assert(
      fc.property(hostile, fc.nat(limits.blockRows - 1), (bytes, last) => {
        for (const position of [0, 1, last]) {
          const found = outcomeOf(() => decodeIdAt(bytes, position, wrong));
          for (const filler of [0, 1, 0x61, 0xff])
            expect(outcomeOf(() => decodeIdAt(within(bytes, filler), position, wrong))).toEqual(found);
          // The whole block may be wrong further on.
          const whole = outcomeOf(() => idAt(decodeIdBlock(bytes, position + 1, wrong), position));
          if (whole.id !== undefined || found.id === undefined) expect(found).toEqual(whole);
        }
      }),
      { numRuns: 1_000 },
    );
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
