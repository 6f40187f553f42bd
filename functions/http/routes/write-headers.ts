/** The headers of a write: the key that makes a repeat safe, and the tail that makes a late repeat safe. */
import { invalid } from '../../../core/base/errors.js';
import { limits } from '../../../core/base/limits.js';
import type { WriteOptions } from '../../../core/index.js';
import type { HttpHeaders } from '../message/index.js';

const printable = /^[\x20-\x7e]+$/;

/** `madeUp` stands in for a key that the client did not send. */
export function writeOptions(
  headers: HttpHeaders,
  madeUp: () => string,
): WriteOptions & { readonly idempotencyKey: string } {
  const idempotencyKey = headers.get('idempotency-key') ?? madeUp();
  if (!printable.test(idempotencyKey) || idempotencyKey.length > limits.idempotencyKeyBytes) {
    throw invalid(
      'invalid_idempotency_key',
      `Idempotency-Key has ${idempotencyKey.length} characters: it takes 1 to ${limits.idempotencyKeyBytes} of printable ASCII`,
      { limit: 'idempotencyKeyBytes', value: idempotencyKey.length, maximum: limits.idempotencyKeyBytes },
    );
  }
  const tail = headers.get('cairn-first-tail');
  if (tail === null) return { idempotencyKey };
  if (!/^\d{1,15}$/.test(tail)) {
    throw invalid(
      'invalid_first_tail',
      `Cairn-First-Tail must be a sequence, got ${JSON.stringify(tail.slice(0, 60))}`,
    );
  }
  return { idempotencyKey, firstTail: Number(tail) };
}
