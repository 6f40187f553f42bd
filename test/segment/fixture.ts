/** What the segment tests share: rows made from a seed, a store to put them in, and the way in and out. */
import type { Digests } from '../../core/base/ports.js';
import { compileEmbeddedKernel, createDigests, Kernel } from '../../core/kernel/index.js';
import type { RowMasks } from '../../core/kernel/index.js';
import { portableDeflate, rowMaps, SegmentReader, SegmentWriter } from '../../core/segment/index.js';
import type { ResidentSection, SegmentRef } from '../../core/segment/index.js';
import { leafDimension, scannedBytes } from '../../core/segment/leaves/leaf-blocks.js';
import type { LeafContent } from '../../core/segment/leaves/leaf-blocks.js';
import { recordBytes } from '../../core/segment/leaves/leaf-index.js';
import type { CodedCentroids } from '../../core/segment/leaves/leaf-index.js';
import { memoryStore, PageCache } from '../../core/store/index.js';
import type { ObjectStore } from '../../core/store/index.js';

const kernel = new Kernel(await compileEmbeddedKernel(), { memoryBudgetBytes: 1024 * 1024 });
export const digests: Digests = createDigests(kernel);
export const masks: RowMasks = kernel.masks;

export const UID = '10'.repeat(16);
export const KEY = `c/${UID}/seg/one.seg`;

/** The rows of a segment, in row order. */
export interface Rows {
  readonly dimension: number;
  readonly ids: readonly string[];
  readonly documents: readonly string[];
  readonly vectors: Float32Array;
  readonly seqs: readonly number[];
}

export function newStore(): ObjectStore {
  return memoryStore({ clock: { wallMs: () => 1_000 } });
}

/** Rows whose every number follows from their place. */
export function plainRows(count: number, dimension = 3): Rows {
  return rowsOf(
    Array.from({ length: count }, (_, row) => `id-${(row * 7_919) % 1_000_003}`),
    {
      dimension,
      document: (row) => (row % 5 === 0 ? '' : `{"row":${row},"text":"${'t'.repeat(row % 90)}"}`),
    },
  );
}

export function rowsOf(
  ids: readonly string[],
  { dimension = 3, document = () => '' }: { dimension?: number; document?: (row: number) => string } = {},
): Rows {
  return {
    dimension,
    ids,
    documents: ids.map((_, row) => document(row)),
    vectors: Float32Array.from({ length: ids.length * dimension }, (_, i) => (i % 1_013) / 8 - 50),
    seqs: ids.map((_, row) => 1_000 + ((row * 31) % 500)),
  };
}

export interface WriteOptions {
  readonly key?: string;
  readonly residents?: readonly ResidentSection[];
  readonly leafStarts?: Uint32Array;
  /** Rows of each call of the writer. */
  readonly step?: number;
  readonly unfilterable?: readonly string[];
  readonly columnBytesMax?: number;
  /** With leaves that can be probed; what their codes are is of no matter here. */
  readonly leaves?: boolean | readonly LeafContent[];
  readonly indexInTailBytes?: number;
  readonly curve?: unknown;
}

/** Numbers whose every byte is another. */
function someFloats(count: number, from: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(from + i));
}

export function centroidsOf(leaves: number, dimension: number): CodedCentroids {
  const bits = 2;
  return {
    ...{ bits, factor: 0.5 },
    mean: someFloats(leafDimension(dimension), 1),
    records: new Uint8Array(someFloats((leaves * recordBytes(bits, dimension)) / 4, 2).buffer),
  };
}

/** Each with the first row of the next leaf as a guest, the last with that of the first. */
export function leavesOf({ ids, dimension }: Rows, leafStarts: Uint32Array): LeafContent[] {
  const { rankOfRow } = rowMaps(ids);
  return Array.from(leafStarts, (first, leaf) => {
    const end = leafStarts[leaf + 1] ?? ids.length;
    const guests = leafStarts.length === 1 ? new Uint32Array(0) : Uint32Array.of(leafStarts[leaf + 1] ?? 0);
    const size = { rows: end - first, guests: guests.length };
    const scanned = new Uint8Array(someFloats(scannedBytes(size, dimension) / 4, leaf).buffer);
    const rows = [...Array.from({ length: end - first }, (_, i) => first + i), ...guests];
    return {
      ...{ scanned, guests },
      ranks: Uint32Array.from(rows, (row) => rankOfRow[row]!),
      ids: rows.map((row) => ids[row]!),
    };
  });
}

