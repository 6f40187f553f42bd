/** What goes to the operator's log, a line of JSON each: answers to callers have only a request id. */
import { CairnError, isCairnError } from '../../core/base/errors.js';
import type { Database } from '../../core/index.js';
import type { Failure } from './app.js';
import type { HttpAnswer } from './message/index.js';
import { problemAnswer } from './problems.js';

export function failureLine({ requestId, method, route, error }: Failure): string {
  return JSON.stringify({ level: 'error', request_id: requestId, method, route, error: textOf(error) });
}

/**
 * What callers of a handler are told whose settings are at fault, and no more: settings may hold what is none of theirs. The line of
 * the failure has the cause.
 */
function misconfigured(cause: unknown): CairnError {
  const message = 'this handler is not configured: its log says what is wrong';
  return new CairnError('unavailable', 'misconfigured', message, { cause });
}

/** The answer of a handler that cannot even be made of its settings. Tells the log why. */
export function misconfiguredAnswer(
  { requestId, method, error }: Failure,
  log: (line: string) => void,
): HttpAnswer {
  const told = misconfigured(error);
  log(failureLine({ requestId, method, error: told }));
  return problemAnswer(told, requestId);
}

/**
 * A database that is being opened, for those who call: what is wrong with its settings is none of theirs. A schedule, whose errors go to
 * the operator, takes it as it is.
 */
export async function asCallersSee(opened: Promise<Database>): Promise<Database> {
  try {
    return await opened;
  } catch (error) {
    throw isCairnError(error) && error.kind === 'invalid' ? misconfigured(error) : error;
  }
}

/** The stack where there may be a bug, the message where the error says all. */
function textOf(error: unknown): string {
  if (isCairnError(error) && error.code === 'misconfigured') return textOf(error.cause);
  if (isCairnError(error) && error.kind !== 'internal') return `${error.code}: ${error.message}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
