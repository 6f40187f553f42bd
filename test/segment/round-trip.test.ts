/**
 * Strategy: whatever rows go into a segment come out of it again, by every way out: by row, by rank, by id, in order, in
 * sequence, and as the resident part. Rows are drawn at random and made to be awkward; the store is memory.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareUtf8 } from '../../core/base/bytes.js';
import { rowMaps } from '../../core/segment/index.js';
import type { SegmentReader } from '../../core/segment/index.js';
import type { Rows } from './fixture.js';
import {
  newCache,
  newStore,
  openSegment,
  plainRows,
  readEverything,
  residentWords,
  rowsOf,
  writeSegment,
} from './fixture.js';

/** Ids that share long beginnings, differ in planes of Unicode, or are as long as an id may be. */
const someId = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
  fc.nat(9_999).map((n) => `${'shared/prefix/'.repeat(8)}${n}`),
  fc.nat(400).map((n) => `${'ü'.repeat(200)}${n}`),
  fc.constantFrom('a', 'a\uffff', 'a\u{1f600}', 'a\u{10ffff}', '\0', '\u{1f600}', '\ue000', 'x'.repeat(512)),
);
const someDocument = fc.oneof(
  fc.constant(''),
  fc.string({ unit: 'grapheme', maxLength: 80 }).map((text) => JSON.stringify({ text })),
  fc.nat(20_000).map((length) => JSON.stringify({ long: 'l'.repeat(length) })),
);
const someRows: fc.Arbitrary<Rows> = fc
  .record({
    ids: fc.uniqueArray(someId, { minLength: 1, maxLength: 300 }),
    dimension: fc.constantFrom(1, 2, 5, 64),
    documents: fc.array(someDocument, { minLength: 1, maxLength: 9 }),
  })
  .map(({ ids, dimension, documents }) =>
    rowsOf(ids, { dimension, document: (row) => documents[(row * row) % documents.length]! }),
  );

