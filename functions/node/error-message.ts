/** Errors on their way from one thread to another, which copies only the plain data of an object. */
import { CairnError, isCairnError } from '../../core/base/errors.js';
import type { ErrorKind, ErrorOptions } from '../../core/base/errors.js';

export interface ErrorMessage {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly message: string;
  readonly options: Pick<ErrorOptions, 'details' | 'outcome' | 'retryAfterS'>;
  /** Of the error where it was thrown: the other thread's own says nothing. */
  readonly stack: string;
}

export function toErrorMessage(thrown: unknown): ErrorMessage {
  const stack = describeError(thrown);
  if (!isCairnError(thrown)) {
    return { kind: 'internal', code: 'internal_error', message: 'internal error', options: {}, stack };
  }
  const { kind, code, message, details, outcome, retryAfterS } = thrown;
  const options = {
    details,
    ...(outcome === undefined ? {} : { outcome }),
    ...(retryAfterS === undefined ? {} : { retryAfterS }),
  };
  return { kind, code, message, options, stack };
}

/** A `CairnError` of the same kind, code and facts, that tells where it was thrown first. */
export function fromErrorMessage({ kind, code, message, options, stack }: ErrorMessage): CairnError {
  const error = new CairnError(kind, code, message, { ...options, cause: stack });
  error.stack = stack;
  return error;
}

export function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
