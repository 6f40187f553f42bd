/**
 * The bytes of a batch, inside a slot or in an object of its own.
 *
 *   batch  := u32 ops, u32 upserts, u32 fields, u32 flags, u32 idBytes, u32 metadataBytes, u64 zero       32 bytes
 *             field*                        fields times; in this release one, named "vector"
 *             u8  kind[ops]                 0 upsert, 1 delete, 2 hide
 *             u32 idEnd[ops]                at a multiple of 4; running ends into ids
 *             u32 metadataEnd[upserts]
 *             f64 expires[upserts]          at a multiple of 8; only with flag 1; ms since 1970, Infinity = never
 *             u8  ids[idBytes]              UTF-8, in operation order
 *             u8  metadata[metadataBytes]   JSON texts in upsert order, empty = none
 *             f32 vectors[upserts x dimension] per field, each at a multiple of 64
 *   field  := u32 dimension, u32 nameBytes, name, zeros to a multiple of 8
 */
import { alignUp, utf8Decode, utf8Encode, utf8Length } from '../base/bytes.js';
import { isDateMs } from '../base/dates.js';
import { corrupt } from '../base/errors.js';
import { limits } from '../base/limits.js';
import type { SpareMemory } from '../base/spare-memory.js';
import { OP_HIDE, OP_UPSERT } from './batch.js';
import type { Batch } from './batch.js';

const FIXED_BYTES = 32;
const FLAG_EXPIRES = 1;
const DEFAULT_FIELD = 'vector';

interface Shape {
  readonly ops: number;
  readonly upserts: number;
  readonly dimension: number;
  readonly expires: boolean;
  readonly idBytes: number;
  readonly metadataBytes: number;
}

interface Sections {
  readonly kinds: number;
  readonly idEnds: number;
  readonly metadataEnds: number;
  readonly expires: number;
  readonly ids: number;
  readonly metadata: number;
  readonly vectors: number;
  readonly end: number;
}

const FIELD_BYTES = alignUp(8 + DEFAULT_FIELD.length, 8);

function sectionsOf(shape: Shape): Sections {
  const kinds = FIXED_BYTES + FIELD_BYTES;
  const idEnds = alignUp(kinds + shape.ops, 4);
  const metadataEnds = idEnds + 4 * shape.ops;
  const expires = alignUp(metadataEnds + 4 * shape.upserts, 8);
  const ids = expires + (shape.expires ? 8 * shape.upserts : 0);
  const metadata = ids + shape.idBytes;
  const vectors = alignUp(metadata + shape.metadataBytes, 64);
  return {
    kinds,
    idEnds,
    metadataEnds,
    expires,
    ids,
    metadata,
    vectors,
    end: vectors + 4 * shape.upserts * shape.dimension,
  };
}

/** At most what a batch of upserts takes besides them: what is fixed, and what aligning adds. */
export const UPSERTS_FRAME_BYTES: number = FIXED_BYTES + FIELD_BYTES + 4 + 8 + 64;

/** What one upsert adds to a batch's bytes where some of its rows expire; 8 less where none does. */
export function upsertBytes(id: string, metadata: string, dimension: number): number {
  return 1 + 4 + 4 + 8 + utf8Length(id) + utf8Length(metadata) + 4 * dimension;
}

function textBytes(texts: readonly string[]): number {
  let bytes = 0;
  for (const text of texts) bytes += utf8Length(text);
  return bytes;
}

