/**
 * Strategy: patches by filter of more records than one call takes, from the log and from segments, by count and by bytes;
 * repeated until there is no more, they have changed each record once. What a patch does to one record is the model's to
 * tell (model.test.ts).
 */
import { describe, expect, test } from 'vitest';
import type { Collection, JsonObject, PatchInput, PatchMode, PatchResult } from '../../core/index.js';
import { tierLimits } from '../../core/base/limits.js';
import { failure, newBench } from './fixture.js';

async function filled(count: number, metadata: (i: number) => JsonObject): Promise<Collection> {
  const db = await newBench().openAgain();
  const collection = await db.createCollection('c', { dimension: 1, metric: 'dot' });
  for (let from = 0; from < count; from += 10_000) {
    const rows = Array.from({ length: Math.min(10_000, count - from) }, (_, i) => from + i);
    await collection.upsert(
      rows.map((i) => ({
        id: `r${String(i).padStart(6, '0')}`,
        vector: [i],
        metadata: metadata(i),
        ...(i % 7 === 0 ? { expiresAt: '2030-01-01T00:00:00Z' } : {}),
      })),
    );
  }
  return collection;
}

/** Repeats a patch until no more is answered. */
async function patchAll(collection: Collection, input: PatchInput): Promise<readonly PatchResult[]> {
  const answers: PatchResult[] = [];
  do answers.push(await collection.patch(input));
  while (answers.at(-1)!.more === true && answers.length < 20);
  return answers;
}

const counted = (answers: readonly PatchResult[]): unknown =>
  answers.map(({ patched, more }) => [patched, more]);

describe('a patch by filter goes on where the call before it ended', () => {
  const input = { filter: 'n >= 1000', metadata: { seen: { by: 'me' } } } as const;

  async function check(collection: Collection): Promise<void> {
    expect(counted(await patchAll(collection, input))).toEqual([
      [10_000, true],
      [10_000, true],
      [1_000, undefined],
    ]);
    expect(await collection.patch(input)).toMatchObject({ patched: 0 });
    const { records } = await collection.scan({
      filter: "seen.by = 'me'",
      limit: 2,
      include: ['metadata', 'vector', 'expires_at'],
    });
    expect(records).toEqual([
      { id: 'r001000', vector: [1_000], metadata: { n: 1_000, seen: { by: 'me' } } },
      {
        id: 'r001001',
        vector: [1_001],
        metadata: { n: 1_001, seen: { by: 'me' } },
        expiresAt: '2030-01-01T00:00:00.000Z',
      },
    ]);
    expect((await collection.count({ filter: 'EXISTS seen' })).count).toBe(21_000);
    expect((await collection.count()).count).toBe(22_000);
  }

  test('in the log, though the filter holds after the patch', async () => {
    const collection = await filled(22_000, (n) => ({ n }));
    await check(collection);
    expect((await collection.stats()).segments).toEqual([]);
  });

  test('in segments, and in a log over them', async () => {
    const collection = await filled(22_000, (n) => ({ n }));
    await collection.compact();
    // In the log again: every third, so that both take turns.
    const again = Array.from({ length: 7_000 }, (_, i) => 3 * i);
    await collection.upsert(
      again.map((i) => ({
        id: `r${String(i).padStart(6, '0')}`,
        vector: [i],
        metadata: { n: i },
        ...(i % 7 === 0 ? { expiresAt: '2030-01-01T00:00:00Z' } : {}),
      })),
    );
    await check(collection);
    expect((await collection.stats()).segments.length).toBeGreaterThan(0);
  });
});

test.each([false, true])(
  'one call takes no more bytes than half of the log (compacted: %s)',
  async (compacted) => {
    const db = await newBench().openAgain();
    const dimension = 2_000;
    const collection = await db.createCollection('c', { dimension, metric: 'dot', tier: 'edge' });
    const rows = 1_500;
    for (let from = 0; from < rows; from += 500) {
      const ids = Array.from({ length: 500 }, (_, i) => `r${String(from + i).padStart(4, '0')}`);
      await collection.upsert({ ids, vectors: new Float32Array(500 * dimension).fill(1) });
    }
    await collection.compact();
    if (!compacted) await collection.patch({ records: [{ id: 'r0000', metadata: { other: 1 } }] });
    const before = (await collection.stats()).log.bytes;
    const input = { filter: {}, metadata: { text: 'x'.repeat(1_000) } };
    const first = await collection.patch(input);
    const maximum = tierLimits.edge.foldAt.bytes;
    const rowBytes = 4 * dimension + 17 + 5 + JSON.stringify(input.metadata).length;
    expect(first.more).toBe(true);
    expect(Math.abs(first.patched - maximum / rowBytes)).toBeLessThan(2);
    const { bytes } = (await collection.stats()).log;
    // Its slot, and the object that it names: never more than there is room for in a log that is not yet due.
    expect(bytes - before).toBeLessThanOrEqual(maximum + 16_384);
    await collection.compact();
    expect(await collection.patch(input)).toEqual({
      patched: rows - first.patched,
      sequence: first.sequence + 1,
    });
    const one = await collection.fetch({ ids: ['r1499'] });
    expect(one.records[0]).toMatchObject({
      metadata: input.metadata,
      vector: Array<number>(dimension).fill(1),
    });
  },
);

