/**
 * Strategy: leaves that are written come out again, block by block, in any order and by the requests that they are said to cost; a
 * filter of ids that lies apart from the tail is read when it is asked for, and once. What the index of leaves says falsely is found out.
 */
import { describe, expect, test } from 'vitest';
import { MemoryAccount, MemoryPart } from '../../core/base/memory-account.js';
import { bytesToHex, concatBytes } from '../../core/base/bytes.js';
import { limits } from '../../core/base/limits.js';
import { portableDeflate, rowMaps, SegmentCheck, SegmentReader } from '../../core/segment/index.js';
import { blockStart, encodeLeafIndex, LeafIndex } from '../../core/segment/leaves/leaf-index.js';
import type { LeafFacts } from '../../core/segment/leaves/leaf-index.js';
import { encodeLeafBlock, LeafBlock, scannedBytes } from '../../core/segment/leaves/leaf-blocks.js';
import type { LeafFile } from '../../core/segment/leaves/leaf-blocks.js';
import { decodeFooter, encodeFooter, footerOffset } from '../../core/segment/footer.js';
import { layOut } from '../../core/segment/section-layout.js';
import { wrongAt } from '../../core/segment/segment-tail.js';
import { accountingStore } from '../../core/store/index.js';
import type { SegmentRef } from '../../core/segment/index.js';
import type { ObjectStore } from '../../core/store/index.js';
import {
  centroidsOf,
  digests,
  KEY,
  leavesOf,
  masks,
  newCache,
  newStore,
  openSegment,
  plainRows,
  readEverything,
  writeSegment,
} from './fixture.js';
import { rightChecksums } from './right-checksums.js';

const rows = plainRows(1_500, 5);
const leafStarts = Uint32Array.of(0, 300, 331, 1_000);

/** Of a leaf that begins with such a row, with a checksum for each page of the vectors. */
const fileOf = (firstRow: number): LeafFile => ({
  ...{ dimension: 5, firstRow, deflate: portableDeflate },
  pageChecksums: Uint32Array.from({ length: 2 }, (_, page) => 100 + page),
});

/** Of a section of such blocks. */
const sectionBytes = (blockBytes: readonly number[]): number =>
  blockBytes.reduce((end, length) => blockStart(end, length) + length, 0);

test('a block lies in no more pages than it must, and else right behind the one before', () => {
  const page = limits.pageBytes;
  expect(blockStart(0, 100)).toBe(0);
  expect(blockStart(100, page - 100)).toBe(100);
  expect(blockStart(100, page - 99)).toBe(page);
  expect(blockStart(100, page)).toBe(page);
  // It lies in two wherever it begins.
  expect(blockStart(100, page + 1)).toBe(100);
  expect(blockStart(3 * page + 100, 2 * page - 100)).toBe(3 * page + 100);
  expect(blockStart(3 * page + 101, 2 * page - 100)).toBe(4 * page);
});

