/**
 * A segment of three rows and its deletions, made from fixed numbers, and the parts of the segment's bytes.
 */
import { bytesToHex } from '../../core/base/bytes.js';
import { limits } from '../../core/base/limits.js';
import { attachIndex, indexBytes } from '../../core/engine/segments/index.js';
import { parseFilter } from '../../core/filter/index.js';
import { acquireBytes, IndexBuilder, RangeTrainer } from '../../core/index/index.js';
import type { CodePlan } from '../../core/index/index.js';
import { PAYLOAD_OFFSET } from '../../core/kernel/index.js';
import { decodeFooter, footerOffset } from '../../core/segment/footer.js';
import {
  portableDeflate,
  encodeDeletions,
  openDeletions,
  rowMaps,
  SegmentReader,
  SegmentWriter,
} from '../../core/segment/index.js';
import type { FilterRows, ResidentSection, SegmentEnd, SegmentRef } from '../../core/segment/index.js';
import { leafDimension, scannedBytes } from '../../core/segment/leaves/leaf-blocks.js';
import type { LeafContent } from '../../core/segment/leaves/leaf-blocks.js';
import { recordBytes } from '../../core/segment/leaves/leaf-index.js';
import type { CodedCentroids } from '../../core/segment/leaves/leaf-index.js';
import { memoryStore, PageCache } from '../../core/store/index.js';
import type { ObjectStore } from '../../core/store/index.js';
import { digests, kernel, masks, uid, UUID } from './identity.js';
import type { GoldenObject, Part } from './identity.js';

export const segmentKey: string = `c/${uid}/seg/${UUID}.seg`;
const leavesKey = `c/${uid}/seg/${UUID}-1.seg`;
const deletionsKey = `c/${uid}/seg/${UUID}.del`;

interface Content extends SegmentEnd {
  readonly sortedIds: readonly string[];
  readonly documents: readonly string[];
  readonly vectors: Float32Array;
  readonly seqs: readonly number[];
  readonly residents: readonly ResidentSection[];
  readonly leafStarts: Uint32Array;
  readonly leaves?: { readonly centroids: CodedCentroids; readonly contents: readonly LeafContent[] };
}

const coded = [{ kind: 'f32' }, rabitqPlan(1), rabitqPlan(2), rabitqPlan(4), pqPlan()] as const;

const ids = ['a2', 'é', 'a1'];
const { sortedIds, rowOfRank, rankOfRow } = rowMaps(ids);
const words = (array: Uint32Array): Uint8Array => new Uint8Array(array.buffer);
const content: Content = {
  sortedIds,
  documents: ['{"year":2020,"tags":["ir","nlp"]}', '', '{"year":2021,"tags":["nlp"]}'],
  vectors: Float32Array.of(0.5, -1, 1, 2, 3, 4),
  seqs: [7, 5, 9],
  residents: [
    { kind: 'codes', bytes: Uint8Array.of(0x11, 0x22, 0x33, 0x44, 0x55, 0x66), count: 3 },
    { kind: 'rowOfRank', bytes: words(rowOfRank), count: 3 },
    { kind: 'rankOfRow', bytes: words(rankOfRow), count: 3 },
  ],
  leafStarts: Uint32Array.of(0, 2),
  numbers: { foldedSeq: 9, seqBase: 5 },
  curve: { recall: [0.95] },
};

/** Numbers that every machine computes alike. */
const eighths = (count: number, from: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: count }, (_, i) => ((from + 37 * i) % 101) / 8 - 6);

/** The same rows in leaves that can be probed, and a filter of ids that lies apart from the tail. */
const leafy: Content = {
  ...content,
  leaves: {
    centroids: {
      ...{ bits: 2, factor: 0.125 },
      mean: eighths(leafDimension(2), 1),
      records: new Uint8Array(eighths((2 * recordBytes(2, 2)) / 4, 2).buffer),
    },
    contents: [
      [[0, 1], [2]],
      [[2], [1]],
    ].map(([own = [], guests = []]) => ({
      scanned: new Uint8Array(
        eighths(scannedBytes({ rows: own.length, guests: guests.length }, 2) / 4, own[0]! + 3).buffer,
      ),
      guests: Uint32Array.from(guests),
      ranks: Uint32Array.from([...own, ...guests], (row) => rankOfRow[row]!),
      ids: [...own, ...guests].map((row) => ids[row]!),
    })),
  },
};

