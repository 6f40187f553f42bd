/**
 * What the slot of a restore says: the state that the collection goes back to. It stands in the place of a batch's content.
 *
 *   content := u64 version, u64 seq, nonce[16]                                                  32 bytes
 */
import { bytesToHex, tryHexToBytes } from '../base/bytes.js';
import { assertInternal } from '../base/errors.js';
import { headVersion, sequence } from '../base/ids.js';
import type { HeadVersion, Sequence } from '../base/ids.js';

const RESTORE_BYTES = 32;

/** The state at `seq`, made from that version of the head, which is the newest that had folded no more. */
export interface RestoreTarget {
  readonly version: HeadVersion;
  readonly seq: Sequence;
  /** Of the head's entry that keeps it. */
  readonly nonce: string;
}

export function encodeRestore({ version, seq, nonce }: RestoreTarget): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(RESTORE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(version), true);
  view.setBigUint64(8, BigInt(seq), true);
  const random = tryHexToBytes(nonce);
  assertInternal(random?.length === 16, `not 16 bytes of hex: ${nonce}`);
  bytes.set(random, 16);
  return bytes;
}

/** Undefined where these bytes are none. */
export function tryDecodeRestore(bytes: Uint8Array): RestoreTarget | undefined {
  if (bytes.length !== RESTORE_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [version, seq] = [Number(view.getBigUint64(0, true)), Number(view.getBigUint64(8, true))];
  if (!Number.isSafeInteger(version) || !Number.isSafeInteger(seq) || version < 1) return undefined;
  const nonce = bytesToHex(bytes.subarray(16));
  return { version: headVersion(version), seq: sequence(seq), nonce };
}
