/**
 * Strategy: a small segment, damaged in every way: each bit flipped, cut at each length, replaced by another of the same
 * size, and (the hostile case) changed and sealed again so that every checksum is right. What is read from it is the
 * right answer or a `corrupt` error that says where; never a wrong answer where a checksum could tell, never another
 * error, never memory asked for that the file cannot fill.
 */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { bytesToHex } from '../../core/base/bytes.js';
import { isCairnError } from '../../core/base/errors.js';
import { parseFilter } from '../../core/filter/index.js';
import { ColumnIndex } from '../../core/segment/columns/column-index.js';
import type { Column } from '../../core/segment/columns/column-index.js';
import { decodeFooter, encodeFooter, footerOffset } from '../../core/segment/footer.js';
import type { Footer, SegmentSection } from '../../core/segment/footer.js';
import type { SegmentRef } from '../../core/segment/index.js';
import { wrongAt } from '../../core/segment/segment-tail.js';
import type { ObjectStore } from '../../core/store/index.js';
import {
  digests,
  KEY,
  masks,
  newStore,
  openSegment,
  plainRows,
  readEverything,
  rowsOf,
  writeSegment,
} from './fixture.js';
import type { Rows } from './fixture.js';
import { rightChecksums } from './right-checksums.js';
import { portableDeflate } from '../../core/segment/index.js';

const rows = plainRows(70, 2);
const leafStarts = Uint32Array.of(0, 20, 50);
/** Of numbers in two blocks, and of texts of which some are cut. */
const filters = [
  'row > 5 AND row IN (6, 68, 69)',
  "text LIKE 'ttt%' OR text CONTAINS 'tttt'",
  "text > '2024'",
].map(parseFilter);
let ref: SegmentRef;
let intact: Uint8Array;
let sections: readonly SegmentSection[];
let footerAt: number;

beforeAll(async () => {
  const store = newStore();
  ref = await writeSegment(store, rows, { leafStarts, leaves: true, indexInTailBytes: 0 });
  intact = await bodyOf(store, KEY);
  footerAt = footerOffset(KEY, intact, 0);
  ({ sections } = decodeFooter(digests, { key: KEY, offset: footerAt }, intact.subarray(footerAt)));
});

async function bodyOf(store: ObjectStore, key: string): Promise<Uint8Array> {
  const found = await store.get(key);
  if (found.status !== 'found') throw new Error(found.status);
  return found.bytes;
}

/** A store of one object, which lies in `bytes` and is not copied. */
function holding(bytes: Uint8Array): ObjectStore {
  return {
    ...newStore(),
    get: async (_, { range = { offset: 0, length: bytes.length } } = {}) => ({
      status: 'found',
      bytes: bytes.subarray(range.offset, range.offset + range.length),
      size: bytes.length,
      version: '' as never,
      modifiedMs: 0,
    }),
  };
}

function sectionOf(kind: string): SegmentSection {
  return sections.find((section) => section.kind === kind)!;
}

/** Of the number of each row. */
function columnOfRows(): Column {
  const { offset, length } = sectionOf('columnIndex');
  const facts = { rows: 70, leaves: leafStarts.length, columns: sectionOf('columns') };
  const index = new ColumnIndex(intact.subarray(offset, offset + length), facts, wrongAt(KEY, offset));
  return index.find('row')!.direct!;
}

async function outcome(bytes: Uint8Array, of: SegmentRef = ref): Promise<Rows | Error> {
  try {
    const reader = await openSegment(holding(bytes), of, rows);
    const read = await readEverything(reader);
    await reader.findRanks(rows.ids);
    await reader.idsFrom('', 1_000);
    for (const filter of filters) await reader.filterRows(filter);
    await reader.possibleIds(rows.ids);
    for (const block of await reader.leafBlocks([...leafStarts.keys()])) {
      reader.idsOfLeaf(block).forEach((id, i) => {
        block.textOf(id);
        block.rank(i, reader.rows);
      });
    }
    return read;
  } catch (error) {
    return error as Error;
  }
}

function expectCorrupt(end: Rows | Error): void {
  if (!isCairnError(end) || end.kind !== 'corrupt') throw new Error('not corrupt', { cause: end });
  expect(end.details['key']).toBe(KEY);
  expect(end.details['offset']).toEqual(expect.any(Number));
}

