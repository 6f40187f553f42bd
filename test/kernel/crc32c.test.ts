/**
 * Strategy: published vectors hold the twin; the twin holds the kernel at every length and start, in pieces, by pages,
 * and across the bounded rounds of `Kernel`.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arenaChecksums } from '../../core/kernel/index.js';
import {
  CRC_SCRATCH_BYTES,
  CRC_SCRATCH_OFFSET,
  CRC_TABLES_BYTES,
  CRC_TABLES_OFFSET,
  PAYLOAD_OFFSET,
} from '../../core/kernel/layout.js';
import { crc32cScalar } from '../../core/kernel/scalar/crc32c.js';
import { lengths, newArena, newKernel } from './fixture.js';

const kernel = newKernel();
const arena = newArena();

function noise(length: number): Uint8Array {
  let state = 12_345;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 24;
  });
}

/** RFC 3720 B.4 and the check value of the polynomial. */
const published: readonly (readonly [string, Uint8Array, number])[] = [
  ['check value', new TextEncoder().encode('123456789'), 0xe3069283],
  ['nothing', new Uint8Array(0), 0],
  ['32 zeros', new Uint8Array(32), 0x8a9136aa],
  ['32 ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['ascending', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ['descending', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
];

describe('crc32c', () => {
  test.each(published)('%s', (_, bytes, wanted) => {
    expect(crc32cScalar(bytes)).toBe(wanted);
    expect(kernel.crc32c(bytes)).toBe(wanted);
  });

  test('equals its twin at every length and start', () => {
    const bytes = noise(4096);
    for (const length of lengths) {
      const part = bytes.subarray(0, length);
      for (let shift = 0; shift < 16; shift++) {
        arena.u8.set(part, PAYLOAD_OFFSET + shift);
        const found = arena.exports.crc32c(0, PAYLOAD_OFFSET + shift, length) >>> 0;
        expect(found, `length ${length}, start ${shift}`).toBe(crc32cScalar(part));
      }
    }
  });

  /** On both sides of where inputs are shortened by one multiple, by two, and in parts. */
  test.each([
    1_008, 1_023, 1_024, 1_025, 8_191, 12_272, 12_287, 12_288, 12_305, 16_383, 16_384, 16_400, 17_407, 17_408,
    40_001,
  ])('equals its twin at %i bytes, whatever was there before', (length) => {
    for (const bytes of [noise(length), new Uint8Array(length).fill(0xff)]) {
      for (const shift of [0, 5]) {
        arena.u8.set(bytes, PAYLOAD_OFFSET + shift);
        const found = arena.exports.crc32c(0, PAYLOAD_OFFSET + shift, length) >>> 0;
        expect(found, `start ${shift}`).toBe(crc32cScalar(bytes));
      }
    }
  });

  test('of one bit differs from that of no bit as the twin says, wherever it is', () => {
    const bytes = new Uint8Array(16_384);
    for (let bit = 0; bit < 8 * bytes.length; bit += 977) {
      bytes[bit >> 3] = 1 << (bit & 7);
      arena.u8.set(bytes, PAYLOAD_OFFSET);
      expect(arena.exports.crc32c(0, PAYLOAD_OFFSET, bytes.length) >>> 0, `bit ${bit}`).toBe(
        crc32cScalar(bytes),
      );
      bytes[bit >> 3] = 0;
    }
  });

  test('goes on from a crc', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (bytes, cut) => {
        const first = Math.min(cut, bytes.length);
        arena.u8.set(bytes, PAYLOAD_OFFSET);
        const half = arena.exports.crc32c(0, PAYLOAD_OFFSET, first);
        const whole = arena.exports.crc32c(half, PAYLOAD_OFFSET + first, bytes.length - first) >>> 0;
        expect(whole).toBe(crc32cScalar(bytes));
        expect(crc32cScalar(bytes.subarray(first), crc32cScalar(bytes.subarray(0, first)))).toBe(whole);
      }),
    );
  });

  test('of a long input goes on from a crc', () => {
    const bytes = noise(20_000);
    arena.u8.set(bytes, PAYLOAD_OFFSET);
    for (const first of [1, 3_000, 17_000]) {
      const half = arena.exports.crc32c(0, PAYLOAD_OFFSET, first);
      const whole = arena.exports.crc32c(half, PAYLOAD_OFFSET + first, bytes.length - first) >>> 0;
      expect(whole, `first ${first}`).toBe(crc32cScalar(bytes));
    }
  });

  test('takes inputs larger than the scratch arena', () => {
    const bytes = noise(500_001);
    expect(kernel.crc32c(bytes)).toBe(crc32cScalar(bytes));
  });
});

describe('crc32cPages', () => {
  test.each([1, 7, 16, 512, 16_384, 196_608, 250_000])('pages of %i bytes', (pageBytes) => {
    const bytes = noise(pageBytes < 16 ? 5_000 : 400_003);
    for (const length of [0, 1, pageBytes, pageBytes + 1, bytes.length]) {
      const part = bytes.subarray(0, length);
      const wanted: number[] = [];
      for (let at = 0; at < part.length; at += pageBytes) {
        wanted.push(crc32cScalar(part.subarray(at, at + pageBytes)));
      }
      expect([...kernel.crc32cPages(part, pageBytes)], `length ${length}`).toEqual(wanted);
    }
  });
});

test('pages that lie in an arena are summed there, and it keeps its bytes', () => {
  const own = newArena();
  const pageBytes = 1_024;
  const bytes = own.u8.subarray(PAYLOAD_OFFSET + 3, PAYLOAD_OFFSET + 3 + 100_001);
  bytes.set(noise(bytes.length));
  const before = own.u8.slice(PAYLOAD_OFFSET);
  const sum = arenaChecksums(own);
  expect(sum(bytes, pageBytes)).toEqual(kernel.crc32cPages(bytes, pageBytes));
  expect(own.u8.subarray(PAYLOAD_OFFSET)).toEqual(before);
  expect(() => sum(bytes.slice(), pageBytes)).toThrow('another memory');
  // More pages than there is room for checksums.
  expect(sum(bytes, 4)).toEqual(kernel.crc32cPages(bytes, 4));
});

test('the tables and the scratch lie where the layout says', () => {
  const fresh = newArena();
  fresh.u8.fill(0x5a, 0, PAYLOAD_OFFSET);
  fresh.exports.init();
  for (const length of [1_024, 12_272, 16_384]) {
    const found = fresh.exports.crc32c(0, PAYLOAD_OFFSET, length) >>> 0;
    expect(found).toBe(crc32cScalar(new Uint8Array(length)));
  }
  const written = (from: number, to: number): boolean =>
    fresh.u8.subarray(from, to).some((byte) => byte !== 0x5a);
  const scratchEnd = CRC_SCRATCH_OFFSET + CRC_SCRATCH_BYTES;
  expect(written(0, CRC_TABLES_OFFSET)).toBe(false);
  expect(written(CRC_TABLES_OFFSET + CRC_TABLES_BYTES, CRC_SCRATCH_OFFSET)).toBe(false);
  expect(written(CRC_SCRATCH_OFFSET, CRC_SCRATCH_OFFSET + 16)).toBe(true);
  expect(written(scratchEnd - 16, scratchEnd)).toBe(true);
  expect(written(scratchEnd, PAYLOAD_OFFSET)).toBe(false);
  // The first entry is 0, the second the reflected polynomial folded once per bit of the byte 1.
  expect(fresh.u32[CRC_TABLES_OFFSET / 4]).toBe(0);
  expect(fresh.u32[CRC_TABLES_OFFSET / 4 + 1]).toBe(0xf26b8303);
});
