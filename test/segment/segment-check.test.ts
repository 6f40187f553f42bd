/**
 * The look at all of a segment's bytes: each of them once, whatever the sizes of pieces and sections; columns held against
 * the documents, of any shape; what is too large to be compared is said to be.
 */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { ColumnCheck } from '../../core/segment/columns/column-check.js';
import { portableDeflate, SegmentCheck } from '../../core/segment/index.js';
import type { SegmentRef } from '../../core/segment/index.js';
import { PageStream } from '../../core/segment/page-stream.js';
import { openTail } from '../../core/segment/segment-tail.js';
import { accountingStore } from '../../core/store/index.js';
import type { ObjectStore } from '../../core/store/index.js';
import { digests, KEY, newStore, plainRows, rowsOf, writeSegment } from './fixture.js';
import type { WriteOptions } from './fixture.js';

interface Made {
  readonly store: ObjectStore;
  readonly ref: SegmentRef;
}

async function made(documents: readonly string[], options: WriteOptions = {}): Promise<Made> {
  const store = newStore();
  const rows = rowsOf(
    documents.map((_, row) => `id-${row}`),
    { document: (row) => documents[row]! },
  );
  return { store, ref: await writeSegment(store, rows, options) };
}

async function look(
  { store, ref }: Made,
  columnBytesMax = 1e6,
): Promise<{ codes: string[]; check: SegmentCheck }> {
  const check = await SegmentCheck.open({
    store,
    digests,
    deflate: portableDeflate,
    ref,
    expected: { dimension: 3, metric: 'cosine' },
    columnBytesMax,
    foldedSeq: 2_000,
  });
  const codes: string[] = [];
  for await (const { code } of check.faults({ resident: undefined })) codes.push(code);
  return { codes, check };
}

describe('a segment', () => {
  it('is sound, and costs one request for each piece and one for the tail', async () => {
    const store = accountingStore(newStore());
    const ref = await writeSegment(store, plainRows(500));
    const before = store.snapshot();
    const { codes, check } = await look({ store, ref });
    expect(codes).toEqual([]);
    expect(store.snapshot().requests - before.requests).toBe(2);
    expect(store.snapshot().bytesRead - before.bytesRead).toBe(ref.bytes);
    expect(check.rowOfRank).toHaveLength(500);
  });

  it('gives its ids once more, in order, in pieces of any size', async () => {
    const store = newStore();
    const rows = plainRows(3_000);
    const check = (await look({ store, ref: await writeSegment(store, rows) })).check;
    const ids: string[] = [];
    for await (const { firstRank, block } of check.idBlocks(limits.pageBytes)) {
      expect(firstRank).toBe(ids.length);
      let start = 0;
      for (const end of block.ends) {
        ids.push(Buffer.from(block.bytes.subarray(start, end)).toString());
        start = end;
      }
    }
    expect(ids).toEqual([...rows.ids].sort());
  });

  it('whose documents are of any shape has columns that agree with them', async () => {
    const value = fc.jsonValue({ maxDepth: 3 });
    const text = fc.oneof(
      fc.constant(''),
      fc.dictionary(fc.constantFrom('a', 'b', 'c.d', 'e'), value).map((document) => JSON.stringify(document)),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(text, { minLength: 1, maxLength: 90 }),
        fc.boolean(),
        async (documents, leaves) => {
          const leafStarts = leaves && documents.length > 4 ? Uint32Array.of(0, 2) : Uint32Array.of(0);
          expect((await look(await made(documents, { leafStarts }))).codes).toEqual([]);
        },
      ),
      { numRuns: 150 },
    );
  });

  test.each<[string, readonly string[], readonly string[]]>([
    ['no JSON', ['{}', '{"a":'], ['document_invalid']],
    ['a JSON that is no object', ['{}', '[1]'], ['document_invalid']],
    ['null', ['null'], ['document_invalid']],
  ])('with a document that is %s', async (_, documents, codes) => {
    expect((await look(await made(documents))).codes).toEqual(codes);
  });

  it('with values that were given up is told by neither side, and what is given up here is counted', async () => {
    const documents = Array.from({ length: 600 }, (_, n) => JSON.stringify({ n, text: `text ${n} of many` }));
    const withheld = await look(await made(documents, { columnBytesMax: 20_000 }));
    expect(withheld.codes).toEqual([]);
    const unchecked = await look(await made(documents), 20_000);
    expect(unchecked.codes).toEqual([]);
    expect(unchecked.check.columnsUnchecked).toBeGreaterThan(0);
    const unfilterable = await look(await made(documents, { unfilterable: ['n'] }));
    expect(unfilterable.codes).toEqual([]);
    expect(unfilterable.check.columnsUnchecked).toBe(0);
  });
});

