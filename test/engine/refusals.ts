/**
 * A database with a full and an empty collection, and calls on it that must be refused, as a caller without a type checker
 * would make them.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Collection, Database } from '../../core/index.js';
import { failure, newBench } from './fixture.js';
import type { Expected } from './fixture.js';

type Loose = Record<string, (...parameters: unknown[]) => Promise<unknown>>;
interface Subjects {
  /** Cosine, dimension 4, two records. */
  readonly c: Loose;
  /** Euclidean, dimension 4, empty. */
  readonly e: Loose;
  readonly db: Loose;
}

const { openAgain } = newBench();
const prototypeNames = Reflect.ownKeys(Object.prototype).map(String);
let db: Database;
let full: Collection;
let subjects: Subjects;

beforeAll(async () => {
  db = await openAgain();
  full = await db.createCollection('full', { dimension: 4 });
  const empty = await db.createCollection('empty', { dimension: 4, metric: 'euclidean' });
  await full.upsert([
    { id: 'one', vector: [1, 0, 0, 0], metadata: { n: 1, text: 'a\ud800b' } },
    { id: 'two', vector: [0, 1, 0, 0], expiresAt: '2030-01-01T00:00:00Z' },
  ]);
  subjects = { c: full as unknown as Loose, e: empty as unknown as Loose, db: db as unknown as Loose };
});
afterAll(() => db.close());

async function everything(): Promise<unknown> {
  const include = ['metadata', 'vector', 'expires_at'];
  const scan = await full.scan({ include, includeDeleted: true });
  const list = await db.listCollections();
  return { scan, list };
}

export type Case = readonly [
  name: string,
  call: (subjects: Subjects) => Promise<unknown>,
  expected: Expected,
];

/** Each leaves behind what was there. */
export function refuses(cases: readonly Case[]): void {
  test.each(cases)('%s', async (_name, call, expected) => {
    const before = await everything();
    await failure(() => call(subjects), expected);
    expect(await everything()).toEqual(before);
    expect(Reflect.ownKeys(Object.prototype).map(String)).toEqual(prototypeNames);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
}

export const invalid = (code: string, message?: RegExp): Expected => ({
  kind: 'invalid',
  code,
  ...(message === undefined ? {} : { message }),
});
export const vector = [1, 2, 3, 4];
export const json = (text: string): unknown => JSON.parse(text);
export const many = <T>(count: number, value: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => value(i));
