/**
 * Opens the tail of a segment: one range read, then every check that its bytes allow. What comes out can be trusted as
 * far as lengths, orders and positions go.
 */
import { bytesToHex, concatBytes, tryHexToBytes, utf8Decode } from '../base/bytes.js';
import { corrupt, isCairnError } from '../base/errors.js';
import { limits } from '../base/limits.js';
import type { Digests } from '../base/ports.js';
import { mustMatchPages, readRange } from '../store/index.js';
import type { ByteRange, ObjectStore } from '../store/index.js';
import { ColumnIndex } from './columns/column-index.js';
import { DocumentIndex } from './document-blocks.js';
import { decodeExpiries } from './expiries.js';
import type { Expiries } from './expiries.js';
import { decodeFooter, END_BYTES, footerOffset } from './footer.js';
import type { Footer, SegmentSection } from './footer.js';
import { FuseFilter } from './fuse-filter.js';
import { IdIndex } from './id-blocks.js';
import type { Wrong } from './id-blocks.js';
import { LeafIndex } from './leaves/leaf-index.js';
import { layOut } from './section-layout.js';
import type { SegmentLayout, TailKind } from './section-layout.js';
import type { SegmentRef } from './segment-writer.js';

const PIECE_BYTES = 1_048_576;
const PIECES_MOST = 4;

export interface TailOptions {
  readonly store: ObjectStore;
  readonly digests: Digests;
  readonly ref: SegmentRef;
  /** What the collection's head says of its vectors. */
  readonly expected: { readonly dimension: number; readonly metric: string };
  /** A copy of the tail, from wherever: one that is not it is passed over. */
  readonly copy?: Uint8Array | undefined;
}

export interface SegmentTail {
  readonly footer: Footer;
  readonly layout: SegmentLayout;
  readonly documentIndex: DocumentIndex;
  readonly idIndex: IdIndex;
  /** Undefined where it lies apart from the tail: `readIdFilter`. */
  readonly idFilter: FuseFilter | undefined;
  readonly leafStarts: Uint32Array;
  readonly expiries: Expiries;
  readonly curve: unknown;
  /** Undefined in segments that were made before there were columns. */
  readonly columnIndex: ColumnIndex | undefined;
  /** Undefined where there are no leaves to probe. */
  readonly leafIndex: LeafIndex | undefined;
}

/** Throws `corrupt`, or `unavailable` (`object_gone`). Cost: one request, none where the copy is sound; of a large tail some more beside each other. */
export async function openTail(options: TailOptions): Promise<SegmentTail> {
  const { store, ref, copy } = options;
  const { key, bytes: size, tailBytes } = ref;
  const tailOffset = size - tailBytes;
  mustBeRef(ref, tailOffset);
  const range = { offset: tailOffset, length: tailBytes };
  const use = (read: Uint8Array): SegmentTail => openRead(options, tailOffset, read);
  if (copy?.length === tailBytes) {
    try {
      return use(copy);
    } catch {
      // What is wrong is wrong with the copy, or the segment itself tells.
    }
  }
  const pieces = piecesOf(range);
  if (pieces.length > 1) {
    const read = pieces.map((piece) => readRange({ store, key, size, range: piece }, (bytes) => bytes));
    try {
      return use(concatBytes(await Promise.all(read)));
    } catch (error) {
      // What a cache has kept of it may be damaged, in whichever piece: then the whole is read, and held against the bucket's.
      if (!isCairnError(error) || error.kind !== 'corrupt') throw error;
    }
  }
  return await readRange({ store, key, size, range }, use);
}

/** Alike, and as many as it takes that no connection is waited for much longer than for the answer to begin, up to a few. */
function piecesOf({ offset, length }: ByteRange): readonly ByteRange[] {
  const count = Math.min(PIECES_MOST, Math.ceil(length / PIECE_BYTES));
  const pieceBytes = Math.ceil(length / count);
  return Array.from({ length: count }, (_, i) => ({
    offset: offset + i * pieceBytes,
    length: Math.min(pieceBytes, length - i * pieceBytes),
  }));
}

