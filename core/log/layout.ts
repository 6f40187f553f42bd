/**
 * Where the objects of a store are (docs/FORMAT.md, "Keys"). The store's own prefix is not part of these keys: the adapter adds it.
 */
import { bytesToHex, utf8Encode } from '../base/bytes.js';
import type { HeadVersion, Sequence, Uid } from '../base/ids.js';

/** Reversed numbers make the newest the first in key order. 14 hex digits hold every safe integer. */
const REV_DIGITS = 14;

export function rev(value: number): string {
  return (Number.MAX_SAFE_INTEGER - value).toString(16).padStart(REV_DIGITS, '0');
}

/** Undefined where the text is no reversed number. */
export function tryUnrev(text: string): number | undefined {
  if (text.length !== REV_DIGITS || !/^[0-9a-f]+$/.test(text)) return undefined;
  const value = Number.MAX_SAFE_INTEGER - Number.parseInt(text, 16);
  return value >= 0 ? value : undefined;
}

/** `default` always exists and is never made, so its uid is a constant: one round trip less for every cold reader. */
export const DEFAULT_NAMESPACE_UID: Uid = '0'.repeat(32) as Uid;

export function entryPrefix(namespace: Uid): string {
  return `catalog/${namespace}/`;
}

export function entryKey(namespace: Uid, name: string): string {
  return entryPrefix(namespace) + bytesToHex(utf8Encode(name));
}

export const COLLECTIONS_PREFIX = 'c/';
export const WORK_PREFIX = 'work/';
/** Its date is that of the last pass over all collections. No uid, so no hint. */
export const PASS_KEY = 'work/pass';

export const workKey = (uid: Uid): string => WORK_PREFIX + uid;
export const collectionPrefix = (uid: Uid): string => `${COLLECTIONS_PREFIX}${uid}/`;
export const headKey = (uid: Uid): string => `${collectionPrefix(uid)}head`;
export const headCopyKey = (uid: Uid, version: HeadVersion): string =>
  `${collectionPrefix(uid)}heads/${rev(version)}`;
/** Best effort: copies of what a head names, for who opens the collection. Put over what is there. */
export const rootKey = (uid: Uid): string => `${collectionPrefix(uid)}root`;
export const logPrefix = (uid: Uid): string => `${collectionPrefix(uid)}log/`;
export const slotKey = (uid: Uid, seq: Sequence): string => logPrefix(uid) + rev(seq);

/**
 * A batch too large for its slot. `after` is the tail when it was written: only slots in (after, after + 256] may refer
 * to it, so a collector can tell from the key alone when nothing ever will (the rule of inbox blobs).
 */
export function batchKey(uid: Uid, after: Sequence, uuid: string): string {
  return `${collectionPrefix(uid)}batch/${rev(after)}-${uuid}`;
}

export const inboxPrefix = (uid: Uid): string => `${collectionPrefix(uid)}inbox/`;

/** Batches that lost a race for the slot after `after`. Newest first in a listing, as slots are. */
export function inboxKey(uid: Uid, after: Sequence, uuid: string): string {
  return `${inboxPrefix(uid)}${rev(after)}-${uuid}`;
}

/** Segments, deletions and windows: written once, under the nonce of the job that wrote them. */
export const segmentPrefix = (uid: Uid): string => `${collectionPrefix(uid)}seg/`;
export const segmentKey = (uid: Uid, jobNonce: string, i: number): string =>
  `${segmentPrefix(uid)}${jobNonce}-${i}.seg`;
export const deletionsKey = (uid: Uid, jobNonce: string, i: number): string =>
  `${segmentPrefix(uid)}${jobNonce}-${i}.del`;
export const windowKey = (uid: Uid, jobNonce: string): string => `${segmentPrefix(uid)}${jobNonce}.win`;

export interface SegmentObject {
  readonly uid: Uid;
  /** Its name among the collection's. */
  readonly name: string;
}

const SEGMENT_OBJECT =
  /^c\/([0-9a-f]{32})\/seg\/([0-9a-f]{32}(?:-(?:0|[1-9][0-9]{0,8})\.(?:seg|del)|\.win))$/;

/** What is written once and never changes, and whose absence decides nothing. Undefined for any other key, signs of life too. */
export function trySegmentObject(key: string): SegmentObject | undefined {
  const match = SEGMENT_OBJECT.exec(key);
  return match === null ? undefined : { uid: match[1] as Uid, name: match[2]! };
}

/** Put again and again while the job is worked on: its date tells whether somebody still does. */
export const jobBeatKey = (uid: Uid, jobNonce: string): string => `${segmentPrefix(uid)}${jobNonce}.job`;

export type JobObject = 'seg' | 'del' | 'win' | 'job';

const JOB_OBJECT = /^([0-9a-f]{32})(?:-(?:0|[1-9][0-9]{0,8})\.(seg|del)|\.(win|job))$/;

/** What a key below `segmentPrefix` says of its object. Undefined for any other key. */
export function tryJobObject(
  uid: Uid,
  key: string,
): { readonly job: string; readonly kind: JobObject } | undefined {
  const prefix = segmentPrefix(uid);
  const match = key.startsWith(prefix) ? JOB_OBJECT.exec(key.slice(prefix.length)) : null;
  if (match === null) return undefined;
  return { job: match[1]!, kind: (match[2] ?? match[3]) as JobObject };
}

/**
 * The nonce of the job that wrote the object of this key. An object whose job the head does not list, and that nothing
 * names, is garbage: objects are named first by the swap that ends their job.
 */
export function tryJobOfKey(uid: Uid, key: string): string | undefined {
  return tryJobObject(uid, key)?.job;
}