const newStore = (): ObjectStore => memoryStore({ clock: { wallMs: () => 0 } });

async function write(
  from: Content,
  key: string = segmentKey,
): Promise<{ readonly bytes: Uint8Array; readonly ref: SegmentRef }> {
  const store = newStore();
  const rows = from.sortedIds.length;
  const identity = {
    store,
    digests,
    deflate: portableDeflate,
    key,
    uid,
    dimension: 2,
    metric: 'cosine',
    unfilterable: ['secret'],
    columnBytesMax: 1024 * 1024,
    ...(from.leaves === undefined ? {} : { indexInTailBytes: 0 }),
  };
  const writer = await SegmentWriter.create({
    ...identity,
    rows,
    seqBase: from.numbers['seqBase']!,
  });
  await writer.writeRaw(from.vectors);
  await writer.writeDocuments(from.documents);
  await writer.writeIds(from.sortedIds);
  await writer.writeSeqs(from.seqs);
  await writer.writeColumns(from.leafStarts);
  if (from.leaves !== undefined) await writer.writeLeaves(from.leaves.centroids, from.leaves.contents);
  await writer.writeResident(from.residents);
  const ref = await writer.finish(from);
  const found = await store.get(key);
  if (found.status !== 'found') throw new Error(found.status);
  return { bytes: found.bytes, ref };
}

const written = await write(content);
const writtenLeaves = await write(leafy, leavesKey);

function rabitqPlan(bits: number): CodePlan {
  return { kind: 'rabitq', bits, unit: 1, leaves: 2 };
}

function pqPlan(): CodePlan {
  const centroids = Float32Array.from({ length: 32 }, (_, i) => (i % 16) / 8 - 1);
  const books = { centroids, order: Uint32Array.of(1, 0), middles: Float32Array.of(0.5, 0.25), unit: 1 };
  return { kind: 'pq', compression: 16, books };
}

/** The same rows with an index of another coding, as `none`, `rabitq` and `pq` have it. */
function codedContent(code: CodePlan): Content {
  const shape = { dimension: 2, metric: 'cosine', rows: 3 } as const;
  const ranges = new RangeTrainer(2, 'cosine');
  ranges.add(content.vectors);
  const builder = new IndexBuilder(kernel.pool, {
    ...{ shape, params: ranges.finish(), code, extraResidentBytes: 0 },
    graph: { m: 4, efConstruction: 16, seed: 5 },
  });
  builder.placeLeaves({ starts: Uint32Array.of(0, 2), centroids: Float32Array.of(0.9, 0, 0.6, 0.8) });
  builder.encode(0, content.vectors);
  builder.insert(Uint32Array.of(0, 1, 2));
  const sections = builder
    .sections()
    .map(({ kind, bytes, count }) => ({ kind, bytes: bytes.slice(), count }));
  const residents = [...sections, ...content.residents.slice(1)];
  const numbers = { ...content.numbers, ...builder.numbers() };
  builder.release();
  return { ...content, residents, numbers };
}

/** The rows of such a segment, nearest to the last of them first, as its index finds them. */
export async function rowsByIndex(bytes: Uint8Array): Promise<number[]> {
  const reader = await openGolden(bytes, refOf(bytes));
  const arena = acquireBytes(kernel.pool, indexBytes(reader));
  await reader
    .residentLoad(arena.u8.subarray(PAYLOAD_OFFSET, PAYLOAD_OFFSET + reader.residentBytes))
    .fetchMissing();
  const { index } = attachIndex(reader, arena);
  const query = content.vectors.slice(4);
  const found = [[...index.walk({ query, ef: 3, limit: 3 }).rows], [...index.scan({ query, limit: 3 }).rows]];
  kernel.pool.release(arena);
  if (String(found[0]) !== String(found[1])) throw new Error(`a walk found ${found.join(', a scan ')}`);
  return found[0]!;
}

