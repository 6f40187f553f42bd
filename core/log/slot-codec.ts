/**
 * The bytes of a slot, the body of a SLT object (`base/sealed-object.ts`).
 *
 *   slot    := header entry[batches] pad64 content*
 *   header  := u64 seq, f64 label, u32 batches, u32 zero, uid[16], nonce[16], prevChain[32], payload[32], zero[8]    128 bytes
 *   entry   := keyHash[16], requestHash[32], contentSha[32],
 *              u32 upserted, patched, missing, deleted, restored, more,
 *              u64 resolvedAt, u32 flags, u32 zero, u64 offset, u64 length, uuid[16], u64 after                      160 bytes
 *   flags   := 1 resolvedAt counts, 2 the content is in the object batch/{rev(after)}-{uuid}, 4 carried: it was in
 *              inbox/{rev(after)}-{uuid}, and the f64 in the place of resolvedAt is the label of that; no other flag with it;
 *              8 the content is a restore (`restore-target.ts`), with flag 1 alone, and resolvedAt the tail before its head was asked
 *   content := a batch (`batch-codec.ts`) at the next multiple of 64 from the start of the body, in the order of entries
 *   payload := SHA-256 of all entries; each holds the SHA-256 of its content, so this covers every byte
 *   chain   := SHA-256(prevChain, header, payload)
 *
 * What waits in the inbox has the same body, in an INB object: seq and label are `after` and the label of the batches.
 *
 * The payload hash is taken over the entries rather than over the contents so that a large batch is hashed once.
 */
import { alignUp, bytesToHex, concatBytes, tryHexToBytes } from '../base/bytes.js';
import { assertInternal, corrupt, overLimit } from '../base/errors.js';
import { sequence, uuidOfHex } from '../base/ids.js';
import type { Sequence, Uid } from '../base/ids.js';
import { limits } from '../base/limits.js';
import type { Digests } from '../base/ports.js';
import { newObject, openSealed, seal } from '../base/sealed-object.js';
import type { SpareMemory } from '../base/spare-memory.js';
import { readCounts, writeCounts } from './counts-codec.js';
import type { ResultCounts } from './batch.js';
import { slotKey } from './layout.js';
import { tryDecodeRestore } from './restore-target.js';
import type { RestoreTarget } from './restore-target.js';

const HEADER_BYTES = 128;
const ENTRY_BYTES = 160;
const FLAG_RESOLVED = 1;
const FLAG_REFERENCED = 2;
const FLAG_CARRIED = 4;
const FLAG_RESTORE = 8;

/** The chain of the empty log. */
export const CHAIN_START: string = '0'.repeat(64);

/** The name of the object that holds a batch. */
export interface PlacedContent {
  readonly after: Sequence;
  readonly uuid: string;
  readonly bytes: number;
}

/** A batch's bytes inside the slot, or in an object of their own. */
export type BatchContent = { readonly inline: Uint8Array } | PlacedContent;

/** Where a batch waited that lost a race and was carried by another writer. */
export interface Carried {
  readonly after: Sequence;
  readonly uuid: string;
  readonly label: number;
}

export interface SlotBatch {
  /** First 16 bytes of SHA-256 of the idempotency key, in hex. */
  readonly keyHash: string;
  /** SHA-256 of the request, in hex. */
  readonly requestHash: string;
  /** SHA-256 of the content, in hex. */
  readonly contentSha: string;
  readonly counts: ResultCounts;
  /** The sequence whose state the batch was computed from: it takes effect only in the next slot; a restore in the next 256. */
  readonly resolvedAt: Sequence | undefined;
  readonly content: BatchContent;
  /** Counts only where `isEligible` holds. A batch computed from a state is never carried. */
  readonly carried?: Carried | undefined;
  /** The collection goes back to this, and the batch has no operations. */
  readonly restore?: RestoreTarget | undefined;
}

export interface Slot {
  readonly uid: Uid;
  readonly seq: Sequence;
  /** 128 random bits in hex that tell one try of a writer from all others. */
  readonly nonce: string;
  readonly prevChain: string;
  /** Milliseconds since 1970, never less than the slot before. A label for people and retention, not a safety input. */
  readonly label: number;
  readonly batches: readonly SlotBatch[];
}

/** A slot that stands in the log, or is ready to. */
export interface OpenedSlot extends Slot {
  /** SHA-256 over the slot and, through `prevChain`, over the whole log before it, in hex. */
  readonly chain: string;
  /** Size of the slot object and of the batches that it refers to. */
  readonly bytesTotal: number;
}

