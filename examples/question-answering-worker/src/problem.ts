/** What a caller is told when something goes wrong: RFC 9457, with Cairn's own codes where the error is its. */
import { isCairnError } from 'cairndb/r2';

export class Problem extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Kinds of Cairn's errors that a caller can do something about. */
const statuses: Readonly<Record<string, number>> = { invalid: 400, conflict: 409, unavailable: 503 };

export function problemAnswer(error: unknown): Response {
  const { status, code, message } = problemOf(error);
  return Response.json(
    { title: code.replaceAll('_', ' '), status, code, detail: message },
    {
      status,
      headers: {
        'content-type': 'application/problem+json',
        ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
      },
    },
  );
}

function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const status = isCairnError(error) ? statuses[error.kind] : undefined;
  if (isCairnError(error) && status !== undefined) return new Problem(status, error.code, error.message);
  // Whatever it is, it is between this Worker and what it stands on: for its log.
  console.error(error);
  return new Problem(500, 'internal', 'something went wrong: the log of the Worker has the rest');
}
