/** What a caller says of a write besides what is written. */
import { invalid } from '../../base/errors.js';
import { newNonce, sequence } from '../../base/ids.js';
import type { Sequence } from '../../base/ids.js';
import { limits } from '../../base/limits.js';
import type { Random } from '../../base/ports.js';
import { mustBeObject, mustHaveOnly, optionalInteger } from './input-shape.js';
import { parseTimeout } from './query-parser.js';

export interface ParsedWriteOptions {
  /** The idempotency key: a random one where none was given. */
  readonly key: string;
  readonly firstTail: Sequence | undefined;
  readonly timeoutMs: number;
}

const KEY = /^[\x20-\x7e]{1,255}$/;

/** Throws `invalid`. */
export function parseWriteOptions(value: unknown, random: Random): ParsedWriteOptions {
  const options = mustBeObject(value, 'options');
  mustHaveOnly(options, ['idempotencyKey', 'firstTail', 'timeoutMs'], 'options');
  // A null is no missing key: whoever passes one believes that the write is safe to repeat.
  const key = options['idempotencyKey'] === undefined ? newNonce(random) : options['idempotencyKey'];
  if (typeof key !== 'string' || !KEY.test(key)) {
    throw invalid(
      'invalid_idempotency_key',
      `an idempotency key is 1 to ${limits.idempotencyKeyBytes} printable ASCII characters`,
    );
  }
  const range = { name: 'first_tail', min: 0, max: Number.MAX_SAFE_INTEGER, fallback: 0 };
  const firstTail =
    options['firstTail'] === undefined ? undefined : sequence(optionalInteger(options['firstTail'], range));
  return { key, firstTail, timeoutMs: parseTimeout(options['timeoutMs']) };
}