export interface SealedSlot {
  readonly slot: OpenedSlot;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

function mustHex(hex: string, bytes: number): Uint8Array {
  const out = tryHexToBytes(hex);
  assertInternal(out !== undefined && out.length === bytes, `not ${bytes} bytes of hex: ${hex}`);
  return out;
}

function writeEntry(target: Uint8Array, batch: SlotBatch, offset: number): void {
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  const { counts, content, carried } = batch;
  target.set(mustHex(batch.keyHash, 16), 0);
  target.set(mustHex(batch.requestHash, 32), 16);
  target.set(mustHex(batch.contentSha, 32), 48);
  writeCounts(view, 80, counts);
  const referenced = 'uuid' in content;
  if (carried === undefined) view.setBigUint64(104, BigInt(batch.resolvedAt ?? 0), true);
  else view.setFloat64(104, carried.label, true);
  const flags =
    (batch.resolvedAt === undefined || carried !== undefined ? 0 : FLAG_RESOLVED) |
    (referenced ? FLAG_REFERENCED : 0) |
    (carried === undefined ? 0 : FLAG_CARRIED) |
    (batch.restore === undefined ? 0 : FLAG_RESTORE);
  view.setUint32(112, flags, true);
  view.setBigUint64(120, BigInt(referenced ? 0 : offset), true);
  view.setBigUint64(128, BigInt(referenced ? content.bytes : content.inline.length), true);
  const place = referenced ? content : carried;
  if (place !== undefined) {
    target.set(mustHex(place.uuid.replaceAll('-', ''), 16), 136);
    view.setBigUint64(152, BigInt(place.after), true);
  }
}

/** What an object with the body of a slot is. */
export interface SlotPlace {
  readonly kind: 'SLT' | 'INB';
  readonly key: string;
}

const inTheLog = (uid: Uid, seq: Sequence): SlotPlace => ({ kind: 'SLT', key: slotKey(uid, seq) });

/** Made in spare memory where there is any that fits. */
export function sealSlot(
  digests: Digests,
  slot: Slot,
  spare?: SpareMemory,
  place: SlotPlace = inTheLog(slot.uid, slot.seq),
): SealedSlot {
  const entriesEnd = HEADER_BYTES + ENTRY_BYTES * slot.batches.length;
  let end = entriesEnd;
  const offsets = slot.batches.map(({ content }) => {
    if ('uuid' in content) return 0;
    const offset = alignUp(end, 64);
    end = offset + content.inline.length;
    return offset;
  });
  if (end > limits.slotBytes) throw overLimit('slotBytes', end, limits.slotBytes, 'commit');
  const object = newObject(end, spare);
  const { body } = object;
  slot.batches.forEach((batch, i) => {
    const at = HEADER_BYTES + ENTRY_BYTES * i;
    writeEntry(body.subarray(at, at + ENTRY_BYTES), batch, offsets[i]!);
    if ('inline' in batch.content) body.set(batch.content.inline, offsets[i]);
  });
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  view.setBigUint64(0, BigInt(slot.seq), true);
  view.setFloat64(8, slot.label, true);
  view.setUint32(16, slot.batches.length, true);
  body.set(mustHex(slot.uid, 16), 24);
  body.set(mustHex(slot.nonce, 16), 40);
  body.set(mustHex(slot.prevChain, 32), 56);
  body.set(digests.sha256(body.subarray(HEADER_BYTES, entriesEnd)), 88);
  const chain = chainOf(digests, body);
  const bytes = seal(digests, place, object);
  return { slot: { ...slot, chain, bytesTotal: bytes.length + referencedBytes(slot.batches) }, bytes };
}

function referencedBytes(batches: readonly SlotBatch[]): number {
  return batches.reduce((sum, { content }) => sum + ('uuid' in content ? content.bytes : 0), 0);
}

function chainOf(digests: Digests, body: Uint8Array): string {
  const prevChain = body.subarray(56, 88);
  const payload = body.subarray(88, 120);
  return bytesToHex(digests.sha256(concatBytes([prevChain, body.subarray(0, HEADER_BYTES), payload])));
}

interface Field {
  readonly offset: number;
  readonly expected: string;
  readonly found: string | number;
}

/** Opens the object of slot `seq`. Throws `corrupt`. Whether it follows its predecessor is the reader's to check. */
export function openSlot(
  digests: Digests,
  uid: Uid,
  seq: Sequence,
  bytes: Uint8Array,
  place: SlotPlace = inTheLog(uid, seq),
): OpenedSlot {
  const { key } = place;
  const body = openSealed(digests, place, bytes);
  const must = (condition: boolean, field: Field): void => {
    if (condition) return;
    throw corrupt({ key, offset: 64 + field.offset, expected: field.expected, found: String(field.found) });
  };
  must(body.length >= HEADER_BYTES, { offset: 0, expected: 'a slot header', found: `${body.length} bytes` });
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const hex = (at: number, length: number): string => bytesToHex(body.subarray(at, at + length));
  const foundSeq = Number(view.getBigUint64(0, true));
  must(foundSeq === seq, { offset: 0, expected: `sequence ${seq}`, found: foundSeq });
  const label = view.getFloat64(8, true);
  must(Number.isFinite(label), { offset: 8, expected: 'a label', found: label });
  must(hex(24, 16) === uid, { offset: 24, expected: `collection ${uid}`, found: hex(24, 16) });
  const count = view.getUint32(16, true);
  const room = `1 to ${limits.keysPerSlot} batches within the slot`;
  const entriesEnd = HEADER_BYTES + ENTRY_BYTES * count;
  must(count >= 1 && count <= limits.keysPerSlot && entriesEnd <= body.length, {
    offset: 16,
    expected: room,
    found: count,
  });
  const payload = bytesToHex(digests.sha256(body.subarray(HEADER_BYTES, entriesEnd)));
  must(payload === hex(88, 32), { offset: 88, expected: `payload hash ${payload}`, found: hex(88, 32) });

  // The contents lie as `sealSlot` lays them out: one cannot be used twice, nor stand for the entries themselves.
  const batches: SlotBatch[] = [];
  let end = entriesEnd;
  for (let at = HEADER_BYTES; at < entriesEnd; at += ENTRY_BYTES) {
    const batch = readEntry(body, { at, contentFrom: alignUp(end, 64) }, must);
    batches.push(batch);
    if ('inline' in batch.content) end = alignUp(end, 64) + batch.content.inline.length;
  }
  must(end === body.length, {
    offset: end,
    expected: `the end of a slot of ${end} bytes`,
    found: body.length,
  });
  return {
    uid,
    seq,
    nonce: hex(40, 16),
    prevChain: hex(56, 32),
    label,
    batches,
    chain: chainOf(digests, body),
    bytesTotal: bytes.length + referencedBytes(batches),
  };
}

function readEntry(
  body: Uint8Array,
  { at, contentFrom }: { readonly at: number; readonly contentFrom: number },
  must: (condition: boolean, field: Field) => void,
): SlotBatch {
  const view = new DataView(body.buffer, body.byteOffset + at, ENTRY_BYTES);
  const hex = (from: number, length: number): string =>
    bytesToHex(body.subarray(at + from, at + from + length));
  const flags = view.getUint32(112, true);
  const known = flags <= FLAG_CARRIED || flags === (FLAG_RESTORE | FLAG_RESOLVED);
  must(known, { offset: at + 112, expected: 'flags 0 to 4, or 9', found: flags });
  const carried = flags === FLAG_CARRIED;
  const offset = Number(view.getBigUint64(120, true));
  const length = Number(view.getBigUint64(128, true));
  const referenced = (flags & FLAG_REFERENCED) !== 0;
  const fits = referenced
    ? length <= limits.batchBlobBytes
    : offset === contentFrom && offset + length <= body.length;
  must(fits, { offset: at + 120, expected: 'a content within its object', found: `${offset}+${length}` });
  const number = (from: number): Sequence => {
    const found = Number(view.getBigUint64(from, true));
    must(Number.isSafeInteger(found), { offset: at + from, expected: 'a number below 2^53', found });
    return sequence(found);
  };
  const restore = flags > FLAG_RESTORE ? tryDecodeRestore(body.subarray(offset, offset + length)) : undefined;
  must(flags < FLAG_RESTORE || restore !== undefined, {
    offset,
    expected: 'a version and a sequence to go back to',
    found: 'other bytes',
  });
  const name = { after: number(152), uuid: uuidOfHex(hex(136, 16)) };
  const label = view.getFloat64(104, true);
  must(!carried || Number.isFinite(label), { offset: at + 104, expected: 'a label', found: label });
  return {
    keyHash: hex(0, 16),
    requestHash: hex(16, 32),
    contentSha: hex(48, 32),
    counts: readCounts(view, 80),
    resolvedAt: (flags & FLAG_RESOLVED) === 0 ? undefined : number(104),
    content: referenced ? { ...name, bytes: length } : { inline: body.subarray(offset, offset + length) },
    ...(carried ? { carried: { ...name, label } } : {}),
    ...(restore === undefined ? {} : { restore }),
  };
}