/** Encoded in spare memory where there is any that fits. */
export function encodeBatch(batch: Batch, spare?: SpareMemory): Uint8Array<ArrayBuffer> {
  const shape: Shape = {
    ops: batch.ids.length,
    upserts: batch.metadata.length,
    dimension: batch.dimension,
    expires: batch.expiresMs !== undefined,
    idBytes: textBytes(batch.ids),
    metadataBytes: textBytes(batch.metadata),
  };
  const at = sectionsOf(shape);
  const bytes = new Uint8Array(spare?.tryTake(at.end) ?? new ArrayBuffer(at.end), 0, at.end);
  // The vectors fill the rest to the last byte.
  bytes.fill(0, 0, at.vectors);
  const view = new DataView(bytes.buffer);
  const fixed = [
    shape.ops,
    shape.upserts,
    1,
    shape.expires ? FLAG_EXPIRES : 0,
    shape.idBytes,
    shape.metadataBytes,
  ];
  fixed.forEach((value, i) => view.setUint32(4 * i, value, true));
  view.setUint32(FIXED_BYTES, shape.dimension, true);
  view.setUint32(FIXED_BYTES + 4, DEFAULT_FIELD.length, true);
  bytes.set(utf8Encode(DEFAULT_FIELD), FIXED_BYTES + 8);
  bytes.set(batch.kinds, at.kinds);
  const ids = { start: at.ids, length: shape.idBytes };
  writeTexts(bytes, batch.ids, ids, new Uint32Array(bytes.buffer, at.idEnds, shape.ops));
  const metadata = { start: at.metadata, length: shape.metadataBytes };
  writeTexts(bytes, batch.metadata, metadata, new Uint32Array(bytes.buffer, at.metadataEnds, shape.upserts));
  if (batch.expiresMs !== undefined)
    new Float64Array(bytes.buffer, at.expires, shape.upserts).set(batch.expiresMs);
  new Float32Array(bytes.buffer, at.vectors, batch.vectors.length).set(batch.vectors);
  return bytes;
}

function writeTexts(
  bytes: Uint8Array,
  texts: readonly string[],
  place: { readonly start: number; readonly length: number },
  ends: Uint32Array,
): void {
  const encoder = new TextEncoder();
  let characters = 0;
  for (const text of texts) characters += text.length;
  // As many bytes as characters: all of it is ASCII, and one call encodes it. Longer ones would only double the memory.
  if (characters === place.length && characters <= limits.inlineBatchBytes) {
    encoder.encodeInto(texts.join(''), bytes.subarray(place.start));
    let end = 0;
    for (let i = 0; i < texts.length; i++) ends[i] = end += texts[i]!.length;
    return;
  }
  let at = place.start;
  texts.forEach((text, i) => {
    if (text.length > 0) at += encoder.encodeInto(text, bytes.subarray(at)).written;
    ends[i] = at - place.start;
  });
}

/** Where a batch lies, for error messages: the object's key and the batch's offset in it. */
export interface BatchPlace {
  readonly key: string;
  readonly offset: number;
}

/** Throws `corrupt` where the condition does not hold. `offset`: from the start of the batch. */
type Must = (condition: boolean, offset: number, expected: string, found: string | number) => void;

