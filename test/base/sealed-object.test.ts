/**
 * The envelope: whatever is done to the bytes of an object becomes a `corrupt` error, never another body.
 * Strategy: objects of no, few and many pages; every single bit flipped, every length cut, key and kind swapped,
 * lengths forged. Checksums come from a bitwise CRC-32C and Node's SHA-256, not from the kernels.
 */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../core/base/limits.js';
import type { Digests } from '../../core/base/ports.js';
import { newObject, openSealed, seal, sealJson } from '../../core/base/sealed-object.js';

const CASTAGNOLI = 0x82f63b78;
const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (CASTAGNOLI & -(sum & 1));
  return sum;
});

function crc32c(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = (sum >>> 8) ^ crcTable[(sum ^ byte) & 0xff]!;
  return ~sum >>> 0;
}

const digests: Digests = {
  sha256: (...parts) => {
    const hash = createHash('sha256');
    for (const part of parts) hash.update(part);
    return hash.digest();
  },
  crc32c,
  crc32cPages: (bytes, pageBytes) =>
    Uint32Array.from({ length: Math.ceil(bytes.length / pageBytes) }, (_, page) =>
      crc32c(bytes.subarray(page * pageBytes, (page + 1) * pageBytes)),
    ),
};

const slot = { kind: 'SLT', key: 'c/u/log/1' } as const;

function sealed(body: Uint8Array): Uint8Array {
  const object = newObject(body.length);
  object.body.set(body);
  return seal(digests, slot, object);
}

/** What opening the bytes as a slot comes to: the body in hex, or the kind of the error. */
function opened(bytes: Uint8Array): string {
  try {
    return Buffer.from(openSealed(digests, slot, bytes)).toString('hex');
  } catch (error) {
    return (error as { kind?: string }).kind ?? String(error);
  }
}

describe('a sealed object', () => {
  it('stands on the right polynomial', () => {
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
  });

  it('gives its body back, at every length around a page', () => {
    const page = limits.pageBytes;
    for (const length of [
      0,
      1,
      3,
      4,
      63,
      page - 65,
      page - 64,
      page - 63,
      page,
      2 * page - 64,
      3 * page + 5,
    ]) {
      const body = Uint8Array.from({ length }, (_, index) => index * 7);
      expect(openSealed(digests, slot, sealed(body)), `length ${length}`).toEqual(body);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (body) => {
        expect(opened(sealed(body))).toBe(Buffer.from(body).toString('hex'));
      }),
    );
  });

  it('may lie anywhere in a larger buffer', () => {
    const bytes = sealed(Uint8Array.of(1, 2, 3));
    const larger = new Uint8Array(bytes.length + 7);
    larger.set(bytes, 5);
    expect(opened(larger.subarray(5, 5 + bytes.length))).toBe('010203');
  });

  it('is corrupt with any single bit flipped', () => {
    const bytes = sealed(Uint8Array.from({ length: 37 }, (_, index) => index));
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const copy = bytes.slice();
      copy[bit >> 3]! ^= 1 << (bit & 7);
      expect(opened(copy), `bit ${bit}`).toBe('corrupt');
    }
  });

  it('is corrupt when cut or lengthened', () => {
    const bytes = sealed(Uint8Array.of(1, 2, 3));
    for (let length = 0; length < bytes.length; length++) {
      expect(opened(bytes.slice(0, length)), `length ${length}`).toBe('corrupt');
    }
    expect(opened(Uint8Array.of(...bytes, 0))).toBe('corrupt');
  });

  it('is corrupt under another key or as another kind', () => {
    const bytes = sealed(Uint8Array.of(1, 2, 3));
    const failing = { kind: 'corrupt', code: 'corrupt_object' };
    const as = (identity: Parameters<typeof openSealed>[1]) => () => openSealed(digests, identity, bytes);
    expect(as({ ...slot, key: 'c/u/log/2' })).toThrow(expect.objectContaining(failing));
    expect(as({ ...slot, kind: 'HED' })).toThrow(expect.objectContaining(failing));
  });

  it('names key, offset, expected and found', () => {
    const bytes = sealed(new Uint8Array(3 * limits.pageBytes));
    bytes[2 * limits.pageBytes + 9]! ^= 1;
    expect(() => openSealed(digests, slot, bytes)).toThrow(
      expect.objectContaining({
        details: expect.objectContaining({ key: slot.key, offset: 2 * limits.pageBytes }) as unknown,
      }),
    );
  });

  it('believes no length, even one that the checksums cover', () => {
    for (const forged of [2n ** 64n - 1n, 2n ** 53n, 2n ** 32n, 4n, 2n]) {
      const object = newObject(3);
      const bytes = seal(digests, slot, object);
      const view = new DataView(bytes.buffer);
      view.setBigUint64(16, forged, true);
      const table = bytes.length - 12;
      view.setUint32(table, crc32c(bytes.subarray(0, table)), true);
      view.setUint32(table + 4, crc32c(bytes.subarray(table, table + 4)), true);
      // 2 and 4 bytes make objects as long as 3 do, or shorter: only a length that fits may be read.
      expect(['corrupt', '0000', '00000000']).toContain(opened(bytes));
      expect(forged < 5n || opened(bytes) === 'corrupt').toBe(true);
    }
  });

  it('takes no part of its body for the page table of a shorter one', () => {
    const bytes = sealed(new Uint8Array(100));
    const view = new DataView(bytes.buffer);
    view.setBigUint64(16, 0n, true);
    view.setUint32(64, crc32c(bytes.subarray(0, 64)), true);
    const trailer = bytes.length - 8;
    view.setUint32(trailer, crc32c(bytes.subarray(64, trailer)), true);
    expect(opened(bytes)).toBe('corrupt');
  });

  it('holds JSON up to its limit', () => {
    const bytes = sealJson(digests, slot, { a: 1 }, 7);
    expect(new TextDecoder().decode(openSealed(digests, slot, bytes))).toBe('{"a":1}');
    expect(() => sealJson(digests, slot, { a: 1 }, 6)).toThrow(
      expect.objectContaining({
        code: 'limit_exceeded',
        details: expect.objectContaining({ value: 7, maximum: 6 }) as unknown,
      }),
    );
  });
});
