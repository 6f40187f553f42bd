/**
 * The inbox: batches whose writer lost a race wait there to be carried by whoever writes the next slot, so that a burst of
 * writers needs a few slots and not one each. Objects under `inbox/` have the body of a slot (`slot-codec.ts`).
 *
 * An object is named by the key of its first batch: whoever has read the log up to the tail knows from a listing alone which
 * of them were carried already.
 */
import { bytesToHex } from '../base/bytes.js';
import { CairnError } from '../base/errors.js';
import { uuidOfHex } from '../base/ids.js';
import type { Sequence } from '../base/ids.js';
import { limits } from '../base/limits.js';
import type { ListedObject } from '../store/index.js';
import type { Batch } from './batch.js';
import { decodeBatch } from './batch-codec.js';
import type { CommitWindow } from './commit-window.js';
import { tryDatedKey } from './dated-keys.js';
import { inboxKey, inboxPrefix } from './layout.js';
import type { LogContext } from './log-reader.js';
import { CHAIN_START, openSlot, sealSlot } from './slot-codec.js';
import type { Carried, OpenedSlot, SlotBatch } from './slot-codec.js';

/** A batch of another writer that the next slot may carry. */
export interface WaitingBatch {
  readonly entry: SlotBatch;
  readonly batch: Batch;
}

/**
 * Whether a carried batch counts in a slot. Enforced by readers, so that no writer can make a key count twice: what was
 * written after slot `after` finds, 256 slots later at the most, every earlier effect of its key in the window, which
 * holds at least as many. The time limit lets a writer that gave up know when its batch can come to nothing any more.
 */
export function isEligible(
  slot: { readonly seq: Sequence; readonly label: number },
  { after, label }: Carried,
): boolean {
  return isInReach(slot.seq, after) && slot.label - label <= limits.eligibleMs;
}

/** Whether a slot may hold what was made after slot `after`. */
export function isInReach(seq: number, after: number): boolean {
  return after < seq && seq <= after + limits.eligibleSlots;
}

export interface InboxPut {
  readonly after: Sequence;
  readonly label: number;
  /** Inlined, and none of them computed from a state. */
  readonly batches: readonly SlotBatch[];
}

/** Best effort: batches that nobody can carry are written by their own writer. Cost: 1 PUT. */
export async function leaveInInbox({ store, ports, uid }: LogContext, put: InboxPut): Promise<void> {
  const { after, label, batches } = put;
  const nonce = batches[0]!.keyHash;
  const key = inboxKey(uid, after, uuidOfHex(nonce));
  const slot = { uid, seq: after, nonce, prevChain: CHAIN_START, label, batches };
  const { bytes } = sealSlot(ports.digests, slot, undefined, { kind: 'INB', key });
  await store.put(key, bytes, { if: 'absent' }).catch(() => {});
}

export interface InboxLook {
  /** The slot that would carry them. */
  readonly seq: Sequence;
  readonly label: number;
  readonly window: CommitWindow;
  /** Keys that the slot holds already. */
  readonly keys: ReadonlySet<string>;
  readonly dimension: number;
  /** What earlier looks read, by key: objects do not change. Afterwards it holds what waits still. */
  readonly known: Map<string, OpenedSlot>;
}

/** The newest objects of the inbox; none where the store does not answer. Cost: 1 LIST. */
export async function listInbox({ store, uid }: LogContext): Promise<readonly ListedObject[]> {
  try {
    return await store.list(inboxPrefix(uid), { limit: limits.inboxBatches });
  } catch (error) {
    if (error instanceof CairnError && error.kind === 'unavailable') return [];
    throw error;
  }
}

/** What of these waits and may be carried. Cost: 1 GET in parallel for each that was neither carried nor read yet. */
export async function readInbox(
  context: LogContext,
  listed: readonly ListedObject[],
  look: InboxLook,
): Promise<readonly WaitingBatch[]> {
  let bytes = 0;
  // More than a slot takes would only be read to be thrown away.
  const waiting = listed.filter(({ key, size }) => {
    return mayWait(context, key, look) && (bytes += size) <= limits.groupCommitBytes;
  });
  const opened = await Promise.all(waiting.map((object) => tryOpen(context, object, look)));
  const names = new Set(waiting.map(({ key }) => key));
  for (const key of look.known.keys()) if (!names.has(key)) look.known.delete(key);
  return opened.flat();
}

/** As far as the name tells. */
function mayWait({ uid }: LogContext, key: string, { seq, window, keys }: InboxLook): boolean {
  const place = tryDatedKey(uid, key);
  if (place?.kind !== 'batch' || !isInReach(seq, place.after)) return false;
  const first = key.slice(-36).replaceAll('-', '');
  return window.find(first) === undefined && !keys.has(first);
}

/** Nothing where the object is gone, damaged or another's: its own writer sees to it. */
async function tryOpen(
  context: LogContext,
  { key }: ListedObject,
  look: InboxLook,
): Promise<readonly WaitingBatch[]> {
  const { ports, uid } = context;
  const place = tryDatedKey(uid, key);
  if (place?.kind !== 'batch') return [];
  const { after } = place;
  try {
    const opened = look.known.get(key) ?? (await tryRead(context, key, after));
    if (opened === undefined) return [];
    look.known.set(key, opened);
    const { label, batches } = opened;
    const carried = { after, uuid: key.slice(-36), label };
    return batches.flatMap((entry) => {
      const { content, keyHash, restore } = entry;
      if (!('inline' in content) || restore !== undefined || look.window.find(keyHash) !== undefined)
        return [];
      if (bytesToHex(ports.digests.sha256(content.inline)) !== entry.contentSha) return [];
      if (!isEligible(look, carried)) return [];
      const batch = decodeBatch(content.inline, look.dimension, { key, offset: 64 });
      return [{ entry: { ...entry, carried }, batch }];
    });
  } catch (error) {
    if (error instanceof CairnError && (error.kind === 'corrupt' || error.kind === 'unavailable')) return [];
    throw error;
  }
}

async function tryRead(
  { store, ports, uid }: LogContext,
  key: string,
  after: Sequence,
): Promise<OpenedSlot | undefined> {
  const got = await store.get(key);
  if (got.status !== 'found') return undefined;
  return openSlot(ports.digests, uid, after, got.bytes, { kind: 'INB', key });
}

/** As many of them as a slot takes that holds these keys, and so many bytes, already. */
export function fitting(
  waiting: readonly WaitingBatch[],
  held: ReadonlySet<string>,
  heldBytes: number,
): readonly WaitingBatch[] {
  const keys = new Set(held);
  let bytes = heldBytes;
  const carried: WaitingBatch[] = [];
  for (const one of waiting) {
    const { keyHash, content } = one.entry;
    const more = 'inline' in content ? content.inline.length : 0;
    if (keys.size >= limits.keysPerSlot || bytes + more > limits.groupCommitBytes) break;
    if (keys.has(keyHash)) continue;
    keys.add(keyHash);
    bytes += more;
    carried.push(one);
  }
  return carried;
}
