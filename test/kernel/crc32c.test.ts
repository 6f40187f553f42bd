/**
 * Strategy: published vectors hold the twin; the twin holds the kernel at every length and start, in pieces, by pages,
 * and across the bounded rounds of `Kernel`.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arenaChecksums } from '../../core/kernel/index.js';
import { CRC_TABLES_BYTES, CRC_TABLES_OFFSET, PAYLOAD_OFFSET } from '../../core/kernel/layout.js';
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
  expect(() => sum(bytes, 4)).toThrow('pages at once');
});

test('the tables lie where the layout says', () => {
  const fresh = newArena();
  fresh.u8.fill(0x5a, 0, PAYLOAD_OFFSET);
  fresh.exports.init();
  const end = CRC_TABLES_OFFSET + CRC_TABLES_BYTES;
  expect(fresh.u8.subarray(0, CRC_TABLES_OFFSET).every((byte) => byte === 0x5a)).toBe(true);
  expect(fresh.u8.subarray(end, PAYLOAD_OFFSET).every((byte) => byte === 0x5a)).toBe(true);
  // The first entry is 0, the second the reflected polynomial folded once per bit of the byte 1.
  expect(fresh.u32[CRC_TABLES_OFFSET / 4]).toBe(0);
  expect(fresh.u32[CRC_TABLES_OFFSET / 4 + 1]).toBe(0xf26b8303);
});