function openRead(
  { digests, ref, expected }: TailOptions,
  tailOffset: number,
  read: Uint8Array,
): SegmentTail {
  const { key } = ref;
  // Typed views of it need an alignment that an answer of the store may not have.
  const tail = read.byteOffset % 8 === 0 ? read : read.slice();
  const offset = footerOffset(key, tail, tailOffset);
  const footerBytes = tail.subarray(offset - tailOffset);
  const sha = bytesToHex(digests.sha256(footerBytes));
  if (sha !== ref.footerSha256)
    throw corrupt({ key, offset, expected: `the footer ${ref.footerSha256}`, found: sha });
  const footer = decodeFooter(digests, { key, offset }, footerBytes);
  const field = footer.text.fields[0]!;
  const facts: (readonly [string, string | number, string | number])[] = [
    ['rows', ref.rows, footer.rows],
    ['dimension', expected.dimension, field.dimension],
    ['metric', expected.metric, field.metric],
  ];
  for (const [what, wanted, found] of facts) {
    if (wanted !== found) throw corrupt({ key, offset, expected: `${what} ${wanted}`, found: `${found}` });
  }
  const { seqBase } = footer.text.numbers as { readonly seqBase?: number };
  if (!isSeqBase(seqBase))
    throw corrupt({ key, offset, expected: 'a sequence seqBase', found: `${seqBase}` });
  const layout = layOut(footer, { key, footerOffset: offset, tailOffset });
  const hot = tail.subarray(0, offset - tailOffset);
  const table = { key, expected: footer.pageChecksums, first: tailOffset / limits.pageBytes };
  mustMatchPages(table, digests.crc32cPages(hot, limits.pageBytes));
  return openIndexes({ key, tail: hot, footer, layout });
}

function mustBeRef({ key, bytes, tailBytes, footerSha256 }: SegmentRef, tailOffset: number): void {
  const whole = Number.isSafeInteger(bytes) && Number.isSafeInteger(tailBytes);
  const fits = tailOffset >= 0 && tailBytes > END_BYTES && tailBytes <= limits.segmentTailBytes;
  if (!whole || !fits || tailOffset % limits.pageBytes !== 0) {
    const found = `${tailBytes} bytes of ${bytes}`;
    throw corrupt({ key, offset: 0, expected: 'a head that says where the tail is', found });
  }
  if (tryHexToBytes(footerSha256)?.length !== 32)
    throw corrupt({ key, offset: 0, expected: 'a head with the SHA-256 of the footer', found: footerSha256 });
}

interface Tail {
  readonly key: string;
  readonly tail: Uint8Array;
  readonly footer: Footer;
  readonly layout: SegmentLayout;
}

