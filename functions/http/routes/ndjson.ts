/**
 * Records as lines of JSON. All lines are parsed before the first is written, so a malformed one leaves nothing behind.
 * What does not fit one commit becomes several, written in order under `key/0`, `key/1`, …: a repeat under the same
 * Idempotency-Key goes on where the first try stopped.
 */
import { CairnError, invalid, isCairnError } from '../../../core/base/errors.js';
import type { ErrorDetails } from '../../../core/base/errors.js';
import { limits } from '../../../core/base/limits.js';
import type { Collection, RecordInput, UpsertResult, WriteOptions } from '../../../core/index.js';
import { jsonFault } from '../body/index.js';
import { recordIn } from './records.js';

export interface Line {
  /** From 1, as editors count. */
  readonly number: number;
  readonly record: RecordInput;
}

export function parseLines(text: string): Line[] {
  const lines: Line[] = [];
  let number = 0;
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\n', at);
    const line = text.slice(at, end === -1 ? text.length : end);
    at = end === -1 ? text.length : end + 1;
    number++;
    if (line.trim() !== '') lines.push({ number, record: atLine(number, () => parseLine(line, number)) });
  }
  return lines;
}

function parseLine(line: string, number: number): RecordInput {
  let row: unknown;
  try {
    row = JSON.parse(line) as unknown;
  } catch {
    const fault = jsonFault(line);
    throw invalid(
      'malformed_json',
      `line ${number}, column ${fault?.column ?? 1}: ${fault?.reason ?? 'not JSON'}`,
      {
        column: fault?.column ?? 1,
      },
    );
  }
  return recordIn(row, `line ${number}`);
}

/** Adds the line to an error's details. */
function atLine<T>(line: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw isCairnError(error) ? withDetails(error, { line }) : error;
  }
}

export interface LinesResult extends UpsertResult {
  /** Commits that the lines took; absent where it was one. */
  readonly commits?: number;
}

/** Cost: one commit per 10,000 lines, one after the other. */
export async function upsertLines(
  collection: Collection,
  lines: readonly Line[],
  write: WriteOptions & { readonly idempotencyKey: string },
): Promise<LinesResult> {
  const commits = Math.max(1, Math.ceil(lines.length / limits.batchRecords));
  if (commits > 1) mustLeaveRoom(write.idempotencyKey, commits);
  const results: UpsertResult[] = [];
  for (let commit = 0; commit < commits; commit++) {
    const batch = lines.slice(commit * limits.batchRecords, (commit + 1) * limits.batchRecords);
    const idempotencyKey = commits === 1 ? write.idempotencyKey : `${write.idempotencyKey}/${commit}`;
    try {
      results.push(
        await collection.upsert(
          batch.map(({ record }) => record),
          { ...write, idempotencyKey },
        ),
      );
    } catch (error) {
      throw isCairnError(error)
        ? located(error, batch, { idempotencyKey: write.idempotencyKey, done: results })
        : error;
    }
  }
  return merged(results, lines, commits);
}

function mustLeaveRoom(key: string, commits: number): void {
  const bytes = key.length + 1 + String(commits - 1).length;
  if (bytes <= limits.idempotencyKeyBytes) return;
  throw invalid(
    'invalid_idempotency_key',
    `the body takes ${commits} commits under KEY/0, KEY/1, …: the key may then have at most ` +
      `${limits.idempotencyKeyBytes - (bytes - key.length)} characters, it has ${key.length}`,
  );
}

/** What is durable of the body when a commit fails, and under which key the whole body can be repeated. */
interface Progress {
  readonly idempotencyKey: string;
  readonly done: readonly UpsertResult[];
}

/** Says which line the engine means, and how much of the body is durable already. */
function located(error: CairnError, batch: readonly Line[], { idempotencyKey, done }: Progress): CairnError {
  const lineOf = (row: string): number => batch[Number(row)]?.number ?? 0;
  const place = /\brecords\[(\d+)\]/;
  const row = place.exec(error.message)?.[1];
  const atRow = row === undefined ? {} : { line: lineOf(row), where: `line ${lineOf(row)}` };
  const message = error.message.replace(place, (_, digits: string) => `line ${lineOf(digits)}`);
  const first = done[0];
  if (first === undefined) return withDetails(error, atRow, message);
  const applied = { applied_commits: done.length, applied_lines: done.length * limits.batchRecords };
  if (error.outcome !== 'unknown') return withDetails(error, { ...atRow, ...applied }, message);
  // A late repeat writes from the first commit on, so its key must be looked for from there.
  const firstTail = first.sequence - 1;
  return withDetails(
    error,
    { ...applied, idempotency_key: idempotencyKey, first_tail: firstTail },
    `the store did not say whether commit ${done.length + 1} was applied; repeat the whole body with idempotency ` +
      `key ${idempotencyKey} and first tail ${firstTail}`,
  );
}

function withDetails(error: CairnError, details: ErrorDetails, message: string = error.message): CairnError {
  return new CairnError(error.kind, error.code, message, {
    details: { ...error.details, ...details },
    cause: error,
    ...(error.outcome === undefined ? {} : { outcome: error.outcome }),
    ...(error.retryAfterS === undefined ? {} : { retryAfterS: error.retryAfterS }),
  });
}

function merged(results: readonly UpsertResult[], lines: readonly Line[], commits: number): LinesResult {
  const duplicates = results.reduce((sum, result) => sum + (result.duplicates ?? 0), 0);
  const derived = results.some(({ ids }) => ids !== undefined);
  const ids = results.flatMap(
    (result, commit) =>
      result.ids ??
      lines
        .slice(commit * limits.batchRecords, (commit + 1) * limits.batchRecords)
        .map(({ record }) => record.id ?? ''),
  );
  return {
    upserted: results.reduce((sum, { upserted }) => sum + upserted, 0),
    sequence: results.at(-1)!.sequence,
    ...(derived ? { ids } : {}),
    ...(duplicates === 0 ? {} : { duplicates }),
    ...(commits === 1 ? {} : { commits }),
  };
}
