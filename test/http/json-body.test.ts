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
import { decodeUtf8, parseJson, parseJsonBytes } from '../../functions/http/json-body.js';
import { asciiText } from '../../functions/node/index.js';

const large = 'AAAAPw=='.repeat(10_000);
const newMark = (): string => 'a mark that nobody guesses';

/** The value, and how many strings were lifted. */
function parsed(text: string) {
  let lifted = 0;
  const value = parseJsonBytes(new TextEncoder().encode(text), {
    asciiText: (bytes) => {
      lifted++;
      return asciiText(bytes);
    },
    newMark,
  });
  return { value, lifted };
}

describe('lifting', () => {
  test.each([
    ['first', `{"vectors":"${large}","ids":["a"]}`],
    ['last, after escapes', `{"ids":["a\\"b","\\\\"],"vectors" :\n "${large}"}`],
    ['in a write', `{"delete":{"ids":["x"]},"upsert":{"ids":["a"],"vectors":"${large}"}}`],
    ['after text that is not ASCII', `{"ids":["é😀"],"vectors":"${large}"}`],
  ])('takes the columns of a body: %s', (_, text) => {
    expect(parsed(text)).toEqual({ value: JSON.parse(text) as unknown, lifted: 1 });
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
    const { value } = parsed(text);
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
        expect(parsed(text).value).toEqual(JSON.parse(text));
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
          errorOf(() => parsed(damaged)),
          damaged.slice(0, 40),
        ).toEqual(errorOf(() => parseJson(damaged)));
      }
    }
  });

  test('never makes text of bytes that are not UTF-8 around it', () => {
    const bytes = new TextEncoder().encode(`{"ids":["?"],"vectors":"${large}"}`);
    bytes[9] = 0xff;
    expect(() => parseJsonBytes(bytes, { asciiText, newMark })).toThrow('body is not UTF-8');
  });

  test('bears bodies of nothing but quotes and backslashes', () => {
    for (const filler of ['"', '\\', '\\"', '"",']) {
      const text = filler.repeat(200_000);
      expect(() => parsed(text)).toThrow('body is not JSON');
      expect(() => parsed(`{"a":"${text}`)).toThrow('body is not JSON');
    }
  });
});

test('the portable way gives the same as that of Node', () => {
  const bytes = new TextEncoder().encode(large);
  expect(decodeUtf8(bytes)).toBe(asciiText(bytes));
});
