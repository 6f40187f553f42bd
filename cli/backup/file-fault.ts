/** Errors about files of an export: which file, where in it, what was found. */
import { CairnError } from '../../core/index.js';
import type { ErrorDetails } from '../../core/index.js';

/** `line 3`, or `row 3` of a file that has no lines; from 1. */
export type Place = `${'line' | 'row'} ${number}`;

/** Bytes that are not what was written: a file that changed, ended early, or is not the one that the manifest names. */
export function damaged(
  file: string,
  fact: { readonly expected: string; readonly found: string },
): CairnError {
  const message = `${file} is damaged: expected ${fact.expected}, found ${fact.found}`;
  return new CairnError('corrupt', 'file_damaged', message, { details: { file, ...fact } });
}

/** A file that can never be imported, or exported to, as it stands. */
export function unusable(
  file: string,
  { code, reason }: { readonly code: string; readonly reason: string },
  details: ErrorDetails = {},
): CairnError {
  return new CairnError('invalid', code, `${file}: ${reason}`, { details: { file, ...details } });
}

/** What somebody else's library says of a file. */
export function asUnusable(file: string, error: unknown): CairnError {
  if (error instanceof CairnError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const details = { file };
  return new CairnError('invalid', 'unreadable_file', `${file}: ${reason}`, { details, cause: error });
}

interface Located {
  readonly file: string;
  readonly place: Place;
  readonly message: string;
}

/** The same error, with the file in front, and its place in the details. */
export function located(error: CairnError, { file, place, message }: Located): CairnError {
  return new CairnError(error.kind, error.code, `${file}: ${message}`, {
    details: { ...error.details, file, where: place },
    cause: error,
    ...(error.outcome === undefined ? {} : { outcome: error.outcome }),
    ...(error.retryAfterS === undefined ? {} : { retryAfterS: error.retryAfterS }),
  });
}
