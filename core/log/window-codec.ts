/**
 * The bytes of an idempotency window, the body of a WIN object (`base/sealed-object.ts`). A fold writes the window as it
 * is at the fold's end, so that whoever begins with that head knows the keys of the slots before.
 *
 *   window := header entry[entries]
 *   header := u64 seq                    the slot after which this was the window: folded_seq of the head that names it
 *             u64 reach                  keys of slots up to here are not in it
 *             u32 entries, u32 zero, zero[8]                                                     32 bytes
 *   entry  := keyHash[16], requestHash[32], u64 seq,
 *             u32 upserted, patched, missing, deleted, restored, more                            80 bytes
 *
 * Entries are in the order of slots, and within one in the order in which they took effect. A key comes once.
 */
import { bytesToHex, tryHexToBytes } from '../base/bytes.js';
import { assertInternal, corrupt } from '../base/errors.js';
import { sequence } from '../base/ids.js';
import { limits } from '../base/limits.js';
import type { Digests } from '../base/ports.js';
import { newObject, openSealed, seal } from '../base/sealed-object.js';
import { readCounts, writeCounts } from './counts-codec.js';
import type { KeyedEntry, WindowSnapshot } from './commit-window.js';
import type { WindowRef } from './head.js';

const HEADER_BYTES = 32;
const ENTRY_BYTES = 80;

export interface SealedWindow {
  /** What a head says of it. */
  readonly ref: WindowRef;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export function sealWindow(digests: Digests, key: string, window: WindowSnapshot): SealedWindow {
  const object = newObject(HEADER_BYTES + ENTRY_BYTES * window.entries.length);
  const { body } = object;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  view.setBigUint64(0, BigInt(window.seq), true);
  view.setBigUint64(8, BigInt(window.reach), true);
  view.setUint32(16, window.entries.length, true);
  window.entries.forEach((entry, i) => writeEntry(body, HEADER_BYTES + ENTRY_BYTES * i, entry));
  const bytes = seal(digests, { kind: 'WIN', key }, object);
  return { ref: { key, sha256: bytesToHex(digests.sha256(bytes)), bytes: bytes.length }, bytes };
}

function writeEntry(body: Uint8Array, at: number, { keyHash, requestHash, seq, counts }: KeyedEntry): void {
  const key = tryHexToBytes(keyHash);
  const request = tryHexToBytes(requestHash);
  assertInternal(key?.length === 16 && request?.length === 32, `a window entry without hashes at ${seq}`);
  body.set(key, at);
  body.set(request, at + 16);
  const view = new DataView(body.buffer, body.byteOffset + at, ENTRY_BYTES);
  view.setBigUint64(48, BigInt(seq), true);
  writeCounts(view, 56, counts);
}

/** Opens the object that a head names. Throws `corrupt`. */
export function openWindow(digests: Digests, ref: WindowRef, bytes: Uint8Array): WindowSnapshot {
  const { key } = ref;
  const must = (condition: boolean, offset: number, expected: string, found: string | number): void => {
    if (!condition) throw corrupt({ key, offset, expected, found: String(found) });
  };
  const body = openSealed(digests, { kind: 'WIN', key }, bytes);
  const sha256 = bytesToHex(digests.sha256(bytes));
  must(sha256 === ref.sha256, 0, `the object with SHA-256 ${ref.sha256}`, sha256);
  must(body.length >= HEADER_BYTES, 64, 'a window header', `${body.length} bytes`);
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const number = (at: number): number => Number(view.getBigUint64(at, true));
  const [seq, reach, count] = [number(0), number(8), view.getUint32(16, true)];
  must(seq <= Number.MAX_SAFE_INTEGER && reach <= seq, 64, 'a reach up to the sequence', `${reach}, ${seq}`);
  const fits = count <= limits.windowKeys && body.length === HEADER_BYTES + ENTRY_BYTES * count;
  must(fits, 80, `entries that fill ${body.length} bytes`, count);
  const entries: KeyedEntry[] = [];
  const keys = new Set<string>();
  let last = reach + 1;
  for (let at = HEADER_BYTES; at < body.length; at += ENTRY_BYTES) {
    const entry = readEntry(body, at);
    must(entry.seq >= last && entry.seq <= seq, 64 + at + 48, `a sequence of ${last} to ${seq}`, entry.seq);
    must(!keys.has(entry.keyHash), 64 + at, 'a key that comes once', entry.keyHash);
    keys.add(entry.keyHash);
    entries.push(entry);
    last = entry.seq;
  }
  return { seq: sequence(seq), reach: sequence(reach), entries };
}

function readEntry(body: Uint8Array, at: number): KeyedEntry {
  const view = new DataView(body.buffer, body.byteOffset + at, ENTRY_BYTES);
  return {
    keyHash: bytesToHex(body.subarray(at, at + 16)),
    requestHash: bytesToHex(body.subarray(at + 16, at + 48)),
    seq: sequence(Number(view.getBigUint64(48, true))),
    counts: readCounts(view, 56),
  };
}
