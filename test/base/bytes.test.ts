import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  alignUp,
  bytesEqual,
  bytesToHex,
  compareUtf8,
  concatBytes,
  tryHexToBytes,
  utf8Decode,
  utf8Encode,
  utf8Length,
} from '../../core/base/bytes.js';

/** Strings with every kind of character, lone surrogates only where asked. */
const text = fc.string({ unit: 'binary' });
const mixed = fc.string({
  unit: fc.constantFrom(
    'a',
    'ab',
    '\u{7f}',
    '\u{80}',
    '\u{7ff}',
    '\u{800}',
    '\u{d7ff}',
    '\u{e000}',
    '\u{ffff}',
    '\u{10000}',
    '\u{10ffff}',
  ),
});

describe('UTF-8', () => {
  it('encodes and decodes well-formed text without loss', () => {
    fc.assert(fc.property(text, (value) => utf8Decode(utf8Encode(value)) === value));
    expect(utf8Decode(utf8Encode('\ufeffa'))).toBe('\ufeffa');
  });

  it('measures as many bytes as it encodes, lone surrogates included', () => {
    fc.assert(fc.property(fc.oneof(text, mixed), (value) => utf8Length(value) === utf8Encode(value).length));
    for (const lone of ['\ud800', 'a\udfff', '\ud800a', '\udc00\udc00']) {
      expect(utf8Length(lone)).toBe(utf8Encode(lone).length);
    }
  });

  it.each([[[0xff]], [[0xc0, 0x80]], [[0xed, 0xa0, 0x80]], [[0xf4, 0x90, 0x80, 0x80]], [[0xe2, 0x82]]])(
    'refuses malformed bytes %j',
    (bytes) => {
      expect(() => utf8Decode(Uint8Array.from(bytes))).toThrow(TypeError);
    },
  );

  it('compares text as its bytes compare', () => {
    const byBytes = (a: string, b: string): number => {
      const x = utf8Encode(a);
      const y = utf8Encode(b);
      const at = x.findIndex((byte, index) => byte !== y[index]);
      return at === -1 ? x.length - y.length : x[at]! - (y[at] ?? -1);
    };
    fc.assert(
      fc.property(mixed, mixed, (a, b) => {
        expect(Math.sign(compareUtf8(a, b))).toBe(Math.sign(byBytes(a, b)));
      }),
    );
    expect(compareUtf8('\uffff', '\u{10000}')).toBeLessThan(0);
  });
});

describe('hex', () => {
  it('goes there and back', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => bytesEqual(tryHexToBytes(bytesToHex(bytes))!, bytes)));
    expect(bytesToHex(Uint8Array.of(0, 1, 0xab, 0xff))).toBe('0001abff');
  });

  it.each(['0', 'AB', '0g', ' 00', '00\n', '0x00'])('declines %j', (hex) => {
    expect(tryHexToBytes(hex)).toBeUndefined();
  });
});

describe('byte arrays', () => {
  it('are equal only in length and content', () => {
    expect(bytesEqual(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
    expect(bytesEqual(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
    expect(bytesEqual(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 3))).toBe(false);
    expect(bytesEqual(Uint8Array.of(), Uint8Array.of())).toBe(true);
  });

  it('are joined in order', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), (parts) => {
        expect([...concatBytes(parts)]).toEqual(parts.flatMap((part) => [...part]));
      }),
    );
  });

  it('align upwards', () => {
    expect([0, 1, 63, 64, 65].map((value) => alignUp(value, 64))).toEqual([0, 64, 64, 64, 128]);
  });
});

describe('text of any length', () => {
  it.each(['', 'id-1', 'x'.repeat(24), 'x'.repeat(25), 'é', 'Zürich', '\ufeffa', '𝄞'.repeat(9)])(
    '%j comes back',
    (given) => {
      expect(utf8Decode(utf8Encode(given))).toBe(given);
    },
  );

  it('is refused where it is no UTF-8, short or long', () => {
    expect(() => utf8Decode(Uint8Array.of(0x61, 0xff))).toThrow(TypeError);
    expect(() => utf8Decode(new Uint8Array(40).fill(0xc3))).toThrow(TypeError);
  });
});
