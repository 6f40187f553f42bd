/**
 * The segment file and its footer. A segment is made once, under a name of its own, and never changes.
 *
 *   segment   := vectors documents ids seqs columns leaves  each section at the next multiple of 64, zeros between; leaves
 *                                                           at a multiple of the page, 16,384
 *                resident*                                   the first at a multiple of the page
 *                documentIndex? idIndex? idFilter? pageChecksums?
 *                                                            what lies apart, each at a multiple of the page
 *                documentIndex idIndex idFilter leafStarts expiries statistics columnIndex leafIndex
 *                                                            but for those; the first at a multiple of the page
 *                footer                                      at the next multiple of 64
 *   footer    := envelope of kind SEG around its body (core/base/sealed-object.ts), with the hash of the segment's key
 *                u64 footerOffset, magic[8] "CAIRNSEG"       the last 16 bytes of the file
 *   body      := u32 rows, u32 sections, u32 pages, u32 textBytes, zero[16]                               32 bytes
 *                section[sections]                           in file order
 *                u32 crc32c[pages]                           of each page of everything before the footer; the last short.
 *                                                            Where pageChecksums are there, of those of leaves, and of those
 *                                                            from the first section on that lies apart
 *                text[textBytes]                             JSON {uid, fields: [{name, dimension, metric}], numbers: {}}
 *   section   := kind[16]                                    ASCII, zeros to 16
 *                u32 field                                   0: of the segment; n: of the n-th field
 *                u32 part
 *                u64 offset, u64 length, u64 count                                                        48 bytes
 *
 *   vectors   := f32[rows x dimension]                       in row order, as they were given
 *   seqs      := u32[rows]                                   sequence of the row's upsert less the number `seqBase`
 *   resident  := opaque here; rowOfRank and rankOfRow are u32[rows]
 *   leafStarts:= u32[leaves]                                 first row of each leaf, ascending from 0
 *   statistics:= JSON text
 *   pageChecksums := u32 crc32c[pages]                       of each page before the first section that lies apart
 *
 * documents, ids and their indexes: document-blocks.ts, id-blocks.ts; idFilter: fuse-filter.ts; columns and columnIndex:
 * columns/column-index.ts; neither is in segments that were made before there were columns. leaves and leafIndex: leaves/.
 * The head holds the length of the file, the length of the tail, which begins behind what lies apart (one range read), and the
 * SHA-256 of the footer.
 */
import { utf8Decode, utf8Encode } from '../base/bytes.js';
import { assertInternal, corrupt } from '../base/errors.js';
import { limits } from '../base/limits.js';
import type { Digests } from '../base/ports.js';
import { newObject, openSealed, seal } from '../base/sealed-object.js';
import { mustBeFooterText } from './footer-text.js';
import type { FooterText } from './footer-text.js';

/** A part of the file, as its directory lists it. */
export interface SegmentSection {
  readonly kind: string;
  /** 0: of the segment; n: of its n-th vector field. */
  readonly field: number;
  readonly part: number;
  readonly offset: number;
  readonly length: number;
  readonly count: number;
}

export interface Footer {
  readonly rows: number;
  readonly sections: readonly SegmentSection[];
  /** Of all pages, or of those that `pageChecksums` does not hold. */
  readonly pageChecksums: Uint32Array;
  readonly text: FooterText;
}

/** Where the footer lies in its object. */
export interface FooterPlace {
  readonly key: string;
  readonly offset: number;
}

const HEADER_BYTES = 32;
const SECTION_BYTES = 48;
const KIND_BYTES = 16;
const KIND = /^[A-Za-z][A-Za-z0-9]{0,15}$/;
export const END_BYTES = 16;
const END_MAGIC: Uint8Array = utf8Encode('CAIRNSEG');
/** Of the envelope: see core/base/sealed-object.ts. */
const ENVELOPE_HEADER_BYTES = 64;

export function encodeFooter(digests: Digests, place: FooterPlace, footer: Footer): Uint8Array<ArrayBuffer> {
  const { sections, pageChecksums } = footer;
  const text = utf8Encode(JSON.stringify(footer.text));
  assertInternal(text.length <= limits.segmentTextBytes, `${text.length} bytes of footer text`);
  const table = HEADER_BYTES + SECTION_BYTES * sections.length;
  const object = newObject(table + 4 * pageChecksums.length + text.length);
  const { body } = object;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  [footer.rows, sections.length, pageChecksums.length, text.length].forEach((value, i) =>
    view.setUint32(4 * i, value, true),
  );
  sections.forEach((section, i) => {
    const at = HEADER_BYTES + SECTION_BYTES * i;
    assertInternal(KIND.test(section.kind), `section kind ${section.kind}`);
    body.set(utf8Encode(section.kind), at);
    view.setUint32(at + KIND_BYTES, section.field, true);
    view.setUint32(at + KIND_BYTES + 4, section.part, true);
    view.setBigUint64(at + KIND_BYTES + 8, BigInt(section.offset), true);
    view.setBigUint64(at + KIND_BYTES + 16, BigInt(section.length), true);
    view.setBigUint64(at + KIND_BYTES + 24, BigInt(section.count), true);
  });
  pageChecksums.forEach((sum, page) => view.setUint32(table + 4 * page, sum, true));
  body.set(text, table + 4 * pageChecksums.length);
  const sealed = seal(digests, { kind: 'SEG', key: place.key }, object);
  const bytes = new Uint8Array(sealed.length + END_BYTES);
  bytes.set(sealed);
  new DataView(bytes.buffer).setBigUint64(sealed.length, BigInt(place.offset), true);
  bytes.set(END_MAGIC, sealed.length + 8);
  return bytes;
}

