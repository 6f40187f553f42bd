/** How a decoder ends. */
import { expect } from 'vitest';
import { CairnError } from '../../core/base/errors.js';

/** The value, or `corrupt`; anything else fails. */
export function outcome<T>(open: () => T): T | 'corrupt' {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof CairnError)) throw error;
    expect(error.kind).toBe('corrupt');
    expect(error.details).toMatchObject({ key: expect.any(String), offset: expect.any(Number) });
    return 'corrupt';
  }
}
