/** NDJSON over several commits, with a collection that answers as a test wants. */
import { expect, test } from 'vitest';
import { CairnError, isCairnError } from '../../core/base/errors.js';
import type { Collection, UpsertInput, WriteOptions } from '../../core/index.js';
import { parseLines, upsertLines } from '../../functions/http/routes/ndjson.js';

interface Upsert {
  readonly rows: number;
  readonly options: WriteOptions | undefined;
}

/** Commits take the sequences from 6 on; `fail` is thrown instead of the given one (from 0). */
function collection(fail?: { readonly at: number; readonly error: Error }) {
  const upserts: Upsert[] = [];
  const upsert = (input: UpsertInput, options?: WriteOptions) => {
    const rows = (input as readonly unknown[]).length;
    const commit = upserts.length;
    upserts.push({ rows, options });
    if (fail?.at === commit) return Promise.reject(fail.error);
    return Promise.resolve({ upserted: rows, sequence: 6 + commit });
  };
  return { upserts, collection: { upsert } as unknown as Collection };
}

const lines = (count: number): string =>
  Array.from({ length: count }, (_, i) => `{"id":"r${i}","vector":[1]}`).join('\n\n');

async function refusalOf(work: Promise<unknown>): Promise<CairnError> {
  const thrown: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!isCairnError(thrown)) throw new Error('nothing was refused');
  return thrown;
}

test('what fits one commit goes under the key itself, more under numbered keys', async () => {
  const one = collection();
  await upsertLines(one.collection, parseLines(lines(10_000)), { idempotencyKey: 'k', firstTail: 3 });
  expect(one.upserts).toEqual([{ rows: 10_000, options: { idempotencyKey: 'k', firstTail: 3 } }]);
  const three = collection();
  const result = await upsertLines(three.collection, parseLines(lines(20_001)), { idempotencyKey: 'k' });
  expect(three.upserts.map(({ rows, options }) => [rows, options?.idempotencyKey])).toEqual([
    [10_000, 'k/0'],
    [10_000, 'k/1'],
    [1, 'k/2'],
  ]);
  expect(result).toEqual({ upserted: 20_001, sequence: 8, commits: 3 });
});

test('an unknown outcome of a later commit asks for a repeat from before the first', async () => {
  const unknown = new CairnError('unavailable', 'outcome_unknown', 'nobody knows', {
    outcome: 'unknown',
    details: { first_tail: 9, idempotency_key: 'k/1' },
    retryAfterS: 2,
  });
  const target = collection({ at: 1, error: unknown });
  const refused = await refusalOf(
    upsertLines(target.collection, parseLines(lines(10_001)), { idempotencyKey: 'k' }),
  );
  expect(refused).toMatchObject({
    code: 'outcome_unknown',
    outcome: 'unknown',
    retryAfterS: 2,
    details: { idempotency_key: 'k', first_tail: 5, applied_commits: 1, applied_lines: 10_000 },
    message: expect.stringContaining(
      'repeat the whole body with idempotency key k and first tail 5',
    ) as string,
  });
});

test('an error of a row names its line', async () => {
  const error = new CairnError('invalid', 'zero_vector', 'records[1]: a zero vector', {
    details: { where: 'records[1]' },
  });
  const target = collection({ at: 1, error });
  const refused = await refusalOf(
    upsertLines(target.collection, parseLines(lines(10_002)), { idempotencyKey: 'k' }),
  );
  // Every second line is empty.
  expect(refused.message).toBe('line 20003: a zero vector');
  expect(refused.details).toMatchObject({ line: 20_003, where: 'line 20003' });
});

test('a key without room for a number is refused before anything is written', async () => {
  const target = collection();
  const refused = await refusalOf(
    upsertLines(target.collection, parseLines(lines(10_001)), { idempotencyKey: 'k'.repeat(254) }),
  );
  expect(refused).toMatchObject({ kind: 'invalid', code: 'invalid_idempotency_key' });
  expect(target.upserts).toEqual([]);
});
