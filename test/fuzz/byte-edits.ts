/**
 * Bytes that were sound, and are no more: a bit, a number that stands where another stood, a piece that stands where
 * another does, an end too early or too late. Which bytes are looked at is the caller's to say: most of an object is
 * often what nobody's decoding depends on.
 */
import type { Chance } from '../log/virtual-time.js';

/** A part of some bytes. */
export interface Span {
  readonly offset: number;
  readonly length: number;
}

const EDITS_MOST = 4;
/** Headers and tables stand at the beginning of what they head. */
const HEAD_BYTES = 64;
const words = [
  0, 1, 2, 3, 63, 64, 65, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
];
const doubles = [
  ...[Number.NaN, Infinity, -Infinity, -0, -1, 0.5, 1e300, -1e300],
  ...[2 ** 53, 2 ** 63, 8.64e15, 8.640_000_000_000_001e15, Number.MIN_VALUE],
];

/** A copy with one to four edits within the spans, of the same length. */
export function edited(chance: Chance, bytes: Uint8Array, spans: readonly Span[]): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes);
  const used = spans.filter(({ length }) => length > 0);
  if (used.length === 0) return copy;
  for (let edits = 1 + chance.below(EDITS_MOST); edits > 0; edits--) edit(chance, copy, chance.pick(used));
  return copy;
}

function edit(chance: Chance, bytes: Uint8Array, span: Span): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = placeIn(chance, span);
  switch (chance.below(8)) {
    case 0:
      bytes[at]! ^= 1 << chance.below(8);
      break;
    case 1:
      bytes[at] = chance.pick(words);
      break;
    case 2:
      bytes[at]! += chance.pick([1, -1, 2, -2]);
      break;
    case 3:
      editWord(chance, view, alignedDown(at, 4, span));
      break;
    case 4:
      editDouble(chance, view, alignedDown(at, 8, span));
      break;
    case 5:
      if (at + 8 <= bytes.length)
        view.setBigUint64(at, BigInt(chance.pick(words)) << BigInt(chance.below(33)), true);
      break;
    case 6:
      copyWithin(chance, bytes, { span, at });
      break;
    default:
      bytes[at] = chance.below(256);
  }
}

function placeIn(chance: Chance, { offset, length }: Span): number {
  return offset + chance.below(chance.happens(0.5) ? Math.min(HEAD_BYTES, length) : length);
}

/** Numbers stand at multiples of their width from the beginning of their part. */
function alignedDown(at: number, width: number, { offset }: Span): number {
  return at - ((at - offset) % width);
}

function editWord(chance: Chance, view: DataView, at: number): void {
  if (at + 4 > view.byteLength) return;
  const value = view.getUint32(at, true);
  const next = chance.happens(0.5) ? chance.pick(words) : value + chance.pick([1, -1, 4, -4, 64, value]);
  view.setUint32(at, next >>> 0, true);
}

function editDouble(chance: Chance, view: DataView, at: number): void {
  if (at + 8 <= view.byteLength) view.setFloat64(at, chance.pick(doubles), true);
}

function copyWithin(chance: Chance, bytes: Uint8Array, { span, at }: { span: Span; at: number }): void {
  const from = placeIn(chance, span);
  const length = Math.min(1 + chance.below(16), bytes.length - from, bytes.length - at);
  bytes.copyWithin(at, from, from + length);
}

/** Cut, lengthened, with a piece too many or too few. */
function resized(chance: Chance, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const at = chance.below(bytes.length + 1);
  const piece = 1 + chance.below(16);
  switch (chance.below(4)) {
    case 0:
      return bytes.slice(0, at);
    case 1:
      return spliced(bytes, { at: bytes.length, insert: chance.fill(new Uint8Array(piece)), remove: 0 });
    case 2:
      return spliced(bytes, { at, insert: bytes.subarray(at, at + piece), remove: 0 });
    default:
      return spliced(bytes, { at, insert: new Uint8Array(0), remove: piece });
  }
}

function spliced(
  bytes: Uint8Array,
  { at, insert, remove }: { at: number; insert: Uint8Array; remove: number },
): Uint8Array<ArrayBuffer> {
  const rest = bytes.subarray(Math.min(bytes.length, at + remove));
  const out = new Uint8Array(at + insert.length + rest.length);
  out.set(bytes.subarray(0, at));
  out.set(insert, at);
  out.set(rest, at + insert.length);
  return out;
}

/** Edited for the most part, resized now and then, and both at times. */
export function damaged(
  chance: Chance,
  bytes: Uint8Array,
  spans: readonly Span[] = [{ offset: 0, length: bytes.length }],
): Uint8Array<ArrayBuffer> {
  const same = chance.happens(0.1) ? new Uint8Array(bytes) : edited(chance, bytes, spans);
  return chance.happens(0.15) ? resized(chance, same) : same;
}
