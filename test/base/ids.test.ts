import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatUuid, isUid, mustBeName, mustBeRecordId, newUid, newUuid } from '../../core/base/ids.js';
import { limits } from '../../core/base/limits.js';
import type { Random } from '../../core/base/ports.js';

/** Fills with the byte it is given. */
const constant = (byte: number): Random => ({ fill: (target) => target.fill(byte) });
const failure = (action: () => unknown): unknown => {
  try {
    return action();
  } catch (error) {
    return error;
  }
};

describe('uids and UUIDs', () => {
  it('take every bit of a uid from the random port', () => {
    expect(newUid(constant(0xa5))).toBe('a5'.repeat(16));
    expect(isUid(newUid(constant(0)))).toBe(true);
    for (const text of ['', 'a5', 'A5'.repeat(16), 'g0'.repeat(16), `${'a5'.repeat(16)}0`])
      expect(isUid(text)).toBe(false);
  });

  it('lay a UUID out with version and variant', () => {
    expect(newUuid(constant(0xff))).toBe('ffffffff-ffff-4fff-bfff-ffffffffffff');
    expect(formatUuid(new Uint8Array(16), 8)).toBe('00000000-0000-8000-8000-000000000000');
    const bytes = Uint8Array.from({ length: 32 }, (_, index) => index);
    expect(formatUuid(bytes, 4)).toBe('00010203-0405-4607-8809-0a0b0c0d0e0f');
    expect(bytes[6]).toBe(6);
  });
});

describe('names', () => {
  it.each(['a', 'A.b_c-9', '0', 'x'.repeat(128)])('allows %s', (name) => {
    expect(mustBeName(name, 'collection')).toBe(name);
  });

  it.each(['', '.a', '-a', '_a', 'a b', 'a/b', 'ä', 'a\n', 'x'.repeat(129), 5, null, undefined, {}])(
    'refuses %j with its value',
    (name) => {
      const error = failure(() => mustBeName(name, 'collection'));
      expect(error).toMatchObject({ kind: 'invalid', code: 'invalid_name', details: { what: 'collection' } });
    },
  );

  it('does not echo a long name whole', () => {
    const error = failure(() => mustBeName('x'.repeat(100_000), 'collection')) as Error;
    expect(error.message.length).toBeLessThan(400);
  });
});

describe('record ids', () => {
  it('allows 1 to 512 bytes of UTF-8', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', minLength: 1, maxLength: 128 }),
        (id) => mustBeRecordId(id, 'records[0]') === id,
      ),
    );
    expect(mustBeRecordId('é'.repeat(256), 'records[0]')).toHaveLength(256);
    expect(mustBeRecordId('__proto__', 'records[0]')).toBe('__proto__');
  });

  it('refuses more bytes, naming the limit, the value and the place', () => {
    for (const [id, bytes] of [
      ['a'.repeat(513), 513],
      [`${'é'.repeat(256)}a`, 513],
      ['\u{10ffff}'.repeat(129), 516],
    ] as const) {
      expect(failure(() => mustBeRecordId(id, 'records[7]'))).toMatchObject({
        code: 'limit_exceeded',
        details: { limit: 'idBytes', value: bytes, maximum: limits.idBytes },
        message: expect.stringContaining('records[7]') as string,
      });
    }
  });

  it.each([
    ['a number', 5],
    ['nothing', undefined],
    ['an empty string', ''],
    ['a lone surrogate', 'a\ud800b'],
    ['a lone tail', '\udc00'],
  ])('refuses %s', (_, id) => {
    expect(failure(() => mustBeRecordId(id, 'records[7]'))).toMatchObject({
      kind: 'invalid',
      code: 'invalid_id',
      details: { where: 'records[7]' },
    });
  });
});