describe('a damaged segment', () => {
  test('reads right where nothing is damaged', async () => {
    expect(await outcome(intact)).toEqual(rows);
  });

  test('is corrupt at any flipped bit', { timeout: 300_000 }, async () => {
    const bytes = intact.slice();
    const used = new Uint8Array(bytes.length).fill(0, 0, footerAt).fill(1, footerAt);
    for (const { offset, length } of sections) used.fill(1, offset, offset + length);
    for (let at = 0; at < bytes.length; at++) {
      // All bits of what is used, one of each byte of padding in turn: a page's checksum covers both alike.
      for (let bit = 0; bit < 8; bit++) {
        if (used[at] === 0 && (bit !== at % 8 || at % 7 !== 0)) continue;
        bytes[at]! ^= 1 << bit;
        expectCorrupt(await outcome(bytes));
        bytes[at]! ^= 1 << bit;
      }
    }
    expect(bytes).toEqual(intact);
  });

  test('is corrupt cut at any length, and lengthened', async () => {
    for (let length = 0; length < intact.length; length++) {
      expectCorrupt(await outcome(intact.subarray(0, length)));
    }
    const longer = new Uint8Array(intact.length + 1);
    longer.set(intact);
    expectCorrupt(await outcome(longer));
  });

  test('is corrupt in the store that cuts it after the tail was read', async () => {
    const store = newStore();
    await store.put(KEY, intact, { if: 'any' });
    const reader = await openSegment(store, ref, rows);
    await store.put(KEY, intact.subarray(0, 300), { if: 'any' });
    await expect(reader.documents([1])).rejects.toMatchObject({ kind: 'corrupt' });
    await store.put(KEY, new Uint8Array(0), { if: 'any' });
    await expect(reader.vectors([1])).rejects.toMatchObject({ kind: 'corrupt' });
    await store.delete([KEY]);
    const gone = { kind: 'unavailable', code: 'object_gone', details: { key: KEY } };
    await expect(reader.vectors([1])).rejects.toMatchObject(gone);
    await expect(reader.rawChunks(1_000).next()).rejects.toMatchObject(gone);
    await expect(openSegment(store, ref, rows)).rejects.toMatchObject(gone);
    const load = reader.residentLoad(new Uint8Array(reader.residentBytes));
    await expect(load.fetchMissing()).rejects.toMatchObject(gone);
  });

  test('is corrupt where its vectors are streamed past the cache', async () => {
    const bytes = intact.slice();
    const reader = await openSegment(holding(bytes), ref, rows);
    bytes[9]! ^= 1;
    const details = { key: KEY, offset: 0 };
    await expect(reader.rawChunks(1_000).next()).rejects.toMatchObject({ kind: 'corrupt', details });
  });

  test('is found out where another lies in its place', async () => {
    const store = newStore();
    const other = await writeSegment(store, rowsOf(rows.ids.toReversed(), { dimension: 2 }), {
      key: `${KEY}x`,
    });
    const foreign = await bodyOf(store, `${KEY}x`);
    const small = { ...ref, bytes: foreign.length, tailBytes: other.tailBytes };
    expectCorrupt(await outcome(foreign, small));
    // Even where the head names its footer, it is sealed for another key.
    expectCorrupt(await outcome(foreign, { ...small, footerSha256: other.footerSha256 }));
    // The same rows, written again under the same key with other leaves, keep the length.
    const options = { leafStarts, leaves: true, indexInTailBytes: 0 };
    await writeSegment(store, { ...rows, seqs: rows.seqs.map((seq) => seq + 1) }, options);
    expectCorrupt(await outcome(await bodyOf(store, KEY)));
  });

  test.each([
    ['no tail', { tailBytes: 0 }],
    ['a tail as long as the file and more', { tailBytes: 1_000_000 }],
    ['a tail at no page', { tailBytes: 1_000 }],
    ['a fraction', { bytes: 0.5 }],
    ['no number', { bytes: Number.NaN }],
    ['other rows', { rows: 71 }],
    ['no hash', { footerSha256: 'xyz' }],
    ['another hash', { footerSha256: '00'.repeat(32) }],
  ])('a head that says %s is refused', async (_, change) => {
    expectCorrupt(await outcome(intact, { ...ref, ...change }));
  });

  test.each([
    ['dimension', { dimension: 3, metric: 'cosine' }],
    ['metric', { dimension: 2, metric: 'dot' }],
  ])('a collection of another %s is refused', async (what, expected) => {
    const options = {
      store: holding(intact),
      digests,
      deflate: portableDeflate,
      cache: undefined as never,
      masks,
      ref,
      expected,
    };
    const { SegmentReader } = await import('../../core/segment/index.js');
    await expect(SegmentReader.open(options)).rejects.toMatchObject({
      kind: 'corrupt',
      message: expect.stringContaining(what) as string,
    });
  });
});

