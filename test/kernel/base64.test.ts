/**
 * Strategy: Buffer's encoder holds what is accepted; the twin holds what is refused and where, over every byte at
 * every position of a block and over mutated texts. The kernel is asked raw, and through `Kernel` in its rounds.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isCairnError } from '../../core/base/errors.js';
import { PAYLOAD_OFFSET } from '../../core/kernel/layout.js';
import { decodeBase64Scalar, type Base64Result } from '../../core/kernel/scalar/base64.js';
import { newArena, newKernel } from './fixture.js';

const arena = newArena();
const kernel = newKernel();
const SOURCE = PAYLOAD_OFFSET;
const TARGET = PAYLOAD_OFFSET + 131_072;

/** The raw kernel over characters 0-255. */
function decodeRaw(text: string, shift = 0): Base64Result {
  arena.u8.set(Buffer.from(text, 'latin1'), SOURCE + shift);
  const answer = arena.exports.base64Decode(SOURCE + shift, text.length, TARGET, 1);
  return answer < 0 ? { badOffset: -1 - answer } : { bytes: arena.u8.slice(TARGET, TARGET + answer) };
}

function base64Of(bytes: Uint8Array, padded: boolean): string {
  const text = Buffer.from(bytes).toString('base64');
  return padded ? text : text.replaceAll('=', '');
}

function errorOf(text: string): { code: string; offset: unknown; bytes: unknown } {
  try {
    kernel.decodeBase64F32(text, 'vector');
  } catch (error) {
    if (isCairnError(error)) {
      return { code: error.code, offset: error.details['offset'], bytes: error.details['bytes'] };
    }
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}

describe('base64Decode', () => {
  test('decodes what Buffer encodes, padded or not, at any start', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), fc.nat(15), (bytes, padded, shift) => {
        const text = base64Of(bytes, padded);
        expect(decodeRaw(text, shift)).toEqual({ bytes });
        expect(decodeBase64Scalar(text)).toEqual({ bytes });
      }),
    );
  });

  test.each([
    [36, true],
    [35, true],
    [35, false],
    [34, true],
    [34, false],
  ])('judges every byte at every position as its twin does: %i bytes, padded: %s', (length, padded) => {
    const bytes = Uint8Array.from({ length }, (_, i) => i * 7);
    const good = base64Of(bytes, padded);
    for (let at = 0; at < good.length; at++) {
      for (let byte = 0; byte < 256; byte++) {
        const text = good.slice(0, at) + String.fromCharCode(byte) + good.slice(at + 1);
        expect(decodeRaw(text), `byte ${byte} at ${at}`).toEqual(decodeBase64Scalar(text));
      }
    }
  });

  test('judges mutated texts as its twin does', () => {
    const symbol = fc.constantFrom(...'AQgw/+=9zZ- \n_'.split(''));
    fc.assert(
      fc.property(fc.array(symbol, { maxLength: 80 }), (symbols) => {
        const text = symbols.join('');
        expect(decodeRaw(text)).toEqual(decodeBase64Scalar(text));
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['one character of a quartet', 'AAAAA', 4],
    ['bits set in the last sextet', 'AB', 1],
    ['bits set before padding', 'AAF=', 2],
    ['padding that does not fill the quartet', 'AA=', 2],
    ['padding alone', '====', 0],
    ['padding in the middle', 'AA==AAAA', 2],
    ['white space', 'AAAA\nAAAA', 4],
    ['the alphabet for addresses', 'AA-_', 2],
  ])('refuses %s', (_, text, badOffset) => {
    expect(decodeRaw(text)).toEqual({ badOffset });
    expect(decodeBase64Scalar(text)).toEqual({ badOffset });
  });

  test('takes whole quartets without padding where more follows', () => {
    const answers = ['AAAA', 'AAA', 'AA', 'A', 'AAA=', 'AA==', ''].map((text) => {
      arena.u8.set(Buffer.from(text), SOURCE);
      return arena.exports.base64Decode(SOURCE, text.length, TARGET, 0);
    });
    expect(answers).toEqual([3, -3, -2, -1, -4, -3, 0]);
  });

  test('writes nothing past its bytes', () => {
    for (let length = 0; length < 100; length++) {
      arena.u8.fill(0x77, TARGET, TARGET + 256);
      const answer = decodeRaw(base64Of(new Uint8Array(length), true));
      expect(answer).toEqual({ bytes: new Uint8Array(length) });
      const after = arena.u8.subarray(TARGET + length, TARGET + 256);
      expect(
        after.every((byte) => byte === 0x77),
        `length ${length}`,
      ).toBe(true);
    }
  });
});

describe('decodeBase64F32', () => {
  test('answers the numbers, over rounds of the scratch arena too', () => {
    for (const length of [0, 1, 2, 3, 12_287, 12_288, 12_289, 100_003]) {
      const values = Float32Array.from({ length }, (_, i) => i / 7 - 5);
      const bytes = new Uint8Array(values.buffer);
      expect(kernel.decodeBase64F32(base64Of(bytes, true), 'x')).toEqual(values);
      expect(kernel.decodeBase64F32(base64Of(bytes, false), 'x')).toEqual(values);
    }
  });

  test('keeps every bit, of NaN too', () => {
    const bytes = Uint8Array.of(1, 0, 0xc0, 0x7f, 0, 0, 0, 0x80);
    const values = kernel.decodeBase64F32(base64Of(bytes, true), 'x');
    expect(new Uint8Array(values.buffer)).toEqual(bytes);
  });

  test('names the character that is refused, in any round', () => {
    const long = 'A'.repeat(200_000);
    for (const at of [0, 1, 65_535, 65_536, 131_071, 131_072, 199_999]) {
      for (const foreign of ['?', '=', 'é', '\u{ffff}', '\ud800']) {
        const text = long.slice(0, at) + foreign + long.slice(at + 1);
        // One padding character at the very end is in order: then it is the length that is wrong.
        if (foreign === '=' && at === 199_999) continue;
        expect(errorOf(text), `${foreign} at ${at}`).toMatchObject({ code: 'invalid_base64', offset: at });
      }
    }
    expect(errorOf(`${'A'.repeat(65_532)}AA==${'A'.repeat(100)}`)).toMatchObject({ offset: 65_534 });
  });

  test('refuses bytes that are no whole numbers', () => {
    expect(errorOf('AAAA')).toEqual({ code: 'invalid_base64', offset: undefined, bytes: 3 });
    expect(errorOf('AAAAAAA=')).toMatchObject({ bytes: 5 });
    expect(errorOf('AAAAA')).toMatchObject({ offset: 4 });
  });

  test('names the text and the character in its message', () => {
    expect(() => kernel.decodeBase64F32('AA!A', 'records[3].vector')).toThrow(
      'records[3].vector: base64 is malformed at character 2: "!"',
    );
  });
});
