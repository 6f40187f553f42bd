/**
 * The one error type of Cairn. `kind` tells a caller what to do, `code` is stable and meant for programs, `details`
 * are typed facts (values and limits), `message` is for people: lower case, no final stop, naming value and limit.
 */

export type ErrorKind =
  | 'invalid'
  | 'not_found'
  | 'conflict'
  | 'unauthenticated'
  | 'forbidden'
  | 'quota'
  | 'unavailable'
  | 'corrupt'
  | 'internal';

/** What a failed commit knows about its own effect. Absent where the call could not have changed anything. */
export type Outcome = 'not_applied' | 'applied' | 'unknown';

export type ErrorDetails = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

export interface ErrorOptions {
  readonly details?: ErrorDetails;
  readonly outcome?: Outcome;
  readonly cause?: unknown;
  /** Seconds after which the same call may succeed. */
  readonly retryAfterS?: number;
}

export class CairnError extends Error {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly details: ErrorDetails;
  readonly outcome: Outcome | undefined;
  readonly retryAfterS: number | undefined;

  constructor(kind: ErrorKind, code: string, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CairnError';
    this.kind = kind;
    this.code = code;
    this.details = options.details ?? {};
    this.outcome = options.outcome;
    this.retryAfterS = options.retryAfterS;
  }
}

export function isCairnError(error: unknown): error is CairnError {
  return error instanceof CairnError;
}

/** Whether it is an error of ours, and this one. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof CairnError && error.code === code;
}

/** The error of a call that something may be left of, although the request that failed had no effect. */
export function inDoubt(error: unknown): unknown {
  if (!(error instanceof CairnError) || error.outcome === 'unknown') return error;
  const { kind, code, message, details, retryAfterS } = error;
  return new CairnError(kind, code, message, {
    details,
    outcome: 'unknown',
    cause: error,
    ...(retryAfterS === undefined ? {} : { retryAfterS }),
  });
}

/** A request that can never succeed as it stands. */
export function invalid(code: string, message: string, details: ErrorDetails = {}): CairnError {
  return new CairnError('invalid', code, message, { details });
}

/** A value over a limit: the message and the details name the limit, the value and the maximum. */
export function overLimit(limit: string, value: number, maximum: number, what: string): CairnError {
  return new CairnError(
    'invalid',
    'limit_exceeded',
    `${what}: ${limit} is ${value}, the maximum is ${maximum}`,
    {
      details: { limit, value, maximum },
    },
  );
}

/** Where a byte that should be there is not. `expected` and `found` are short printable facts. */
export interface Corruption {
  readonly key: string;
  readonly offset: number;
  readonly expected: string;
  readonly found: string;
}

export function corrupt(where: Corruption): CairnError {
  const { key, offset, expected, found } = where;
  return new CairnError(
    'corrupt',
    'corrupt_object',
    `object ${key} is corrupt at byte ${offset}: expected ${expected}, found ${found}`,
    { details: { key, offset, expected, found } },
  );
}

/** A state that only a bug of ours can produce. A message that is put together costs more than the check: as a function. */
export function assertInternal(condition: boolean, message: string | (() => string)): asserts condition {
  if (condition) return;
  throw new CairnError('internal', 'assertion_failed', typeof message === 'string' ? message : message());
}
