import { describe, expect, it } from 'vitest';
import {
  assertInternal,
  CairnError,
  corrupt,
  invalid,
  isCairnError,
  overLimit,
} from '../../core/base/errors.js';

describe('CairnError', () => {
  it('carries kind, code, details, outcome, cause and a retry hint', () => {
    const cause = new Error('disk');
    const error = new CairnError('unavailable', 'store_unavailable', 'store did not answer', {
      details: { tries: 4 },
      outcome: 'unknown',
      cause,
      retryAfterS: 2,
    });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'CairnError',
      kind: 'unavailable',
      code: 'store_unavailable',
      message: 'store did not answer',
      details: { tries: 4 },
      outcome: 'unknown',
      retryAfterS: 2,
    });
    expect(error.cause).toBe(cause);
    expect(isCairnError(error)).toBe(true);
    expect(isCairnError(cause)).toBe(false);
  });

  it('has no cause, outcome or details unless given', () => {
    const error = invalid('empty_batch', 'batch has no records');
    expect(Object.hasOwn(error, 'cause')).toBe(false);
    expect(error).toMatchObject({ kind: 'invalid', details: {}, outcome: undefined, retryAfterS: undefined });
  });

  it('names limit, value and maximum of an excess', () => {
    const error = overLimit('k', 20_000, 10_000, 'query');
    expect(error).toMatchObject({ kind: 'invalid', code: 'limit_exceeded' });
    expect(error.message).toBe('query: k is 20000, the maximum is 10000');
    expect(error.details).toEqual({ limit: 'k', value: 20_000, maximum: 10_000 });
  });

  it('names key, offset, expected and found of a corruption', () => {
    const where = { key: 'c/u/head', offset: 12, expected: 'magic CRNH', found: '00000000' };
    const error = corrupt(where);
    expect(error).toMatchObject({ kind: 'corrupt', code: 'corrupt_object', details: where });
    expect(error.message).toBe('object c/u/head is corrupt at byte 12: expected magic CRNH, found 00000000');
  });

  it('turns a broken assumption of ours into an internal error', () => {
    expect(() => assertInternal(true, 'fine')).not.toThrow();
    expect(() => assertInternal(false, 'rows out of order')).toThrow(
      expect.objectContaining({ kind: 'internal', code: 'assertion_failed', message: 'rows out of order' }),
    );
  });
});