describe('leaves', () => {
  test('come back as they were written', async () => {
    const store = newStore();
    const reader = await openSegment(
      store,
      await writeSegment(store, rows, { leafStarts, leaves: true }),
      rows,
    );
    expect(reader.leafIndex!.centroids).toEqual(centroidsOf(4, 5));
    const written = leavesOf(rows, leafStarts);
    const order = [2, 0, 3, 1];
    const blocks = await reader.leafBlocks(order);
    order.forEach((leaf, at) => {
      const block = blocks[at]!;
      const { scanned, guests, ranks, ids } = written[leaf]!;
      const count = ids.length - 1;
      expect(block).toMatchObject({ leaf, firstRow: leafStarts[leaf], rows: count, guests });
      expect(block.scanned).toEqual(scanned);
      expect([0, count - 1, count].map((i) => block.rowAt(i))).toEqual([
        ...[leafStarts[leaf], leafStarts[leaf]! + count - 1],
        leafStarts[leaf + 1] ?? 0,
      ]);
      expect(Uint32Array.from(ids, (_, i) => block.rank(i, reader.rows))).toEqual(ranks);
      expect(reader.idsOfLeaf(block).map((id) => block.textOf(id))).toEqual(ids);
    });
  });

  test('that are not there are in no section, and the segment is as it was before there were any', async () => {
    const store = newStore();
    const reader = await openSegment(store, await writeSegment(store, rows, { leafStarts }), rows);
    expect(reader.leafIndex).toBeUndefined();
    expect(() => reader.leafBlocks([0])).toThrow('without leaves');
  });

  test('are read in as few requests as a wave may have', async () => {
    const store = accountingStore(newStore());
    const wide = { ...rows, ...plainRows(1_500, 640) };
    const starts = Uint32Array.from({ length: 30 }, (_, leaf) => leaf * 50);
    const ref = await writeSegment(store, wide, { leafStarts: starts, leaves: true });
    const requests = async (wave: { requests: number; bytes: number }): Promise<number> => {
      const reader = await openSegment(store, ref, wide);
      const before = store.snapshot().requests;
      await reader.leafBlocks([0, 9, 18, 19, 29], { wave });
      return store.snapshot().requests - before;
    };
    expect(await requests({ requests: 6, bytes: 0 })).toBe(4);
    expect(await requests({ requests: 2, bytes: 1e7 })).toBe(2);
    expect(await requests({ requests: 1, bytes: 1e7 })).toBe(1);
    expect(await requests({ requests: 1, bytes: 0 })).toBe(4);
  });

  const ONE_EACH = [1, 1, 1, 1];
  const encoded = (
    blockBytes: readonly number[],
    guests: readonly number[] = ONE_EACH,
  ): Uint8Array<ArrayBuffer> =>
    encodeLeafIndex(centroidsOf(4, 5), {
      blockBytes: Uint32Array.from(blockBytes),
      guests: Uint32Array.from(guests),
    });
  const indexOf = (
    blockBytes: readonly number[],
    { guests = ONE_EACH, ...facts }: Partial<LeafFacts> & { guests?: readonly number[] } = {},
  ): LeafIndex => {
    const bytes = encoded(blockBytes, guests);
    const blocksBytes = sectionBytes(blockBytes);
    return new LeafIndex(
      bytes,
      { rows: 1_500, dimension: 5, leafStarts, blocksBytes, ...facts },
      wrongAt(KEY, 0),
    );
  };
  const sound = leavesOf(rows, leafStarts).map(
    (leaf, i) => encodeLeafBlock(leaf, fileOf(leafStarts[i]!)).length,
  );

  test.each([
    ['blocks of other bytes than the section', sound, { blocksBytes: 1 }],
    ['a block too short for its rows', sound.with(1, 100), {}],
    ['a block too long for its rows', sound.with(0, 1e6), {}],
    ['other leaves', sound, { leafStarts: leafStarts.subarray(0, 3) }],
    ['a leaf of too many rows', sound, { rows: 1_000 + limits.leafRows + 1 }],
    ['a leaf of too many guests', sound, { guests: [1, 1, 1, limits.leafRows] }],
    ['more guests than its bytes are for', sound, { guests: [1, 40, 1, 1] }],
    ['another dimension', sound, { dimension: 65 }],
  ])('are corrupt with %s', (_, blockBytes, facts) => {
    expect(indexOf(sound).leaves).toBe(4);
    expect(() => indexOf(blockBytes, facts)).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  });

  test.each([
    ['3 bits', { bits: 3 }],
    ['no factor', { factor: 0 }],
    ['an infinite factor', { factor: Infinity }],
  ])('are corrupt with centroids of %s', (_, change) => {
    const bytes = encoded(sound);
    const { bits = 2, factor = 0.5 } = change as { bits?: number; factor?: number };
    new DataView(bytes.buffer).setUint32(0, bits, true);
    new DataView(bytes.buffer).setFloat32(4, factor, true);
    const blocksBytes = sectionBytes(sound);
    const facts = { rows: 1_500, dimension: 5, leafStarts, blocksBytes };
    expect(() => new LeafIndex(bytes, facts, wrongAt(KEY, 0))).toThrow(
      expect.objectContaining({ kind: 'corrupt' }),
    );
  });
});