/** Throws `corrupt`. The vectors are a view of `bytes` where that is aligned, else a copy. */
export function decodeBatch(bytes: Uint8Array, dimension: number, place: BatchPlace): Batch {
  const must: Must = (condition, offset, expected, found) => {
    if (!condition)
      throw corrupt({ key: place.key, offset: place.offset + offset, expected, found: String(found) });
  };
  must(bytes.length >= FIXED_BYTES + FIELD_BYTES, 0, 'a batch', `${bytes.length} bytes`);
  // Alignment of the typed views below: an object may arrive at any offset of a larger buffer.
  const own = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  const view = new DataView(own.buffer, own.byteOffset, own.byteLength);
  const u32 = (offset: number): number => view.getUint32(offset, true);
  const shape: Shape = {
    ops: u32(0),
    upserts: u32(4),
    dimension: u32(FIXED_BYTES),
    expires: u32(12) === FLAG_EXPIRES,
    idBytes: u32(16),
    metadataBytes: u32(20),
  };
  must(u32(8) === 1, 8, 'one vector field', u32(8));
  must(u32(12) <= FLAG_EXPIRES, 12, 'flags 0 or 1', u32(12));
  must(shape.dimension === dimension, FIXED_BYTES, `dimension ${dimension}`, shape.dimension);
  checkFieldName(own, u32(FIXED_BYTES + 4), must);
  must(shape.upserts <= shape.ops, 4, `at most ${shape.ops} upserts`, shape.upserts);
  const at = sectionsOf(shape);
  must(at.end === own.length, 0, `${at.end} bytes of batch`, own.length);

  const kinds = own.slice(at.kinds, at.kinds + shape.ops);
  let upserts = 0;
  kinds.forEach((kind, op) => {
    must(kind <= OP_HIDE, at.kinds + op, 'an operation kind of 0 to 2', kind);
    if (kind === OP_UPSERT) upserts++;
  });
  must(upserts === shape.upserts, 4, `${upserts} upserts as the kinds say`, shape.upserts);
  const base = own.byteOffset;
  const idEnds = new Uint32Array(own.buffer, base + at.idEnds, shape.ops);
  const metadataEnds = new Uint32Array(own.buffer, base + at.metadataEnds, shape.upserts);
  const texts = (start: number, length: number, ends: Uint32Array, range: LengthRange): string[] => {
    const bad = firstBadEnd(ends, length, range);
    must(
      bad < 0,
      start,
      `text ends within ${length} bytes, of ${range.least} to ${range.most} each`,
      `another at text ${bad}`,
    );
    try {
      return readTexts(own.subarray(start, start + length), ends);
    } catch {
      throw corrupt({
        key: place.key,
        offset: place.offset + start,
        expected: 'UTF-8',
        found: 'other bytes',
      });
    }
  };
  return {
    kinds,
    ids: texts(at.ids, shape.idBytes, idEnds, { least: 1, most: limits.idBytes }),
    dimension,
    vectors: vectorView(own, at.vectors, shape.upserts * dimension),
    metadata: texts(at.metadata, shape.metadataBytes, metadataEnds, {
      least: 0,
      most: limits.metadataBytes,
    }),
    expiresMs: shape.expires ? readExpiries(own, at.expires, shape.upserts, must) : undefined,
  };
}

function readExpiries(bytes: Uint8Array, offset: number, upserts: number, must: Must): Float64Array {
  const expiresMs = new Float64Array(bytes.buffer, bytes.byteOffset + offset, upserts);
  expiresMs.forEach((ms, upsert) => {
    must(ms === Infinity || isDateMs(ms), offset + 8 * upsert, 'a date, or Infinity for never', ms);
  });
  return expiresMs;
}

function checkFieldName(bytes: Uint8Array, nameBytes: number, must: Must): void {
  const expected = DEFAULT_FIELD.length;
  must(nameBytes === expected, FIXED_BYTES + 4, `a field name of ${expected} bytes`, nameBytes);
  const name = String.fromCharCode(...bytes.subarray(FIXED_BYTES + 8, FIXED_BYTES + 8 + nameBytes));
  must(name === DEFAULT_FIELD, FIXED_BYTES + 8, `field ${DEFAULT_FIELD}`, JSON.stringify(name));
}

function vectorView(bytes: Uint8Array, offset: number, floats: number): Float32Array {
  return new Float32Array(bytes.buffer, bytes.byteOffset + offset, floats);
}

/** Bytes of a text. */
interface LengthRange {
  readonly least: number;
  readonly most: number;
}

/** Index of the first end that goes back, runs over, or makes a text too short or too long; -1 where all is well. */
function firstBadEnd(ends: Uint32Array, length: number, { least, most }: LengthRange): number {
  let last = 0;
  for (let i = 0; i < ends.length; i++) {
    const end = ends[i]!;
    if (end < last + least || end > length || end - last > most) return i;
    last = end;
  }
  return last === length ? -1 : ends.length;
}

function readTexts(bytes: Uint8Array, ends: Uint32Array): string[] {
  const all = utf8Decode(bytes);
  const ascii = all.length === bytes.length;
  let last = 0;
  return Array.from(ends, (end) => {
    const text = ascii ? all.slice(last, end) : utf8Decode(bytes.subarray(last, end));
    last = end;
    return text;
  });
}
