/**
 * JSON bodies with a lifted string: the same value as `JSON.parse` gives, whatever the body looks like.
 *
 * Strategy: `JSON.parse` of the whole text is the oracle. Bodies are made of every trap that lifting could fall into:
 * escapes, the key elsewhere, twice, in metadata, in a string; large and small; and damaged ones, whose error must be
 * the one without lifting.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isCairnError } from '../../core/base/errors.js';
import { parseJson, parseJsonBytes } from '../../functions/http/body/json.js';
import { hostBytes } from '../../functions/node/index.js';

const large = Buffer.from(new Float32Array(15_000).fill(1.25).buffer).toString('base64');
const newMark = (): string => 'a mark that nobody guesses';

/** The value with floats as the base64 that they came from, and whether a string was lifted. */
function parsed(text: string, host: typeof hostBytes | undefined) {
  let lifted = 0;
  const counting = (): string => {
    lifted++;
    return newMark();
  };
  const value = parseJsonBytes(new TextEncoder().encode(text), { host, newMark: counting });
  return { value: withText(value), lifted };
}

function withText(value: unknown): unknown {
  if (value instanceof Float32Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  if (Array.isArray(value)) return value.map(withText);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withText(part)]));
}

describe.each([
  ['without a host', undefined],
  ['with the bytes of Node', hostBytes],
])('lifting %s', (_host, host) => {
  test.each([
    ['first', `{"vectors":"${large}","ids":["a"]}`],
    ['last, after escapes', `{"ids":["a\\"b","\\\\"],"vectors" :\n "${large}"}`],
    ['in a write', `{"delete":{"ids":["x"]},"upsert":{"ids":["a"],"vectors":"${large}"}}`],
    ['after text that is not ASCII', `{"ids":["é😀"],"vectors":"${large}"}`],
  ])('takes the columns of a body: %s', (_, text) => {
    expect(parsed(text, host)).toEqual({ value: JSON.parse(text) as unknown, lifted: 1 });
  });

  test.each([
    ['a small body', '{"vectors":"AAAA"}'],
    ['an escape inside', `{"vectors":"${large}\\u0041${large}"}`],
    ['in metadata', `{"records":[{"vector":[1],"metadata":{"vectors":"${large}"}}]}`],
    ['deeper than columns are', `{"upsert":{"upsert":{"vectors":"${large}"}}}`],
    ['the key twice, the last one small', `{"vectors":"${large}","vectors":"AAAA"}`],
    ['another key', `{"vector":"${large}"}`],
    ['a key that ends like it', `{"x\\"vectors":"${large}"}`],
    ['a string that looks like it', `{"a":"\\"vectors\\":","b":"${large}"}`],
    ['in an array', `{"vectors":["${large}","${large}"]}`],
    ['the body itself', `"${large}"`],
    ['behind more quotes than are looked at', `{"ids":[${'"a",'.repeat(20_000)}"a"],"vectors":"${large}"}`],
    ['a mark in the body', `{"ids":["${newMark()}"],"vectors":["${large}"]}`],
  ])('leaves alone %s', (_, text) => {
    const { value } = parsed(text, host);
    expect(value).toEqual(JSON.parse(text));
  });

  test('changes no value, wherever the string stands', () => {
    const key = fc.constantFrom('vectors', 'ids', 'upsert', 'a"vectors', 'x\\', 'é');
    const leaf = fc.constantFrom<unknown>(large, `${large}\n`, 'AAAA', '', '"vectors":', 1, null);
    const value = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.dictionary(key, tie('node'), { maxKeys: 4 }),
        fc.array(tie('node'), { maxLength: 3 }),
      ),
    })).node;
    fc.assert(
      fc.property(value, fc.constantFrom(0, 1, 2), (body, indent) => {
        const text = JSON.stringify(body, null, indent);
        expect(parsed(text, host).value).toEqual(JSON.parse(text));
      }),
      { numRuns: 300 },
    );
  });

  test('changes no error of a damaged body', () => {
    const text = `{"ids":["a","b"],"vectors":"${large}","metadata":[null,{"n":1}]}`;
    const errorOf = (parse: () => unknown): unknown => {
      try {
        parse();
        return undefined;
      } catch (error) {
        return isCairnError(error) ? error.message : error;
      }
    };
    const outside = [...Array(27).keys(), ...Array.from({ length: 28 }, (_, i) => text.length - 1 - i)];
    for (const at of outside) {
      for (const graft of ['', 'x', '"', '\\', '{']) {
        const damaged = text.slice(0, at) + graft + text.slice(at + 1);
        expect(
          errorOf(() => parsed(damaged, host)),
          damaged.slice(0, 40),
        ).toEqual(errorOf(() => parseJson(damaged)));
      }
    }
  });

  test('never makes text of bytes that are not UTF-8 around it', () => {
    const bytes = new TextEncoder().encode(`{"ids":["?"],"vectors":"${large}"}`);
    bytes[9] = 0xff;
    expect(() => parseJsonBytes(bytes, { host, newMark })).toThrow('body is not UTF-8');
  });

  test('bears bodies of nothing but quotes and backslashes', () => {
    for (const filler of ['"', '\\', '\\"', '"",']) {
      const text = filler.repeat(200_000);
      expect(() => parsed(text, host)).toThrow('body is not JSON');
      expect(() => parsed(`{"a":"${text}`, host)).toThrow('body is not JSON');
    }
  });
});