describe('guests', () => {
  const place = { leaf: 1, firstRow: 300, rows: 31, guests: 2, dimension: 5, segmentRows: 1_500 };
  const blockOf = (guests: readonly number[]): Uint8Array =>
    encodeLeafBlock(
      {
        scanned: new Uint8Array(scannedBytes(place, 5)),
        guests: Uint32Array.from(guests),
        ranks: new Uint32Array(33),
        ids: Array.from({ length: 33 }, () => 'x'),
      },
      fileOf(300),
    );

  test.each([
    ['of the leaf itself', [10, 330]],
    ['that are twice the same', [10, 10]],
    ['that descend', [400, 20]],
    ['that are no rows of the segment', [10, 1_500]],
  ])('%s are corrupt', (_, guests) => {
    const read = (bytes: Uint8Array): LeafBlock => new LeafBlock(bytes, place, wrongAt(KEY, 0));
    expect(read(blockOf([299, 331])).guests).toEqual(Uint32Array.of(299, 331));
    expect(() => read(blockOf(guests))).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  });
});

describe('a segment of which all indexes lie apart', () => {
  const wide = plainRows(600, 300);
  const starts = Uint32Array.of(0, 280, 420);
  const far = { leafStarts: starts, leaves: true, indexInTailBytes: 0 };

  async function opened(damage?: (bytes: Uint8Array) => void) {
    const inner = newStore();
    const ref = await writeSegment(inner, wide, far);
    if (damage !== undefined) {
      const found = await inner.get(KEY);
      if (found.status !== 'found') throw new Error(found.status);
      const bytes = found.bytes.slice();
      damage(bytes);
      await inner.put(KEY, bytes, { if: 'any' });
    }
    const store = accountingStore(inner);
    const reader = await openSegment(store, ref, wide);
    return { store, reader, ref };
  }

  const vectorsOf = (rowsAsked: readonly number[]): Float32Array =>
    Float32Array.from(rowsAsked.flatMap((row) => [...wide.vectors.subarray(row * 300, (row + 1) * 300)]));

  test('is smaller to open, and reads the same', async () => {
    const near = await writeSegment(newStore(), wide, { ...far, indexInTailBytes: 1e6 });
    const { reader, ref } = await opened();
    expect(ref.tailBytes).toBeLessThan(near.tailBytes);
    expect(await readEverything(reader)).toEqual(wide);
  });

  test('answers rows of leaves by what those say of their pages: without the table of checksums', async () => {
    const { store, reader } = await opened();
    const [block] = await reader.leafBlocks([0]);
    const asked = [0, 17, 113, 279, 280];
    const sums = new Map<number, number>();
    for (const [i, row] of asked.entries()) {
      const at = row < 280 ? row : 280;
      expect(block!.rowAt(at)).toBe(asked[i]);
      block!.addSums(at, sums);
    }
    const before = store.snapshot();
    const wave = { requests: 1, bytes: 1e6 };
    expect(await reader.vectors(asked, { wave, sums })).toEqual(vectorsOf(asked));
    expect(store.snapshot().requests - before.requests).toBe(1);
    // Of other rows it is read, beside them.
    expect(await reader.vectors([500])).toEqual(vectorsOf([500]));
    expect(store.snapshot().requests - before.requests).toBe(3);
    expect(await reader.vectors([560])).toEqual(vectorsOf([560]));
    expect(store.snapshot().requests - before.requests).toBe(4);
  });

  test('is corrupt where a page is not what the leaf says of it, or where the table is damaged', async () => {
    const changed = await opened((bytes) => void (bytes[113 * 1_200]! ^= 1));
    const [block] = await changed.reader.leafBlocks([0]);
    const sums = new Map<number, number>();
    block!.addSums(113, sums);
    const corrupt = { kind: 'corrupt', details: { key: KEY, offset: 131_072 } };
    await expect(changed.reader.vectors([113], { sums })).rejects.toMatchObject(corrupt);
    let table = 0;
    const damaged = await opened((bytes) => {
      const at = footerOffset(KEY, bytes, 0);
      const { sections } = decodeFooter(digests, { key: KEY, offset: at }, bytes.subarray(at));
      table = sections.find(({ kind }) => kind === 'pageChecksums')!.offset;
      bytes[table + 8]! ^= 1;
    });
    const of = { kind: 'corrupt', details: { key: KEY, offset: table } };
    await expect(damaged.reader.vectors([113])).rejects.toMatchObject(of);
    expect(await damaged.reader.vectors([113], { sums })).toEqual(vectorsOf([113]));
  });

  test('may say no more of an index than a tail may have', async () => {
    const store = newStore();
    await writeSegment(store, wide, far);
    const found = await store.get(KEY);
    if (found.status !== 'found') throw new Error(found.status);
    const at = footerOffset(KEY, found.bytes, 0);
    const footer = decodeFooter(digests, { key: KEY, offset: at }, found.bytes.subarray(at));
    const index = footer.sections.findIndex(({ kind }) => kind === 'idIndex');
    const grown = (more: number, by = more): void => {
      const sections = footer.sections.map((section, i) => ({
        ...section,
        length: section.length + (i === index ? more : 0),
        offset: section.offset + (i > index ? by : 0),
      }));
      const { offset } = sections.find(({ kind }) => kind === 'leafStarts')!;
      layOut({ ...footer, sections }, { key: KEY, footerOffset: at + by, tailOffset: offset });
    };
    // Where that is right there is one checksum too few.
    expect(() => grown(limits.pageBytes)).toThrow('page checksums');
    expect(() => grown(limits.segmentTailBytes)).toThrow('1 to 1073741824 bytes of idIndex');
    const { length } = footer.sections[index]!;
    expect(length).toBeLessThan(limits.pageBytes);
    expect(() => grown(-length, -limits.pageBytes)).toThrow('1 to 1073741824 bytes of idIndex');
  });

  test('reads beside what is sought what documents are found by', async () => {
    const { store, reader } = await opened();
    await reader.prepareDocuments();
    const before = store.snapshot().requests;
    expect(await reader.documents([7, 8])).toEqual([wide.documents[7], wide.documents[8]]);
    expect(store.snapshot().requests - before).toBe(1);
  });
});