const codedObjects = await Promise.all(
  coded.map(async (code): Promise<GoldenObject> => {
    const { bytes, ref } = await write(codedContent(code));
    return {
      file: `segment-${code.kind}${code.kind === 'rabitq' ? code.bits : ''}.bin`,
      ...{ key: segmentKey, bytes, newIn: 1 },
      reencode: async (stored) => (await write(await read(stored, ref))).bytes,
    };
  }),
);

async function openGolden(bytes: Uint8Array, ref: SegmentRef): Promise<SegmentReader> {
  const store = newStore();
  await store.put(ref.key, bytes, { if: 'any' });
  const cache = new PageCache({ budgetBytes: 1024 * 1024 });
  const expected = { dimension: 2, metric: 'cosine' };
  return await SegmentReader.open({ store, digests, deflate: portableDeflate, cache, masks, ref, expected });
}

async function read(bytes: Uint8Array, ref: SegmentRef = written.ref): Promise<Content> {
  const reader = await openGolden(bytes, ref);
  const rows = Array.from({ length: reader.rows }, (_, row) => row);
  const target = new Uint8Array(reader.residentBytes);
  await reader.residentLoad(target).fetchMissing();
  await reader.possibleIds([]);
  const leaves = await leavesOf(reader);
  return {
    ...(leaves === undefined ? {} : { leaves }),
    sortedIds: await reader.idsOfRanks(rows),
    documents: await reader.documents(rows),
    vectors: await reader.vectors(rows),
    seqs: await reader.seqs(rows),
    residents: reader.residentSections.map(({ offset, length, ...section }) => ({
      ...section,
      bytes: target.subarray(offset, offset + length),
    })),
    leafStarts: reader.leafStarts,
    numbers: reader.numbers,
    curve: reader.curve,
  };
}

async function leavesOf(reader: SegmentReader): Promise<Content['leaves']> {
  const { leafIndex, rows } = reader;
  if (leafIndex === undefined) return undefined;
  const blocks = await reader.leafBlocks(Array.from({ length: leafIndex.leaves }, (_, leaf) => leaf));
  const contents = blocks.map((block): LeafContent => ({
    scanned: block.scanned,
    guests: block.guests,
    ranks: Uint32Array.from({ length: block.rows + block.guests.length }, (_, i) => block.rank(i, rows)),
    ids: reader.idsOfLeaf(block).map((id) => block.textOf(id)),
  }));
  return { centroids: leafIndex.centroids, contents };
}

/** What a head would say of a segment; the first of its tail is the columns' index, where it has one. */
function refOf(bytes: Uint8Array): SegmentRef {
  const footer = footerOffset(segmentKey, bytes, 0);
  const end = bytes.subarray(footer);
  const { sections, rows } = decodeFooter(digests, { key: segmentKey, offset: footer }, end);
  const tail = sections.find(({ kind }) => kind === 'columnIndex' || kind === 'documentIndex')!;
  const footerSha256 = bytesToHex(digests.sha256(end));
  return {
    ...{ key: segmentKey, bytes: bytes.length, tailBytes: bytes.length - tail.offset },
    ...{ footerSha256, rows },
  };
}

/** As a segment was before there were columns: documents alone tell what satisfies a filter. */
export const uncolumnedSegment = {
  file: 'segment-0.1.bin',
  read: async (bytes: Uint8Array): Promise<{ readonly content: Content; readonly rows: FilterRows }> => {
    const ref = refOf(bytes);
    const reader = await openGolden(bytes, ref);
    return { content: await read(bytes, ref), rows: await reader.filterRows(parseFilter('year = 2020')) };
  },
};

const deletions = encodeDeletions(digests, deletionsKey, {
  rows: 3,
  dead: Uint8Array.of(0b001),
  hidden: Uint8Array.of(0b100),
  hiddenRows: Uint32Array.of(2),
  hiddenSeqs: Float64Array.of(12),
  hiddenMs: Float64Array.of(1_767_225_660_000),
});