/** Where the footer begins, from the last bytes of the file. Throws `corrupt`. */
export function footerOffset(key: string, tail: Uint8Array, tailOffset: number): number {
  const at = tail.length - END_BYTES;
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  const magic = tail.subarray(at + 8);
  if (END_MAGIC.some((byte, i) => magic[i] !== byte)) {
    throw corrupt({ key, offset: tailOffset + at + 8, expected: 'the end mark', found: 'other bytes' });
  }
  const offset = view.getBigUint64(at, true);
  const end = tailOffset + at;
  if (offset < BigInt(tailOffset) || offset > BigInt(end) || offset % 64n !== 0n) {
    const expected = `a footer between ${tailOffset} and ${end}`;
    throw corrupt({ key, offset: end, expected, found: `one at ${offset}` });
  }
  return Number(offset);
}

/**
 * Reads `bytes`, from the footer's first to the last of the file. Checks its own form and key; what the sections mean
 * is for section-layout.ts. Throws `corrupt`.
 */
export function decodeFooter(digests: Digests, place: FooterPlace, bytes: Uint8Array): Footer {
  const { key, offset } = place;
  const identity = { kind: 'SEG', key, at: offset } as const;
  const sealed = openSealed(digests, identity, bytes.subarray(0, bytes.length - END_BYTES));
  const must = (condition: boolean, at: number, expected: string, found: number | string): void => {
    if (condition) return;
    throw corrupt({ key, offset: offset + ENVELOPE_HEADER_BYTES + at, expected, found: String(found) });
  };
  must(sealed.length >= HEADER_BYTES, 0, 'a footer', `${sealed.length} bytes`);
  // Typed views of it need an alignment that an answer of the store may not have.
  const body = sealed.byteOffset % 8 === 0 ? sealed : sealed.slice();
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const [rows, count, pages, textBytes] = [0, 4, 8, 12].map((at) => view.getUint32(at, true)) as [
    number,
    number,
    number,
    number,
  ];
  must(rows >= 1 && rows <= limits.segmentRows, 0, `1 to ${limits.segmentRows} rows`, rows);
  must(count <= limits.segmentSections, 4, `at most ${limits.segmentSections} sections`, count);
  must(
    textBytes <= limits.segmentTextBytes,
    12,
    `at most ${limits.segmentTextBytes} bytes of text`,
    textBytes,
  );
  const table = HEADER_BYTES + SECTION_BYTES * count;
  const text = table + 4 * pages;
  must(text + textBytes === body.length, 4, `${text + textBytes} bytes of footer`, body.length);
  const sections = Array.from({ length: count }, (_, i) => {
    const at = HEADER_BYTES + SECTION_BYTES * i;
    const kind = kindOf(body.subarray(at, at + KIND_BYTES));
    must(kind !== undefined, at, 'the name of a section', 'other bytes');
    const [start, length, items] = [8, 16, 24].map((part) => {
      const value = Number(view.getBigUint64(at + KIND_BYTES + part, true));
      must(Number.isSafeInteger(value), at + KIND_BYTES + part, 'a number below 2^53', value);
      return value;
    }) as [number, number, number];
    const field = view.getUint32(at + KIND_BYTES, true);
    const part = view.getUint32(at + KIND_BYTES + 4, true);
    return { kind: kind!, field, part, offset: start, length, count: items };
  });
  return {
    rows,
    sections,
    pageChecksums: new Uint32Array(body.buffer, body.byteOffset + table, pages),
    text: parseText(key, offset + ENVELOPE_HEADER_BYTES + text, body.subarray(text)),
  };
}

function kindOf(bytes: Uint8Array): string | undefined {
  const end = bytes.indexOf(0);
  const used = end < 0 ? bytes.length : end;
  const kind = String.fromCharCode(...bytes.subarray(0, used));
  return KIND.test(kind) && bytes.subarray(used).every((byte) => byte === 0) ? kind : undefined;
}

function parseText(key: string, offset: number, bytes: Uint8Array): FooterText {
  try {
    return mustBeFooterText(JSON.parse(utf8Decode(bytes)));
  } catch {
    throw corrupt({ key, offset, expected: 'JSON with uid, fields and numbers', found: 'something else' });
  }
}
