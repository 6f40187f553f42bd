/**
 * Reads the objects of one collection's log: head, slots, the batches that slots refer to.
 */
import { bytesToHex } from '../base/bytes.js';
import { CairnError, corrupt } from '../base/errors.js';
import type { Corruption } from '../base/errors.js';
import { sequence } from '../base/ids.js';
import type { HeadVersion, Sequence, Uid } from '../base/ids.js';
import { limits } from '../base/limits.js';
import type { Ports } from '../base/ports.js';
import { openSealed } from '../base/sealed-object.js';
import { getChecked } from '../store/index.js';
import type { GetResult, ListedObject, ObjectStore, StoreVersion } from '../store/index.js';
import { emptyBatch } from './batch.js';
import type { Batch } from './batch.js';
import { decodeBatch } from './batch-codec.js';
import { CommitWindow } from './commit-window.js';
import { openHead } from './head-codec.js';
import type { HeadCopies } from './head-copies.js';
import { namesObject } from './head.js';
import type { Head } from './head.js';
import { isInReach } from './inbox.js';
import { batchKey, headCopyKey, headKey, logPrefix, slotKey, tryUnrev } from './layout.js';
import { openSlot } from './slot-codec.js';
import type { OpenedSlot, SlotBatch } from './slot-codec.js';
import { openWindow } from './window-codec.js';

/** One collection's log and what reading it takes. */
export interface LogContext {
  readonly store: ObjectStore;
  readonly ports: Ports;
  readonly uid: Uid;
}

/** A head and the store's token for that state of it. */
export interface LoadedHead {
  readonly head: Head;
  readonly token: StoreVersion;
  readonly modifiedMs: number;
  /** As they lie in the store: a later release may keep more in them than this one reads. */
  readonly bytes: Uint8Array;
}

/** A slot with the batches that it commits, decoded, in order. */
export interface LoadedSlot {
  readonly slot: OpenedSlot;
  readonly batches: readonly Batch[];
  /** The store's own date of the slot. Undefined where a put of ours won and the answer to it was lost. */
  readonly modifiedMs: number | undefined;
}

/** The collection was dropped, or its head is not there: the caller's name for it is stale. */
export function collectionGone(uid: Uid): CairnError {
  return new CairnError('not_found', 'collection_gone', `the collection with uid ${uid} was dropped`, {
    details: { uid },
    outcome: 'not_applied',
  });
}

/** An object that a head names is not there. It was collected, unless the newest head names it still. */
export function objectGone(key: string): CairnError {
  return new CairnError('unavailable', 'object_gone', `object ${key} was collected meanwhile`, {
    details: { key },
    retryAfterS: 1,
  });
}

/** The key of the object that `error` says was collected; undefined for any other error. */
export function tryGoneKey(error: unknown): string | undefined {
  if (!(error instanceof CairnError) || error.code !== 'object_gone') return undefined;
  const { key } = error.details;
  return typeof key === 'string' ? key : '';
}

export async function tryReadHead(context: LogContext): Promise<LoadedHead | undefined> {
  const { store, ports, uid } = context;
  const got = await store.get(headKey(uid));
  if (got.status !== 'found') return undefined;
  return { head: openHead(ports.digests, uid, got.bytes), ...facts(got) };
}

/** The copy of a superseded head; undefined where it is not there. Throws `corrupt`. */
export async function tryReadHeadCopy(
  context: LogContext,
  version: HeadVersion,
): Promise<LoadedHead | undefined> {
  const { store, uid } = context;
  const key = headCopyKey(uid, version);
  const got = await store.get(key);
  if (got.status !== 'found') return undefined;
  const head = openCopy(context, key, got.bytes);
  if (head.version !== version)
    throw corrupt({ key, offset: 64, expected: `version ${version}`, found: `version ${head.version}` });
  return { head, ...facts(got) };
}

/** A copy has the bytes of the head, and with them the name of that: what is wrong with it is told of the copy. */
function openCopy({ ports, uid }: LogContext, key: string, bytes: Uint8Array): Head {
  try {
    return openHead(ports.digests, uid, bytes);
  } catch (error) {
    if (!(error instanceof CairnError && error.kind === 'corrupt')) throw error;
    const { offset, expected, found } = error.details as unknown as Corruption;
    throw corrupt({ key, offset, expected, found });
  }
}

function facts(got: Extract<GetResult, { status: 'found' }>): Omit<LoadedHead, 'head'> {
  return { token: got.version, modifiedMs: got.modifiedMs, bytes: got.bytes };
}

/** The active head; throws `collection_gone` for any other. */
export async function mustReadHead(context: LogContext): Promise<LoadedHead> {
  const loaded = await tryReadHead(context);
  if (loaded?.head.state !== 'active') throw collectionGone(context.uid);
  return loaded;
}

/** Whether a head was ever found by its name: it has a second version, or something of its log is among `listed`. */
export function wasUsed({ uid, version }: Head, listed: readonly ListedObject[]): boolean {
  return version > 1 || listed.some(({ key }) => key.startsWith(logPrefix(uid)));
}

/** For edits of the head. Throws `collection_gone`. */
export function mustBeActive(head: Head): void {
  if (head.state !== 'active') throw collectionGone(head.uid);
}

/** The active head, without its bytes where it is still `known`. Throws `collection_gone`. */
export async function refreshHead(context: LogContext, known: LoadedHead): Promise<LoadedHead> {
  const { store, ports, uid } = context;
  const got = await store.get(headKey(uid), { unless: known.token });
  if (got.status === 'unchanged') return known;
  if (got.status === 'absent') throw collectionGone(uid);
  const head = openHead(ports.digests, uid, got.bytes);
  if (head.state !== 'active') throw collectionGone(uid);
  return { head, ...facts(got) };
}