export const segmentObjects: readonly GoldenObject[] = [
  ...codedObjects,
  {
    file: 'segment.bin',
    key: segmentKey,
    bytes: written.bytes,
    reencode: async (bytes) => (await write(await read(bytes))).bytes,
    reencodeOlder: async (bytes) => (await write(await read(bytes, refOf(bytes)))).bytes,
  },
  {
    file: 'segment-leaves.bin',
    key: leavesKey,
    bytes: writtenLeaves.bytes,
    reencode: async (bytes) => (await write(await read(bytes, writtenLeaves.ref), leavesKey)).bytes,
    newIn: 1,
  },
  {
    file: 'deletions.bin',
    key: deletionsKey,
    bytes: deletions,
    reencode: (bytes) =>
      encodeDeletions(digests, deletionsKey, openDeletions(digests, deletionsKey, bytes, 3)),
  },
];

const meanings: Readonly<Record<string, string>> = {
  vectors: '0.5, -1; 1, 2; 3, 4',
  documents: 'one block, deflated: lengths 33, 0, 28 and the texts',
  ids: 'shared 0, 2 bytes "a1"; shared 1, 1 byte "2"; shared 0, 2 bytes "é"',
  seqs: '7, 5 and 9, less seqBase 5',
  codes: 'opaque here',
  rowOfRank: '2, 0, 1',
  rankOfRow: '1, 2, 0',
  documentIndex: 'first row 0, deflated bytes, 73 inflated',
  idIndex: 'block of 11 bytes, separator of 0',
  idFilter: 'seed, segments of 8, 1 of them, zero; fingerprints',
  leafStarts: '0, 2',
  statistics: 'JSON',
  expiries: 'none',
  columns:
    'tags, elements: index of texts, summaries, starts, ordinals, texts; year: first number, summaries, ordinals, numbers',
  columnIndex: '3 entries, complete: "secret" withheld, "tags", "year"; their paths',
};

export const exampleSegment: Uint8Array = written.bytes;
export const segmentParts: readonly Part[] = partsOf(written.bytes);

/** Offsets of sections as the directory says, inside the footer as the grammar does. */
function partsOf(bytes: Uint8Array): Part[] {
  const footer = footerOffset(segmentKey, bytes, 0);
  const place = { key: segmentKey, offset: footer };
  const { sections, pageChecksums } = decodeFooter(digests, place, bytes.subarray(footer));
  const parts: Part[] = [];
  let position = 0;
  const pad = (to: number, what: string): void => {
    if (position < to) parts.push({ offset: position, what });
  };
  for (const { kind, offset, length } of sections) {
    pad(offset, offset % limits.pageBytes === 0 ? 'padding to 16,384' : 'padding to 64');
    parts.push({ offset, what: `${kind}: ${meanings[kind]}` });
    position = offset + length;
  }
  pad(footer, 'padding to 64');
  const body = footer + 64;
  const table = body + 32 + 48 * sections.length;
  const text = table + 4 * pageChecksums.length;
  const end = bytes.length - 16;
  return [
    ...parts,
    { offset: footer, what: 'footer: magic "CAIRNSEG", format 1, pages of 16,384 bytes' },
    { offset: footer + 16, what: 'length of the body' },
    { offset: footer + 24, what: 'key hash' },
    { offset: footer + 40, what: 'zero' },
    {
      offset: body,
      what: `3 rows, ${sections.length} sections, ${pageChecksums.length} pages, bytes of text`,
    },
    { offset: body + 16, what: 'zero' },
    ...sections.map(({ kind }, i) => ({
      offset: body + 32 + 48 * i,
      what: `${kind}: field, part, offset, length, count`,
    })),
    { offset: table, what: 'CRC-32C of each page before the footer' },
    { offset: text, what: 'JSON: uid, fields, numbers' },
    { offset: end - 12, what: 'table of the envelope, CRC-32C of it, "CEND"' },
    { offset: end, what: `footer at ${footer.toLocaleString('en-US')}, "CAIRNSEG"` },
  ];
}