describe('a filter of ids that lies apart', () => {
  test('is no part of the tail, is read once, and counts while the segment is open', async () => {
    const store = accountingStore(newStore());
    const near = await writeSegment(store, rows);
    const ref = await writeSegment(store, rows, { indexInTailBytes: 1_000 });
    expect(ref.tailBytes).toBeLessThan(near.tailBytes - 3_000);
    const held = new MemoryPart(new MemoryAccount());
    const reader = await SegmentReader.open({
      ...{ store, digests, deflate: portableDeflate, cache: newCache(), masks, ref, held },
      expected: { dimension: 5, metric: 'cosine' },
    });
    expect(held.bytes).toBe(ref.tailBytes);
    const before = store.snapshot().requests;
    expect(await reader.possibleIds(rows.ids)).toEqual(rows.ids);
    expect(await reader.possibleIds(['never', ...rows.ids.slice(0, 3)])).toEqual(rows.ids.slice(0, 3));
    expect(store.snapshot().requests - before).toBe(1);
    expect(held.bytes).toBeGreaterThan(ref.tailBytes + 3_000);
    reader.close();
    expect(held.bytes).toBe(0);
  });

  test('that is damaged is corrupt, and the segment opens all the same', async () => {
    const store = newStore();
    const ref = await writeSegment(store, rows, { indexInTailBytes: 1_000 });
    const found = await store.get(KEY);
    if (found.status !== 'found') throw new Error(found.status);
    const bytes = found.bytes.slice();
    bytes[ref.bytes - ref.tailBytes - 16_384]! ^= 1;
    await store.put(KEY, bytes, { if: 'any' });
    const reader = await openSegment(store, ref, rows);
    await expect(reader.possibleIds(['x'])).rejects.toMatchObject({ kind: 'corrupt', details: { key: KEY } });
  });
});