export async function writeSegment(
  store: ObjectStore,
  rows: Rows,
  {
    key = KEY,
    residents = [],
    leafStarts = Uint32Array.of(0),
    step = 1_000,
    unfilterable = [],
    columnBytesMax = 16_777_216,
    leaves = false,
    indexInTailBytes,
    curve = { recall: [1] },
  }: WriteOptions = {},
): Promise<SegmentRef> {
  const { dimension, ids, documents, vectors, seqs } = rows;
  const count = ids.length;
  const options = {
    store,
    digests,
    deflate: portableDeflate,
    key,
    uid: UID,
    dimension,
    metric: 'cosine',
    rows: count,
    seqBase: 1_000,
    unfilterable,
    columnBytesMax,
    ...(indexInTailBytes === undefined ? {} : { indexInTailBytes }),
  };
  const writer = await SegmentWriter.create(options);
  const maps = rowMaps(ids);
  const inSteps = async (write: (from: number, to: number) => Promise<void>): Promise<void> => {
    for (let from = 0; from < count; from += step) await write(from, Math.min(count, from + step));
  };
  await inSteps((from, to) => writer.writeRaw(vectors.subarray(from * dimension, to * dimension)));
  await inSteps((from, to) => writer.writeDocuments(documents.slice(from, to)));
  await inSteps((from, to) => writer.writeIds(maps.sortedIds.slice(from, to)));
  await inSteps((from, to) => writer.writeSeqs(seqs.slice(from, to)));
  await writer.writeColumns(leafStarts);
  const written = leaves === true ? leavesOf(rows, leafStarts) : leaves;
  if (written !== false) await writer.writeLeaves(centroidsOf(leafStarts.length, dimension), written);
  await writer.writeResident([
    ...residents,
    { kind: 'rowOfRank', bytes: new Uint8Array(maps.rowOfRank.buffer), count },
    { kind: 'rankOfRow', bytes: new Uint8Array(maps.rankOfRow.buffer), count },
  ]);
  return writer.finish({ numbers: { half: 0.5 }, curve });
}

export interface OpenOptions {
  readonly cache?: PageCache;
  readonly dimension?: number;
}

export function newCache(budgetBytes = 64 * 1024 * 1024): PageCache {
  return new PageCache({ budgetBytes });
}

export function openSegment(
  store: ObjectStore,
  ref: SegmentRef,
  { cache = newCache(), dimension = 3 }: OpenOptions = {},
): Promise<SegmentReader> {
  return SegmentReader.open({
    store,
    digests,
    deflate: portableDeflate,
    cache,
    masks,
    ref,
    expected: { dimension, metric: 'cosine' },
  });
}

/** Everything that a reader can say of its rows, in row order. */
export async function readEverything(reader: SegmentReader): Promise<Rows> {
  const { rows, dimension } = reader;
  const all = Array.from({ length: rows }, (_, row) => row);
  const load = reader.residentLoad(new Uint8Array(reader.residentBytes));
  await load.fetchMissing();
  const rankOfRow = await residentWords(reader, 'rankOfRow');
  return {
    dimension,
    ids: await reader.idsOfRanks(rankOfRow),
    documents: await reader.documents(all),
    vectors: await reader.vectors(all),
    seqs: await reader.seqs(all),
  };
}

export async function residentWords(reader: SegmentReader, kind: string): Promise<Uint32Array> {
  const target = new Uint8Array(reader.residentBytes);
  await reader.residentLoad(target).fetchMissing();
  const section = reader.residentSections.find((one) => one.kind === kind);
  if (section === undefined) throw new Error(`no section ${kind}`);
  return new Uint32Array(target.buffer, section.offset, section.length / 4);
}