describe('columns against documents that are not theirs', () => {
  async function faults(
    columned: readonly string[],
    documents: readonly string[],
  ): Promise<readonly string[]> {
    const { store, ref } = await made(columned);
    const tail = await openTail({ store, digests, ref, expected: { dimension: 3, metric: 'cosine' } });
    const { columnIndex: index, leafStarts, layout, footer } = tail;
    const { pageChecksums } = footer;
    const stream = new PageStream({
      ...{ store, digests, key: KEY, size: ref.bytes, pageChecksums },
      ...{ from: 0, to: layout.tailOffset },
    });
    await stream.skipTo(layout.body.columns!.offset);
    const check = new ColumnCheck({
      key: KEY,
      index: index!,
      rows: columned.length,
      leafStarts,
      bytesMax: 1e6,
    });
    for (const text of documents) check.add(JSON.parse(text));
    const found: string[] = [];
    for await (const { message } of check.faults(stream)) found.push(message);
    return found;
  }

  const many = (text: string): string[] => Array<string>(70).fill(text);

  test.each<[string, readonly string[], readonly string[], readonly RegExp[]]>([
    ['the same', many('{"a":1}'), many('{"a":1}'), []],
    ['another value', many('{"a":1,"b":1}'), many('{"a":2,"b":1}'), [/path "a"/]],
    ['another value in one row', many('{"a":1}'), [...many('{"a":1}').slice(1), '{"a":2}'], [/path "a"/]],
    ['a row without it', many('{"a":1}'), [...many('{"a":1}').slice(1), '{}'], [/path "a"/]],
    ['a path that is in none', many('{"a":1,"b":2}'), many('{"b":2}'), [/no column.*path "a"/]],
    ['a path without a column', many('{"b":2}'), many('{"a":1,"b":2}'), [/a column of 70 rows at path "a"/]],
    [
      'an array for a value',
      many('{"a":1}'),
      many('{"a":[1]}'),
      [/no column.*path "a"/, /a column of 70 rows/],
    ],
  ])('%s', async (_, columned, documents, expected) => {
    const found = await faults(columned, documents);
    expect(found).toHaveLength(expected.length);
    expected.forEach((pattern, n) => expect(found[n]).toMatch(pattern));
  });
});

describe('a stream of pages', () => {
  const pages = 5;
  const { pageBytes } = limits;

  async function streamOf(pieceBytes: number, damage?: number): Promise<PageStream> {
    const store = newStore();
    const bytes = Uint8Array.from({ length: pages * pageBytes }, (_, i) => (i * 7) % 251);
    const pageChecksums = digests.crc32cPages(bytes, pageBytes);
    if (damage !== undefined) bytes[damage]! ^= 1;
    await store.put(KEY, bytes, { if: 'absent' });
    const range = { from: 0, to: bytes.length, size: bytes.length };
    return new PageStream({ store, digests, key: KEY, pageChecksums, pieceBytes, ...range });
  }

  it('gives every byte in order, whatever is taken at a time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 30_000 }), { maxLength: 12 }),
        fc.integer({ min: 1, max: 3 }),
        async (lengths, piece) => {
          const stream = await streamOf(piece * pageBytes);
          for (const length of lengths) {
            const start = stream.position;
            if (start + length > pages * pageBytes) break;
            const bytes = await stream.take(length);
            expect(bytes.byteOffset % 8).toBe(0);
            expect(bytes.every((byte, i) => byte === ((start + i) * 7) % 251)).toBe(true);
            expect(bytes.length).toBe(length);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('looks also at what is skipped, and counts what else is damaged', async () => {
    const sound = await streamOf(pageBytes);
    await sound.skipTo(pages * pageBytes);
    const damaged = await streamOf(pageBytes, pageBytes + 5);
    await expect(damaged.skipTo(3 * pageBytes)).rejects.toMatchObject({ details: { offset: pageBytes } });
    expect(await damaged.damagedPieces()).toBe(0);
    const ahead = await streamOf(pageBytes, 3 * pageBytes);
    await ahead.take(10);
    expect(await ahead.damagedPieces()).toBe(1);
    await expect((await streamOf(pageBytes)).take(pages * pageBytes + 1)).rejects.toMatchObject({
      kind: 'corrupt',
    });
  });
});