describe('a segment that was changed and sealed again', () => {
  /** Seals `content`, all that comes before the footer, with right checksums under a footer that may lie. */
  function sealed(
    content: Uint8Array,
    change: (footer: Footer) => Footer = (footer) => footer,
  ): {
    readonly bytes: Uint8Array;
    readonly ref: SegmentRef;
  } {
    const place = { key: KEY, offset: footerAt };
    const footer = decodeFooter(digests, place, intact.subarray(footerAt));
    const pageChecksums = rightChecksums(content, sections);
    const end = encodeFooter(digests, place, change({ ...footer, pageChecksums }));
    const bytes = new Uint8Array(content.length + end.length);
    bytes.set(content);
    bytes.set(end, content.length);
    const tailBytes = bytes.length - (intact.length - ref.tailBytes);
    const footerSha256 = bytesToHex(digests.sha256(end));
    return { bytes, ref: { ...ref, bytes: bytes.length, tailBytes, footerSha256 } };
  }

  test('opens where nothing was changed', async () => {
    const same = sealed(intact.subarray(0, footerAt));
    expect(same.bytes).toEqual(intact);
    expect(await outcome(same.bytes, same.ref)).toEqual(rows);
  });

  test('is corrupt or answers something, whatever bytes of it are', { timeout: 300_000 }, async () => {
    const content = intact.slice(0, footerAt);
    const inSections = fc.nat(sections.length - 1).chain((at) => {
      const { offset, length } = sections[at]!;
      return fc.nat(Math.max(0, length - 1)).map((within) => offset + within);
    });
    const edits = fc.array(fc.tuple(inSections, fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(edits, async (changes) => {
        const changed = content.slice();
        for (const [at, value] of changes) if (at < changed.length) changed[at] = value;
        const forged = sealed(changed);
        const end = await outcome(forged.bytes, forged.ref);
        if (end instanceof Error) expectCorrupt(end);
      }),
      { numRuns: 3_000 },
    );
  });

  test.each([
    ['whose leaf has terms from above to below', [9, 5]],
    ['whose leaf has a term that there is not', [57, 57]],
  ])('is corrupt with a column %s', async (_, [low = 0, high = 0]) => {
    const changed = intact.slice(0, footerAt);
    const { summaries } = columnOfRows();
    expect(summaries.length).toBe(2 * leafStarts.length);
    changed[summaries.offset + 1] = low;
    changed[summaries.offset + leafStarts.length + 1] = high;
    const forged = sealed(changed);
    expectCorrupt(await outcome(forged.bytes, forged.ref));
  });

  test('is corrupt where its index has no summaries that are there, or has such of one leaf', async () => {
    const changed = intact.slice(0, footerAt);
    const { offset } = sectionOf('columnIndex');
    // The shape of the first column.
    changed[offset + 8 + 7]! ^= 4;
    const without = sealed(changed);
    expectCorrupt(await outcome(without.bytes, without.ref));
    const index = (leaves: number): ColumnIndex =>
      new ColumnIndex(
        intact.subarray(offset, offset + sectionOf('columnIndex').length),
        { rows: 70, leaves, columns: sectionOf('columns') },
        wrongAt(KEY, offset),
      );
    expect(index(leafStarts.length).columns).toBe(2);
    expect(() => index(2)).toThrow('bytes of columns');
    expect(() => index(1)).toThrow('two leaves or more');
  });

  const lies: readonly (readonly [string, (section: SegmentSection) => Partial<SegmentSection>])[] = [
    ['offset', ({ offset }) => ({ offset: offset + 64 })],
    ['offset far away', () => ({ offset: 2 ** 52 })],
    ['length', ({ length }) => ({ length: length + 1 })],
    ['length of nothing', ({ length }) => ({ length: length === 0 ? 1 : 0 })],
    ['length beyond all', () => ({ length: 2 ** 52 })],
    ['field', () => ({ field: 2 })],
    ['kind', () => ({ kind: 'other' })],
  ];
  test.each(lies)('is corrupt with any section of another %s', async (_, lie) => {
    for (const [at, section] of sections.entries()) {
      // Names of resident sections are their caller's.
      if (lie(section).kind !== undefined && section.kind.includes('Of')) continue;
      const forged = sealed(intact.subarray(0, footerAt), (footer) => ({
        ...footer,
        sections: footer.sections.map((one, i) => (i === at ? { ...one, ...lie(one) } : one)),
      }));
      const end = await outcome(forged.bytes, forged.ref);
      expectCorrupt(end);
    }
  });

  test.each([
    ['rows', (footer: Footer) => ({ ...footer, rows: 71 })],
    ['no sections', (footer: Footer) => ({ ...footer, sections: [] })],
    [
      'one section twice',
      (footer: Footer) => ({ ...footer, sections: [...footer.sections, footer.sections[0]!] }),
    ],
    ['fewer checksums', (footer: Footer) => ({ ...footer, pageChecksums: footer.pageChecksums.slice(1) })],
    [
      'counts',
      (footer: Footer) => ({ ...footer, sections: footer.sections.map((s) => ({ ...s, count: 7 })) }),
    ],
    ['no seqBase', (footer: Footer) => ({ ...footer, text: { ...footer.text, numbers: {} } })],
    [
      'seqBase below 0',
      (footer: Footer) => ({ ...footer, text: { ...footer.text, numbers: { seqBase: -1 } } }),
    ],
    [
      'seqBase near the last sequence',
      (footer: Footer) => ({ ...footer, text: { ...footer.text, numbers: { seqBase: 2 ** 53 - 2 } } }),
    ],
    ['no fields', (footer: Footer) => ({ ...footer, text: { ...footer.text, fields: [] } })],
    ['no uid', (footer: Footer) => ({ ...footer, text: { ...footer.text, uid: 'x' } })],
    ['text of another form', (footer: Footer) => ({ ...footer, text: [] as never })],
  ])('is corrupt with a footer of other %s', async (_, change) => {
    const forged = sealed(intact.subarray(0, footerAt), change);
    expectCorrupt(await outcome(forged.bytes, forged.ref));
  });
});