/**
 * The newest head, where an object of this key was missed. What it names is never collected: then its absence is damage,
 * and so it is where that head is still the one `known`. Throws `corrupt`, `collection_gone`. Cost: 1 conditional GET.
 */
export async function mustBeUnnamed(
  context: LogContext,
  known: LoadedHead,
  key: string,
): Promise<LoadedHead> {
  const current = await refreshHead(context, known);
  if (current === known) throw namedButGone(key);
  mustNotName(current.head, key);
  return current;
}

/** Of a head that was read after the object was missed: what it names is never collected. Throws `corrupt`. */
export function mustNotName(head: Head, key: string): void {
  if (namesObject(head, key)) throw namedButGone(key);
}

function namedButGone(key: string): CairnError {
  return corrupt({ key, offset: 0, expected: 'an object, as the head names it', found: 'no object' });
}

/** The newest sequence that LIST shows, 0 for an empty log. Cost: one LIST of one key. */
export async function listTail(context: LogContext): Promise<Sequence> {
  const prefix = logPrefix(context.uid);
  const [newest] = await context.store.list(prefix, { limit: 1 });
  if (newest === undefined) return sequence(0);
  const seq = tryUnrev(newest.key.slice(prefix.length));
  if (seq === undefined) {
    throw corrupt({ key: newest.key, offset: 0, expected: 'the key of a slot', found: 'another key' });
  }
  return sequence(seq);
}

/** Undefined where there is no such slot. Cost: one GET, and one more per referenced batch. */
export async function tryReadSlot(
  context: LogContext,
  seq: Sequence,
  dimension: number,
): Promise<LoadedSlot | undefined> {
  const got = await context.store.get(slotKey(context.uid, seq));
  if (got.status !== 'found') return undefined;
  const slot = openSlot(context.ports.digests, context.uid, seq, got.bytes);
  const read = await Promise.all(slot.batches.map((batch) => tryReadBatch(context, seq, batch, dimension)));
  const batches = read.filter((batch) => batch !== undefined);
  return batches.length === read.length ? { slot, batches, modifiedMs: got.modifiedMs } : undefined;
}

/** Slots (after, last]. */
export interface SlotRange {
  readonly after: number;
  readonly last: number;
  readonly dimension: number;
}

/** Reads slots, some in parallel, and hands them over in order. Gives back the first that is missing. */
export async function readSlots(
  context: LogContext,
  { after, last, dimension }: SlotRange,
  take: (slots: readonly LoadedSlot[]) => Promise<void> | void,
): Promise<Sequence | undefined> {
  for (let next = after + 1; next <= last; next += limits.replayParallel) {
    const count = Math.min(limits.replayParallel, last - next + 1);
    const seqs = Array.from({ length: count }, (_, i) => sequence(next + i));
    const slots = await Promise.all(seqs.map((seq) => tryReadSlot(context, seq, dimension)));
    const hole = slots.indexOf(undefined);
    await take(slots.slice(0, hole < 0 ? count : hole).flatMap((slot) => slot ?? []));
    if (hole >= 0) return seqs[hole];
  }
  return undefined;
}

/**
 * The idempotency window at `foldedSeq` of a head. Throws `object_gone`. Cost: one GET where anything is folded, unless there
 * is a copy.
 */
export async function readWindow(
  context: LogContext,
  head: Head,
  copies?: HeadCopies,
): Promise<CommitWindow> {
  const { window: ref, foldedSeq } = head;
  if (ref === undefined) return new CommitWindow(foldedSeq);
  const { key } = ref;
  const use = (bytes: Uint8Array): CommitWindow => {
    const snapshot = openWindow(context.ports.digests, ref, bytes);
    if (snapshot.seq !== foldedSeq) {
      const expected = `the window after slot ${foldedSeq}`;
      throw corrupt({ key, offset: 64, expected, found: `that after slot ${snapshot.seq}` });
    }
    return CommitWindow.of(snapshot);
  };
  const copied = copies && (await copies.tryUse(ref, use));
  if (copied !== undefined) return copied;
  return await getChecked(context.store, key, (got) => {
    if (got.status !== 'found') throw objectGone(key);
    return use(got.bytes);
  });
}

/** Undefined where the object that holds the batch was collected, and with it the slot. */
async function tryReadBatch(
  context: LogContext,
  seq: Sequence,
  batch: SlotBatch,
  dimension: number,
): Promise<Batch | undefined> {
  const { content } = batch;
  const key = slotKey(context.uid, seq);
  if (batch.restore !== undefined) return emptyBatch(dimension);
  if ('inline' in content) return decodeBatch(content.inline, dimension, { key, offset: 64 });
  const { after, uuid, bytes } = content;
  const blobKey = batchKey(context.uid, after, uuid);
  if (!isInReach(seq, after)) {
    const expected = `a batch written at most ${limits.eligibleSlots} slots before slot ${seq}`;
    throw corrupt({ key, offset: 64, expected, found: `one after slot ${after}` });
  }
  const got = await context.store.get(blobKey);
  if (got.status !== 'found') {
    // Only a head that was read after the object was missed tells a collector's work from a loss.
    const { head } = await mustReadHead(context);
    if (seq <= head.gcFloor) return undefined;
    throw corrupt({ key: blobKey, offset: 0, expected: `${bytes} bytes`, found: 'no object' });
  }
  const body = openSealed(context.ports.digests, { kind: 'BAT', key: blobKey }, got.bytes);
  const found = bytesToHex(context.ports.digests.sha256(body));
  if (body.length !== bytes || found !== batch.contentSha) {
    throw corrupt({ key: blobKey, offset: 64, expected: `content ${batch.contentSha}`, found });
  }
  return decodeBatch(body, dimension, { key: blobKey, offset: 64 });
}
