/**
 * Strategy: masks against their twins, to the bit: every length from 0 to 67 and beyond, every width, starts that are
 * aligned to nothing, and other bytes around everything that is read or written.
 */
import { describe, expect, test } from 'vitest';
import { bitmapBytes, setBit } from '../../core/base/bitmap.js';
import { PAYLOAD_OFFSET } from '../../core/kernel/layout.js';
import {
  maskAndNotScalar,
  maskAndScalar,
  maskCountScalar,
  maskListedScalar,
  maskNotScalar,
  maskOrScalar,
  maskOwnersScalar,
  maskRangeScalar,
  maskSetScalar,
} from '../../core/kernel/scalar/masks.js';
import { newArena } from './fixture.js';
import { numberSource } from './number-source.js';

const arena = newArena();
const { exports, u8 } = arena;
const INPUT = PAYLOAD_OFFSET;
const SET = INPUT + 65_536;
const OUT = SET + 65_536;
const OTHER = OUT + 65_536;
const lengths = [...Array.from({ length: 68 }, (_, i) => i), 127, 128, 129, 1_000, 4_099];
const widths = [1, 2, 4] as const;

const next = numberSource(11);
const below = (bound: number): number => Math.floor(((next() + 1) / 2) * bound);

function putOrdinals(ordinals: readonly number[], width: 1 | 2 | 4, at: number): void {
  // Behind the last one lies what a test must not take for an ordinal.
  u8.fill(0x01, at, at + ordinals.length * width + 256);
  const bytes = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array }[width].from(ordinals);
  u8.set(new Uint8Array(bytes.buffer), at);
}

function randomMask(count: number, share = 0.5): Uint8Array {
  const mask = new Uint8Array(bitmapBytes(count));
  for (let i = 0; i < count; i++) if ((next() + 1) / 2 < share) setBit(mask, i);
  return mask;
}

/** In room for whole pairs of words, of which the last is as a kernel leaves it. */
function putMask(mask: Uint8Array, at: number): void {
  u8.fill(0, at, at + Math.ceil(mask.length / 16) * 16);
  u8.set(mask, at);
}

const maskAt = (at: number, count: number): Uint8Array => u8.slice(at, at + bitmapBytes(count));
/** Bits up to the end of the last word, which have to be 0. */
const restAt = (at: number, count: number): Uint8Array =>
  u8.slice(at + bitmapBytes(count), at + Math.ceil(count / 64) * 8);

describe.each(widths)('of ordinals of %i bytes', (width) => {
  const top = 2 ** (8 * width);
  const terms = width === 1 ? 256 : 3_000;

  test('a range equals its twin at every length and start', () => {
    for (const count of lengths) {
      const start = INPUT + (count % 17);
      const out = OUT + (count % 5);
      const ordinals = Array.from({ length: count }, () => below(terms));
      if (count > 0) ordinals[count - 1] = top - 1;
      for (const [from, span] of [
        [1, 1],
        [1, top - 1],
        [0, 3],
        [below(terms), 1 + below(40)],
        [top - 1, 1],
      ] as const) {
        if (from + span > top) continue;
        putOrdinals(ordinals, width, start);
        u8.fill(0xa5, out, out + 1_024);
        exports.maskRange(start, width, count, from, span, out);
        expect(maskAt(out, count), `${count}: ${from} + ${span}`).toEqual(
          maskRangeScalar(ordinals, from, span),
        );
        expect(restAt(out, count).every((byte) => byte === 0)).toBe(true);
      }
    }
  });

  test('a set equals its twin at every length and start', () => {
    for (const count of lengths) {
      const start = INPUT + (count % 17);
      const base = width === 1 ? 0 : below(100);
      const size = width === 1 ? 256 : 1 + below(terms);
      const ordinals = Array.from({ length: count }, () => below(terms));
      if (count > 0) ordinals[0] = top - 1;
      const set = randomMask(size, 0.3);
      putOrdinals(ordinals, width, start);
      u8.fill(0xff, SET, SET + 1_024);
      u8.set(set, SET + 3);
      u8.fill(0xa5, OUT, OUT + 1_024);
      exports.maskSet(start, width, count, SET + 3, base, size, OUT);
      expect(maskAt(OUT, count), `${count}`).toEqual(maskSetScalar(ordinals, set, { base, size }));
      expect(restAt(OUT, count).every((byte) => byte === 0)).toBe(true);
    }
  });
});