describe('a segment answers what was written', () => {
  test('whatever the rows are', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(someRows, fc.integer({ min: 1, max: 99 }), async (rows, step) => {
        const store = newStore();
        const reader = await openSegment(store, await writeSegment(store, rows, { step }), rows);
        expect(await readEverything(reader)).toEqual(rows);
        await expectIds(reader, rows);
        await expectRaw(reader, rows, step * 40);
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    ['one row', plainRows(1)],
    ['one block of ids', plainRows(64)],
    ['one row more than a block', plainRows(65)],
    ['dimension 1', plainRows(200, 1)],
    ['dimension 4,096', plainRows(20, 4_096)],
    ['no documents', rowsOf(plainRows(1_000).ids)],
    [
      'documents of 64 KiB',
      rowsOf(plainRows(9).ids, { document: (row) => `{"t":"${'é'.repeat(32_764 - row)}"}` }),
    ],
    ['many rows', plainRows(20_000, 8)],
  ])('%s', async (_, rows) => {
    const store = newStore();
    const reader = await openSegment(store, await writeSegment(store, rows), rows);
    expect(await readEverything(reader)).toEqual(rows);
    await expectIds(reader, rows);
    await expectRaw(reader, rows, 100_000);
  });
});

async function expectIds(reader: SegmentReader, rows: Rows): Promise<void> {
  const { sortedIds, rankOfRow, rowOfRank } = rowMaps(rows.ids);
  expect(sortedIds).toEqual(rows.ids.toSorted(compareUtf8));
  expect(await residentWords(reader, 'rankOfRow')).toEqual(rankOfRow);
  expect(await residentWords(reader, 'rowOfRank')).toEqual(rowOfRank);
  expect([...(await reader.findRanks(rows.ids))]).toEqual([...rankOfRow]);
  expect(await reader.possibleIds(rows.ids)).toEqual(rows.ids);
  const strangers = ['never', '', ...rows.ids.slice(0, 50).map((id) => `${id}\0`)];
  const known = new Set(rows.ids);
  for (const [i, rank] of (await reader.findRanks(strangers)).entries())
    expect(rank >= 0).toBe(known.has(strangers[i]!));
  const walked: string[] = [];
  for (let after = ''; ;) {
    const run = await reader.idsFrom(after, 77);
    if (run.ids.length === 0) break;
    expect(run.firstRank).toBe(walked.length);
    expect(run.ids.length).toBe(Math.min(77, rows.ids.length - walked.length));
    walked.push(...run.ids);
    after = walked.at(-1)!;
  }
  expect(walked).toEqual(sortedIds);
  for (const after of [...rows.ids.slice(0, 20).map((id) => id.slice(0, -1)), 'm', '\u{10ffff}']) {
    if (/[\ud800-\udfff]$/.test(after) && !/[\ud800-\udbff][\udc00-\udfff]$/.test(after)) continue;
    const expected = sortedIds.filter((id) => compareUtf8(id, after) > 0).slice(0, 3);
    expect((await reader.idsFrom(after, 3)).ids).toEqual(expected);
  }
}

async function expectRaw(reader: SegmentReader, rows: Rows, maxBytes: number): Promise<void> {
  for (const from of [0, rows.ids.length >> 1]) {
    let row = from;
    for await (const { firstRow, vectors } of reader.rawChunks(maxBytes, from)) {
      expect(firstRow).toBe(row);
      expect(
        Buffer.compare(
          bytesOf(vectors),
          bytesOf(rows.vectors.subarray(row * rows.dimension)).subarray(0, vectors.byteLength),
        ),
      ).toBe(0);
      row += vectors.length / rows.dimension;
    }
    expect(row).toBe(rows.ids.length);
  }
}

function bytesOf(floats: Float32Array): Uint8Array {
  return new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
}

test('numbers, curve, leaves and resident sections come back with their counts', async () => {
  const store = newStore();
  const residents = [
    { kind: 'params', bytes: Uint8Array.of(1, 2, 3), count: 3 },
    { kind: 'codes', bytes: new Uint8Array(70_000).map((_, i) => i), count: 100 },
    { kind: 'graphN', bytes: new Uint8Array(0), count: 0, part: 2 },
  ];
  const leafStarts = Uint32Array.of(0, 10, 64);
  const ref = await writeSegment(store, plainRows(100), { residents, leafStarts });
  const cache = newCache();
  const reader = await openSegment(store, ref, { cache });
  expect(reader.numbers).toEqual({ half: 0.5, seqBase: 1_000 });
  expect(reader.curve).toEqual({ recall: [1] });
  expect(reader.leafStarts).toEqual(leafStarts);
  expect(reader.residentBytes % 16_384).toBe(0);
  expect(reader.residentSections.map(({ kind, field, part, count }) => [kind, field, part, count])).toEqual([
    ['params', 1, 0, 3],
    ['codes', 1, 0, 100],
    ['graphN', 1, 2, 0],
    ['rowOfRank', 0, 0, 100],
    ['rankOfRow', 0, 0, 100],
  ]);
  const target = new Uint8Array(reader.residentBytes);
  const load = reader.residentLoad(target);
  expect(load.complete).toBe(false);
  await load.fetchMissing();
  expect(load.complete).toBe(true);
  for (const [i, { bytes }] of residents.entries()) {
    const { offset, length } = reader.residentSections[i]!;
    expect(offset % 64).toBe(0);
    expect(target.subarray(offset, offset + length)).toEqual(bytes);
  }
  await reader.findRanks(['a']);
  expect(cache.usage().bytes).toBeGreaterThan(0);
  reader.close();
  expect(cache.usage().bytes).toBe(0);
});

test('what is cached is answered at once', async () => {
  const store = newStore();
  const reader = await openSegment(store, await writeSegment(store, plainRows(500)));
  const rows = [3, 499, 3];
  expect(reader.vectors(rows)).toBeInstanceOf(Promise);
  await Promise.all([
    reader.vectors(rows),
    reader.documents(rows),
    reader.seqs(rows),
    reader.findRanks(['id-0']),
  ]);
  const target = new Float32Array(8);
  const { vectors } = plainRows(500);
  const expected = rows.flatMap((row) => [...vectors.subarray(3 * row, 3 * row + 3)]);
  expect(reader.vectors(rows)).toEqual(Float32Array.from(expected));
  const part = { first: 1, count: 2 };
  expect(reader.tryCopyVectors(rows, part, new Uint8Array(target.buffer), { at: 4, stride: 16 })).toBe(true);
  expect([...target]).toEqual([0, ...expected.slice(3, 6), 0, ...expected.slice(6, 9)]);
  expect(reader.documents(rows)).toEqual(rows.map((row) => plainRows(500).documents[row]));
  expect(reader.seqs(rows)).toEqual(rows.map((row) => plainRows(500).seqs[row]));
  expect(reader.findRanks(['id-0'])).toEqual(Int32Array.of(0));
  expect(reader.idsOfRanks([0])).toEqual(['id-0']);
  expect(reader.idsFrom('', 1)).toEqual({ firstRank: 0, ids: ['id-0'] });
});