describe('the check of a segment', () => {
  const faultsOf = async (store: ObjectStore, ref: SegmentRef): Promise<string[]> => {
    const check = await SegmentCheck.open({
      ...{ store, digests, deflate: portableDeflate, ref, columnBytesMax: 1e6, foldedSeq: 2_000 },
      expected: { dimension: 5, metric: 'cosine' },
    });
    const codes: string[] = [];
    for await (const { code } of check.faults({ resident: undefined })) codes.push(code);
    return codes;
  };

  test.each([true, false])('finds leaves sound that are, the filter apart: %s', async (apart) => {
    const store = newStore();
    const options = { leafStarts, leaves: true, indexInTailBytes: apart ? 0 : 1e6 };
    expect(await faultsOf(store, await writeSegment(store, rows, options))).toEqual([]);
  });

  test.each([
    ['rows', (row: number) => (row === 7 ? 8 : row === 8 ? 7 : row)],
    ['a row', (row: number) => (row === 400 ? 401 : row)],
  ])('finds leaves that name %s otherwise than the ids do', async (_, nameOf) => {
    const store = newStore();
    const named = rows.ids.map((_id, row) => rows.ids[nameOf(row)]!);
    const leaves = leavesOf(rows, leafStarts).map((leaf, i) => {
      const from = leafStarts[i]!;
      const own = named.slice(from, from + leaf.ids.length - 1);
      return { ...leaf, ids: [...own, ...leaf.ids.slice(-1)] };
    });
    const ref = await writeSegment(store, rows, { leafStarts, leaves });
    expect(await faultsOf(store, ref)).toEqual(['leaves_mismatch']);
  });

  test.each([
    ['that are not their rows', 4, [700]],
    ['of another leaf, too', 331, [300, 331]],
  ])('finds guests %s', async (_, row, guests) => {
    const store = newStore();
    const { rankOfRow } = rowMaps(rows.ids);
    const leaves = leavesOf(rows, leafStarts).map((leaf, i) => {
      if (i !== 0) return leaf;
      const named = [...guests.slice(0, -1), row];
      const own = leaf.ids.slice(0, -1);
      return {
        ...{ scanned: leaf.scanned, guests: Uint32Array.from(guests) },
        ranks: Uint32Array.from([...rankOfRow.slice(0, 300), ...named.map((one) => rankOfRow[one]!)]),
        ids: [...own, ...named.map((one) => rows.ids[one]!)],
      };
    });
    expect(await faultsOf(store, await writeSegment(store, rows, { leafStarts, leaves }))).toEqual([
      'leaves_mismatch',
    ]);
  });

  test.each(['a row', 'a guest'])('finds leaves that say of the pages of %s what is not so', async (what) => {
    const store = newStore();
    const ref = await writeSegment(store, rows, { leafStarts, leaves: true });
    const found = await store.get(KEY);
    if (found.status !== 'found') throw new Error(found.status);
    const at = footerOffset(KEY, found.bytes, 0);
    const place = { key: KEY, offset: at };
    const footer = decodeFooter(digests, place, found.bytes.subarray(at));
    const content = found.bytes.slice(0, at);
    const block = footer.sections.find(({ kind }) => kind === 'leaves')!.offset;
    const size = { rows: 300, guests: 1 };
    const sums = block + scannedBytes(size, 5) + 4 + 4 * 301;
    // All rows of the leaf lie in one page.
    content[sums + (what === 'a row' ? 0 : 4)]! ^= 1;
    const pageChecksums = rightChecksums(content, footer.sections);
    const end = encodeFooter(digests, place, { ...footer, pageChecksums });
    await store.put(KEY, concatBytes([content, end]), { if: 'any' });
    const footerSha256 = bytesToHex(digests.sha256(end));
    expect(await faultsOf(store, { ...ref, footerSha256 })).toEqual(['leaves_mismatch']);
  });

  test('finds leaves whose ranks are those of other rows', async () => {
    const store = newStore();
    const swapped = { ...rows, ids: rows.ids.with(7, rows.ids[8]!).with(8, rows.ids[7]!) };
    const leaves = leavesOf(swapped, leafStarts);
    const ref = await writeSegment(store, rows, { leafStarts, leaves });
    expect(await faultsOf(store, ref)).toEqual(['leaves_mismatch']);
  });
});