test('the owners of entries equal their twin, in one piece and in several', () => {
  for (const rows of lengths) {
    const starts = [below(9)];
    for (let row = 0; row < rows; row++) starts.push(starts[row]! + (below(4) === 0 ? below(90) : below(3)));
    const total = starts[rows]! - starts[0]!;
    const step = [64, 7, 100_000][rows % 3]!;
    u8.set(new Uint8Array(Uint32Array.from(starts).buffer), INPUT + (rows % 7));
    putMask(new Uint8Array(bitmapBytes(rows)), OUT);
    const wanted: Uint8Array[] = [];
    for (let at = 0; at < total; at += step) {
      const count = Math.min(step, total - at);
      const entries = randomMask(count, 0.2);
      const base = starts[0]! + at;
      putMask(entries, SET);
      exports.maskOwners(INPUT + (rows % 7), rows, SET, base, count, OUT);
      wanted.push(maskOwnersScalar(starts, entries, { base, count }));
    }
    const joined = wanted.reduce(maskOrScalar, new Uint8Array(bitmapBytes(rows)));
    expect(maskAt(OUT, rows), `${rows} rows`).toEqual(joined);
  }
});

test('an entry behind the last row has no owner', () => {
  u8.set(new Uint8Array(Uint32Array.of(0, 1, 2).buffer), INPUT);
  putMask(Uint8Array.of(0b1101), SET);
  u8.fill(0, OUT, OUT + 64);
  exports.maskOwners(INPUT, 2, SET, 0, 4, OUT);
  expect(maskAt(OUT, 64)).toEqual(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0));
});

test('listed rows equal their twin, and a row from elsewhere is told', () => {
  for (const count of lengths) {
    const first = below(1_000);
    const list: number[] = [];
    for (let i = 0; i < count; i++) list.push((list.at(-1) ?? first - 1) + 1 + below(3));
    const rows = (list.at(-1) ?? first) - first + 1 + below(5);
    const places = randomMask(count);
    u8.set(new Uint8Array(Uint32Array.from(list).buffer), INPUT + (count % 7));
    putMask(places, SET);
    putMask(new Uint8Array(bitmapBytes(rows)), OUT);
    expect(exports.maskListed(INPUT + (count % 7), SET, count, first, rows, OUT)).toBe(-1);
    expect(maskAt(OUT, rows)).toEqual(maskListedScalar(list, places, { first, rows }));
  }
  for (const stranger of [4, 15, 2 ** 32 - 1]) {
    u8.set(new Uint8Array(Uint32Array.of(5, stranger, 7).buffer), INPUT);
    putMask(Uint8Array.of(0b111), SET);
    expect(exports.maskListed(INPUT, SET, 3, 5, 10, OUT)).toBe(1);
    expect(maskListedScalar([5, stranger, 7], Uint8Array.of(0b111), { first: 5, rows: 10 })).toBe(undefined);
  }
});

test('and, or, and-not, not and count equal their twins at every length and start', () => {
  const joins = [
    ['maskAnd', maskAndScalar],
    ['maskOr', maskOrScalar],
    ['maskAndNot', maskAndNotScalar],
  ] as const;
  for (const count of lengths) {
    const a = OUT + (count % 5);
    const b = OTHER + (count % 3);
    const [left, right] = [randomMask(count), randomMask(count)];
    for (const [join, twin] of joins) {
      putMask(left, a);
      putMask(right, b);
      exports[join](a, b, count);
      expect(maskAt(a, count), `${count}`).toEqual(twin(left, right));
      expect(maskAt(b, count)).toEqual(right);
    }
    putMask(left, a);
    u8.fill(0xa5, a + Math.ceil(count / 64) * 8, a + 1_024);
    expect(exports.maskCount(a, count)).toBe(maskCountScalar(left, count));
    exports.maskNot(a, count);
    expect(maskAt(a, count)).toEqual(maskNotScalar(left, count));
    expect(restAt(a, count).every((byte) => byte === 0)).toBe(true);
  }
});
