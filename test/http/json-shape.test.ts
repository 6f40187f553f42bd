/** Bodies that are small for what they become: counted before a parser makes objects of them. */
import { describe, expect, it } from 'vitest';
import { utf8Encode } from '../../core/base/bytes.js';
import { limits } from '../../core/index.js';
import { mustBeParsable } from '../../functions/http/body/index.js';

const check = (text: string): void => mustBeParsable(utf8Encode(text));
const excess = (limit: 'jsonValues' | 'jsonDepth'): object => ({
  kind: 'invalid',
  code: 'limit_exceeded',
  details: { limit, value: limits[limit] + 1, maximum: limits[limit] },
});
const padding = ' '.repeat(70_000);

function error(text: string): unknown {
  try {
    check(text);
  } catch (thrown) {
    return thrown;
  }
  return undefined;
}

describe('the shape of a body', () => {
  it('may have so many arrays, objects and fields, and no more', () => {
    const most = limits.jsonValues;
    for (const one of ['[],', '{},', '"a":1,']) {
      expect(error(one.repeat(most))).toBeUndefined();
      expect(error(one.repeat(most + 1))).toMatchObject(excess('jsonValues'));
    }
  });

  it('may be so deep, and no deeper', () => {
    const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels) + padding;
    expect(error(deep(limits.jsonDepth))).toBeUndefined();
    expect(error(deep(limits.jsonDepth + 1))).toMatchObject(excess('jsonDepth'));
    expect(error('[]'.repeat(limits.jsonDepth * 4) + padding)).toBeUndefined();
  });

  it('is not what stands in strings, escaped quotes and all', () => {
    const inside = '[{:'.repeat(limits.jsonValues);
    for (const quote of ['', '\\"', '\\\\', '\\\\\\"']) {
      expect(error(`{"a":"${quote}${inside}"}`)).toBeUndefined();
    }
    expect(error(`{"a":"\\\\"${inside}`)).toBeDefined();
    expect(error(`"${inside}`)).toBeUndefined();
  });
});