describe('floats in the memory of their text', () => {
  const body = (text: string): unknown =>
    (
      parseJsonBytes(new TextEncoder().encode(`{"vectors":"${text}"}`), { host: hostBytes, newMark }) as {
        readonly vectors: unknown;
      }
    ).vectors;
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

  test('are the floats that were encoded, at every alignment of the text', () => {
    const bytes = Uint8Array.from({ length: 60_000 }, (_, i) => (i * 7919) >> 3);
    for (const [cut, spaces] of [
      [0, ''],
      [4, ' '],
      [8, '  '],
      [49_152 - 60_000, '   '],
    ] as const) {
      const encoded = bytes.subarray(0, cut < 0 ? 60_000 + cut : bytes.length - cut);
      const text = Buffer.from(encoded).toString('base64');
      for (const shown of [text, text.replace(/=+$/, '')]) {
        const source = new TextEncoder().encode(`{${spaces}"vectors":"${shown}"}`);
        const { vectors } = parseJsonBytes(source, { host: hostBytes, newMark }) as { vectors: Float32Array };
        expect(vectors).toBeInstanceOf(Float32Array);
        expect(new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength)).toEqual(encoded);
      }
    }
  });

  test('are refused for anything that is not strict base64, and the text is whole again', () => {
    const places = [0, 1, 40_000, 65_535, 65_536, 65_537, large.length - 2, large.length - 1];
    for (const at of places) {
      for (const foreign of ['-', '_', '=', ' ', '\n', '?', '\u007f']) {
        const text = large.slice(0, at) + foreign + large.slice(at + 1);
        if (foreign === '=' && at === large.length - 1) continue;
        expect(body(JSON.stringify(text).slice(1, -1)), `${JSON.stringify(foreign)} at ${at}`).toBe(text);
      }
    }
    for (const text of [`${large}A`, `${large}AA`, `${large}AAA`, `${large}AAAA`, `${large}====`]) {
      expect(body(text)).toBe(text);
    }
  });

  test('are refused where the last character has bits beyond the last byte', () => {
    // 60,004 bytes: the last group has two characters and four loose bits.
    const text = Buffer.from(new Uint8Array(60_004)).toString('base64').replace(/=+$/, '');
    const taken = alphabet.split('').filter((last) => typeof body(text.slice(0, -1) + last) !== 'string');
    expect(text.length % 4).toBe(2);
    expect(taken).toEqual(['A', 'Q', 'g', 'w']);
  });
});
