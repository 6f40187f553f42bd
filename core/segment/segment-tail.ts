/**
 * Opens the tail of a segment: one range read, then every check that its bytes allow. What comes out can be trusted as
 * far as lengths, orders and positions go. Large indexes lie apart, and are read when they are needed.
 */
import { bytesToHex, tryHexToBytes, utf8Decode } from '../base/bytes.js';
import { corrupt } from '../base/errors.js';
import { limits } from '../base/limits.js';
import type { Digests } from '../base/ports.js';
import type { ObjectStore, PageChecksums } from '../store/index.js';
import { checksumsOf, mustMatchSums, readApart, readLarge, SegmentPart } from './apart.js';
import type { Kept, SegmentSource } from './apart.js';
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
import type { SegmentLayout } from './section-layout.js';
import type { SegmentRef } from './segment-writer.js';

export interface TailOptions {
  readonly store: ObjectStore;
  readonly digests: Digests;
  readonly ref: SegmentRef;
  /** What the collection's head says of its vectors. */
  readonly expected: { readonly dimension: number; readonly metric: string };
  /** Told of what is read later. */
  readonly kept?: Kept;
  /** A copy of the tail, from wherever: one that is not it is passed over. */
  readonly copy?: Uint8Array | undefined;
}

export interface SegmentTail {
  readonly footer: Footer;
  readonly layout: SegmentLayout;
  readonly checksums: PageChecksums;
  readonly documentIndex: SegmentPart<DocumentIndex>;
  readonly idIndex: SegmentPart<IdIndex>;
  readonly idFilter: SegmentPart<FuseFilter>;
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
  return await readLarge({ store, key, size }, range, use);
}

function openRead(options: TailOptions, tailOffset: number, read: Uint8Array): SegmentTail {
  const { store, digests, ref, expected, kept = () => {} } = options;
  const { key } = ref;
  // Typed views of it need an alignment that an answer of the store may not have.
  const tail = read.byteOffset % 8 === 0 ? read : read.slice();
  const footerBytes = footerOfTail(key, tail, tailOffset);
  const offset = tailOffset + tail.length - footerBytes.length;
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
  const source = { store, digests, key };
  const checksums = checksumsOf(source, footer, layout, kept);
  const pages = { key, first: tailOffset / limits.pageBytes, sums: checksums };
  mustMatchSums(pages, digests.crc32cPages(hot, limits.pageBytes));
  return openIndexes({ source, tail: hot, footer, layout, checksums, kept });
}

/** The footer, of bytes that begin at `tailOffset` and end with the file. Throws `corrupt`. */
export function footerOfTail(key: string, tail: Uint8Array, tailOffset: number): Uint8Array {
  return tail.subarray(footerOffset(key, tail, tailOffset) - tailOffset);
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
  readonly source: SegmentSource;
  readonly tail: Uint8Array;
  readonly footer: Footer;
  readonly layout: SegmentLayout;
  readonly checksums: PageChecksums;
  readonly kept: Kept;
}

function openIndexes(opened: Tail): SegmentTail {
  const { source, tail, footer, layout, checksums } = opened;
  const { key } = source;
  const { body, tail: sections, indexes, tailOffset } = layout;
  const bytesOf = ({ offset, length }: SegmentSection): Uint8Array =>
    tail.subarray(offset - tailOffset, offset - tailOffset + length);
  const wrongIn = (section: SegmentSection): Wrong => wrongAt(key, section.offset);
  const { rows } = footer;
  const { leafStarts, expiries, statistics, columnIndex, leafIndex } = sections;
  const starts = leavesOf(bytesOf(leafStarts), rows, wrongIn(leafStarts));
  const open = {
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
  const idBlocks = Math.ceil(rows / limits.blockRows);
  const counted: readonly (readonly [section: SegmentSection | undefined, count: number | undefined])[] = [
    [indexes.documentIndex, body.documents.count],
    [indexes.idIndex, idBlocks],
    [indexes.idFilter, rows],
    [leafStarts, starts.length],
    [expiries, open.expiries.rows.length],
    [statistics, 1],
    [columnIndex, open.columnIndex?.count],
    [leafIndex, open.leafIndex?.leaves],
    [body.ids, idBlocks],
    [body.columns, open.columnIndex?.columns],
    [body.leaves, starts.length],
  ];
  for (const [section, count] of counted) {
    if (section !== undefined && section.count !== count)
      throw wrongIn(section)(0, `${count} items of ${section.kind}`, `${section.count}`);
  }
  return { footer, layout, checksums, ...open, ...partsOf(opened) };
}

/** What lies in the tail, or apart from it. */
function partsOf({
  source,
  tail,
  footer,
  layout,
  checksums,
  kept,
}: Tail): Pick<SegmentTail, 'documentIndex' | 'idIndex' | 'idFilter'> {
  const { body, indexes, tailOffset } = layout;
  const { rows } = footer;
  const partOf = <T>(
    section: SegmentSection,
    open: (bytes: Uint8Array, wrong: Wrong) => T,
  ): SegmentPart<T> => {
    const { offset, length } = section;
    const wrong = wrongAt(source.key, offset);
    if (offset >= tailOffset)
      return SegmentPart.of(open(tail.subarray(offset - tailOffset, offset - tailOffset + length), wrong));
    return SegmentPart.apart(
      () => readApart(source, section, checksums, (bytes) => open(bytes, wrong)),
      () => kept(length),
    );
  };
  const documents = { rows, blocks: body.documents.count, documentsBytes: body.documents.length };
  const ids = { rows, idsBytes: body.ids.length };
  return {
    documentIndex: partOf(
      indexes.documentIndex,
      (bytes, wrong) => new DocumentIndex(bytes, documents, wrong),
    ),
    idIndex: partOf(indexes.idIndex, (bytes, wrong) => new IdIndex(bytes, ids, wrong)),
    idFilter: partOf(indexes.idFilter, (bytes, wrong) => new FuseFilter(bytes, wrong)),
  };
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