describe('what a patch would leave as it is', () => {
  const cases: readonly [
    name: string,
    metadata: JsonObject,
    input: { readonly metadata: JsonObject | null; readonly mode?: PatchMode },
    changed: number,
  ][] = [
    ['a value that is there', { a: 1, b: [1, { c: null }] }, { metadata: { b: [1, { c: null }] } }, 0],
    ['an array in another order', { b: [1, 2] }, { metadata: { b: [2, 1] } }, 1],
    ['an array that goes on', { b: [1] }, { metadata: { b: [1, 2] } }, 1],
    ['an object in place of an array', { b: [1] }, { metadata: { b: { 0: 1 } } }, 1],
    ['a field that is not there, removed', { a: 1 }, { metadata: { b: null } }, 0],
    ['a field that is there, removed', { a: 1, b: null }, { metadata: { b: null } }, 1],
    [
      'a replacement in another order',
      { a: 1, b: { c: 1, d: 2 } },
      { metadata: { b: { d: 2, c: 1 }, a: 1 }, mode: 'replace' },
      0,
    ],
    ['a replacement by less', { a: 1, b: 2 }, { metadata: { a: 1 }, mode: 'replace' }, 1],
    ['a number and its text', { a: 1 }, { metadata: { a: '1' } }, 1],
    ['no metadata where there is none', {}, { metadata: null }, 0],
    ['no metadata where there is some', { a: 1 }, { metadata: null }, 1],
  ];
  test.each(cases)('is skipped: %s', async (_, metadata, patch, changed) => {
    const collection = await filled(1, () => metadata);
    const input: PatchInput = { filter: {}, ...patch };
    expect(await collection.patch(input)).toEqual({ patched: changed, sequence: 2 });
    expect(await collection.patch(input)).toEqual({ patched: 0, sequence: 3 });
    const other = await filled(1, () => metadata);
    await other.compact();
    expect(await other.patch(input)).toEqual({ patched: changed, sequence: 2 });
    expect((await collection.scan()).records).toEqual((await other.scan()).records);
  });
});

test('metadata that would grow past its limit refuses the call whole', async () => {
  const collection = await filled(3, (n) => ({ n, ...(n === 1 ? { text: 'x'.repeat(65_000) } : {}) }));
  const patch = () => collection.patch({ filter: {}, metadata: { more: 'y'.repeat(1_000) } });
  const expected = {
    kind: 'invalid',
    code: 'limit_exceeded',
    message: /"r000001": metadataBytes is 66\d+/,
  } as const;
  await failure(patch, expected);
  await collection.compact();
  await failure(patch, expected);
  expect(await collection.count({ filter: 'EXISTS more' })).toEqual({ count: 0, sequence: 1 });
});

test('in one commit with others it sees the upsert before it, and the delete sees what it left', async () => {
  for (const compacted of [false, true]) {
    const collection = await filled(4, (n) => ({ n }));
    if (compacted) await collection.compact();
    const answer = await collection.write({
      upsert: [
        { id: 'new', vector: [9], metadata: { n: 9 } },
        { id: 'r000003', vector: [3], metadata: { n: 0 } },
      ],
      patch: { filter: 'n >= 2', metadata: { n: null, old: true } },
      delete: { filter: 'old = true OR n = 1' },
    });
    expect(answer).toEqual({ upserted: 2, patched: 2, deleted: 3, sequence: 2 });
    expect((await collection.scan()).records.map(({ id }) => id)).toEqual(['r000000', 'r000003']);
  }
});

test('more is told of either filter of a write', async () => {
  const collection = await filled(10_001, (n) => ({ n }));
  const both = { patch: { filter: {}, metadata: { x: 1 } }, delete: { filter: 'n < 0' } };
  expect(await collection.write(both)).toEqual({ patched: 10_000, deleted: 0, sequence: 3, more: true });
  expect(await collection.write(both)).toEqual({ patched: 1, deleted: 0, sequence: 4 });
  expect(await collection.write({ delete: { filter: {} } })).toMatchObject({ deleted: 10_000, more: true });
});

test('soft-deleted and expired records are none of those that match', async () => {
  const { clock, openAgain } = newBench();
  const collection = await (await openAgain()).createCollection('c', { dimension: 1, metric: 'dot' });
  await collection.upsert([
    { id: 'seen', vector: [1] },
    { id: 'hidden', vector: [1] },
    { id: 'over', vector: [1], expiresAt: new Date(clock.wallMs() + 1).toISOString() },
  ]);
  await collection.delete({ ids: ['hidden'], soft: true });
  clock.advance(1);
  expect(await collection.patch({ filter: {}, metadata: { x: 1 } })).toMatchObject({ patched: 1 });
  await collection.restore({ ids: ['hidden'] });
  expect((await collection.scan()).records).toEqual([
    { id: 'hidden', metadata: {} },
    { id: 'seen', metadata: { x: 1 } },
  ]);
});