function openIndexes({ key, tail, footer, layout }: Tail): SegmentTail {
  const { body, tail: sections, tailOffset } = layout;
  const bytesOf = ({ offset, length }: SegmentSection): Uint8Array =>
    tail.subarray(offset - tailOffset, offset - tailOffset + length);
  const wrongIn = (section: SegmentSection): Wrong => wrongAt(key, section.offset);
  const mustCount = (section: SegmentSection, count: number): void => {
    if (section.count !== count)
      throw wrongIn(section)(0, `${count} items of ${section.kind}`, `${section.count}`);
  };
  const { rows } = footer;
  const { documentIndex, idIndex, leafStarts, expiries, statistics, columnIndex, leafIndex } = sections;
  const { idFilter, filterApart } = layout;
  const starts = leavesOf(bytesOf(leafStarts), rows, wrongIn(leafStarts));
  const open = {
    documentIndex: new DocumentIndex(
      bytesOf(documentIndex),
      { rows, blocks: documentIndex.count, documentsBytes: body.documents.length },
      wrongIn(documentIndex),
    ),
    idIndex: new IdIndex(bytesOf(idIndex), { rows, idsBytes: body.ids.length }, wrongIn(idIndex)),
    idFilter: filterApart ? undefined : new FuseFilter(bytesOf(idFilter), wrongIn(idFilter)),
    leafStarts: starts,
    expiries: decodeExpiries(bytesOf(expiries), rows, wrongIn(expiries)),
    curve: jsonOf(bytesOf(statistics), wrongIn(statistics)),
    columnIndex:
      columnIndex === undefined
        ? undefined
        : new ColumnIndex(
            bytesOf(columnIndex),
            { rows, leaves: starts.length, columns: body.columns! },
            wrongIn(columnIndex),
          ),
    leafIndex:
      leafIndex === undefined
        ? undefined
        : new LeafIndex(
            bytesOf(leafIndex),
            {
              ...{ rows, leafStarts: starts, blocksBytes: body.leaves!.length },
              dimension: footer.text.fields[0]!.dimension,
            },
            wrongIn(leafIndex),
          ),
  };
  const counts: Readonly<Record<TailKind, number>> = {
    documentIndex: body.documents.count,
    idIndex: open.idIndex.blocks,
    idFilter: rows,
    leafStarts: starts.length,
    expiries: open.expiries.rows.length,
    statistics: 1,
    columnIndex: open.columnIndex?.count ?? 0,
    leafIndex: open.leafIndex?.leaves ?? 0,
  };
  for (const section of [idFilter, ...Object.values(sections)])
    mustCount(section, counts[section.kind as TailKind]);
  mustCount(body.ids, open.idIndex.blocks);
  if (body.columns !== undefined) mustCount(body.columns, open.columnIndex!.columns);
  if (body.leaves !== undefined) mustCount(body.leaves, starts.length);
  return { footer, layout, ...open };
}

export interface FilterSource {
  readonly store: ObjectStore;
  readonly digests: Digests;
  readonly key: string;
  readonly tail: SegmentTail;
}

/** The filter of ids that lies apart from the tail. Throws `corrupt`, or `unavailable` (`object_gone`). Cost: one request. */
export async function readIdFilter({ store, digests, key, tail }: FilterSource): Promise<FuseFilter> {
  const { footer, layout } = tail;
  const { offset, length } = layout.idFilter;
  const range = { offset, length: layout.tailOffset - offset };
  return await readRange({ store, key, range }, (read) => {
    const table = { key, expected: footer.pageChecksums, first: offset / limits.pageBytes };
    mustMatchPages(table, digests.crc32cPages(read, limits.pageBytes));
    const bytes = read.byteOffset % 4 === 0 ? read : read.slice();
    return new FuseFilter(bytes.subarray(0, length), wrongAt(key, offset));
  });
}

/** Every row adds up to 2^32 - 1 to it. */
function isSeqBase(value: number | undefined): boolean {
  return Number.isSafeInteger(value) && value! >= 0 && Number.isSafeInteger(value! + 0xffff_ffff);
}

/** Makes errors of offsets that count from `base` of object `key`. */
export function wrongAt(key: string, base: number): Wrong {
  return (offset, expected, found) => corrupt({ key, offset: base + offset, expected, found });
}

function leavesOf(bytes: Uint8Array, rows: number, wrong: Wrong): Uint32Array {
  if (bytes.length % 4 !== 0) throw wrong(0, 'leaf starts of 4 bytes', `${bytes.length} bytes`);
  const leaves = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  for (let leaf = 0; leaf < leaves.length; leaf++) {
    const start = leaves[leaf]!;
    const fits = leaf === 0 ? start === 0 : start > leaves[leaf - 1]! && start < rows;
    if (!fits) throw wrong(4 * leaf, `the start of a leaf of ${rows} rows`, `${start}`);
  }
  return leaves;
}

function jsonOf(bytes: Uint8Array, wrong: Wrong): unknown {
  if (bytes.length > limits.segmentStatisticsBytes)
    throw wrong(0, `at most ${limits.segmentStatisticsBytes} bytes of statistics`, `${bytes.length}`);
  try {
    return JSON.parse(utf8Decode(bytes));
  } catch {
    throw wrong(0, 'statistics in JSON', 'something else');
  }
}
