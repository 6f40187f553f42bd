/**
 * All that a store holds of one collection: its head and the copies of it, its log, what they name, and whether anything
 * names the rest.
 */
import type { Uid } from '../../base/ids.js';
import { collectionPrefix, headKey, keysOf, openRoot, openWindow, rootKey } from '../../log/index.js';
import type { Head, WindowSnapshot } from '../../log/index.js';
import type { Deletions } from '../../segment/index.js';
import type { ListedObject } from '../../store/index.js';
import type { ScrubbedCollection } from '../interface/index.js';
import { garbageOfDropped } from '../collector/index.js';
import { scrubName } from './catalog-scrub.js';
import { FindingList } from './findings.js';
import { scrubLineage } from './lineage.js';
import { scrubLiveIds } from './live-ids.js';
import { scrubLog } from './log-scrub.js';
import { NamedObjects } from './named-objects.js';
import type { NamedWindow } from './named-objects.js';
import type { Opened } from './opened.js';
import { belowFloor, reachOf, reportGarbage, reportUnknownKeys, totalsOf } from './reachability.js';
import type { Reach } from './reachability.js';
import { scrubDeletions, scrubSegment } from './segment-scrub.js';
import type { SoundSegment } from './segment-scrub.js';
import { lookAtStored, openHeadOf, Subject } from './subject.js';
import type { ReadHead, ScrubContext } from './subject.js';
import { WindowAgreement } from './window-agreement.js';

const NOTHING = { objects: 0, bytes: 0 };

/** What only a look at all collections tells. */
export interface Asks {
  readonly mayRepair: (head: Head) => Promise<boolean>;
  /** Whether a head lists the collection as a branch, which has no head of its own. */
  readonly isUnborn: (uid: Uid) => Promise<boolean>;
}

/** Cost: see docs/SCRUB.md. */
export async function scrubCollection(
  context: ScrubContext,
  uid: Uid,
  { mayRepair, isUnborn }: Asks,
): Promise<ScrubbedCollection> {
  const findings = new FindingList();
  const { opened, listed } = await lookAtStored(context, uid);
  if (opened.status !== 'sound') {
    await reportHead(opened, { uid, listed, findings }, isUnborn);
    const of = { uid, name: null, state: 'unreadable', stored: totalsOf(listed) } as const;
    return { ...of, checked: NOTHING, garbage: NOTHING, pending: NOTHING, ...findings.result };
  }
  const { head } = opened.value;
  const subject = new Subject(context, { ...opened.value, listed, findings });
  subject.count(headKey(uid));
  const reach = head.state === 'dropped' ? await ofDropped(subject) : await scrubActive(subject, mayRepair);
  return {
    uid,
    name: head.name,
    state: head.state,
    stored: totalsOf(listed),
    checked: subject.checked,
    ...reach,
    ...findings.result,
  };
}

interface Headless {
  readonly uid: Uid;
  readonly listed: readonly ListedObject[];
  readonly findings: FindingList;
}

/** Nothing at all under a uid that an entry names: the finding is the entry's. */
async function reportHead(
  opened: Opened<ReadHead>,
  { uid, listed, findings }: Headless,
  isUnborn: Asks['isUnborn'],
): Promise<void> {
  if (opened.status === 'damaged') findings.corrupt('head_corrupt', opened.error);
  if (opened.status !== 'absent' || listed.length === 0) return;
  const key = headKey(uid);
  if (await isUnborn(uid)) {
    const message = `${listed.length} objects of a branch without a head: one that died, or is under way`;
    findings.notice('branch_unborn', { key, message });
    return;
  }
  const message = `there are ${listed.length} objects of a collection without a head, which is never deleted`;
  findings.error('head_missing', { key, message });
}

/** The head stays as a tombstone, with what branches began with, and all else goes. */
async function ofDropped({ context, findings, head, listed, uid }: Subject): Promise<Reach> {
  const garbage = await garbageOfDropped({ ...context, uid }, head, listed);
  return { garbage: reportGarbage(findings, head, garbage), pending: NOTHING };
}

/** A branch that its parent does not know of loses what the parent drops. */
async function scrubOrigin({ context, findings, head, uid }: Subject, named: NamedObjects): Promise<void> {
  const { origin } = head;
  if (origin === undefined || !named.borrows(uid)) return;
  const parent = await openHeadOf(context, origin.parent);
  // A damaged head of another is told where that is looked at.
  if (parent.status === 'damaged') return;
  const isListed = parent.status === 'sound' && parent.value.head.branches.some((one) => one.uid === uid);
  if (isListed || !(await namesLent(context, head))) return;
  const message = `it is a branch of ${origin.parent}, whose head does not list it`;
  findings.error('branch_unlisted', { key: headKey(uid), message });
}

/** Whether the newest head still has an origin: it forgets that after its parent has let go of it. */
async function namesLent(context: ScrubContext, { uid }: Head): Promise<boolean> {
  const newest = await openHeadOf(context, uid);
  if (newest.status !== 'sound' || newest.value.head.state !== 'active') return false;
  const own = collectionPrefix(uid);
  return [...keysOf(newest.value.head)].some((key) => !key.startsWith(own));
}

async function scrubActive(subject: Subject, mayRepair: (head: Head) => Promise<boolean>): Promise<Reach> {
  const { head } = subject;
  await scrubName(subject, mayRepair);
  const below = belowFloor(subject);
  const named = new NamedObjects();
  named.add(head);
  const lineage = await scrubLineage(subject, below, (copy) => named.add(copy));
  await scrubOrigin(subject, named);
  const window = await scrubWindows(subject, named);
  const referenced = await scrubLog(subject, {
    checkpoints: named.folds,
    window: window && new WindowAgreement(window),
  });
  await scrubSegments(subject, named);
  await scrubRoot(subject);
  reportUnknownKeys(subject);
  return reachOf(subject, { below, named, referenced, complete: lineage });
}

/** Whether its copies are those of the head nobody needs to know: who reads them looks, and does without those that are not. */
async function scrubRoot(subject: Subject): Promise<void> {
  const { context, findings, listed, uid } = subject;
  const key = rootKey(uid);
  if (subject.ended || !listed.some((object) => object.key === key)) return;
  const opened = await subject.open(key, (bytes) => openRoot(context.ports.digests, uid, bytes));
  if (opened.status !== 'damaged') return;
  const { expected, found } = opened.error.details;
  const message = `opening the collection takes a request more: expected ${String(expected)}, found ${String(found)}`;
  findings.notice('root_unusable', { key, message });
}

/** Answers with that of the head. */
async function scrubWindows(subject: Subject, named: NamedObjects): Promise<WindowSnapshot | undefined> {
  let ofHead: WindowSnapshot | undefined;
  for (const window of named.windows.values()) {
    const snapshot = subject.ended ? undefined : await scrubWindow(subject, window);
    if (window.ref.key === subject.head.window?.key) ofHead = snapshot;
  }
  return ofHead;
}

async function scrubWindow(
  subject: Subject,
  { ref, version, foldedSeq }: NamedWindow,
): Promise<WindowSnapshot | undefined> {
  const { findings, context } = subject;
  const { key, bytes: expected } = ref;
  const opened = await subject.open(key, (bytes) => ({
    snapshot: openWindow(context.ports.digests, ref, bytes),
    size: bytes.length,
  }));
  if (opened.status === 'damaged') findings.corrupt('window_corrupt', opened.error);
  if (opened.status === 'absent' && (await subject.needs(key, version))) {
    findings.error('window_missing', { key, message: `version ${version} of the head names it` });
  }
  if (opened.status !== 'sound') return undefined;
  const { snapshot, size } = opened.value;
  if (snapshot.seq === foldedSeq && size === expected) return snapshot;
  const message = `it is of ${size} bytes and after slot ${snapshot.seq}, where the head says ${expected} and ${foldedSeq}`;
  findings.error('window_mismatch', { key, message });
  return undefined;
}

/** Segments and deletions; those of the head are compared with each other. */
async function scrubSegments(subject: Subject, named: NamedObjects): Promise<void> {
  const deletions = new Map<string, Deletions>();
  const ofHead = new Map(subject.head.segments.map(({ key, deletions: ref }) => [key, ref?.key]));
  const wanted = new Set(ofHead.values());
  for (const [key, ref] of named.deletions) {
    if (subject.ended) return;
    const opened = await scrubDeletions(subject, ref);
    if (opened !== undefined && wanted.has(key)) deletions.set(key, opened);
  }
  const sound: SoundSegment[] = [];
  for (const [key, segment] of named.segments) {
    if (subject.ended) return;
    const ref = ofHead.get(key);
    const dead = ref === undefined ? undefined : deletions.get(ref);
    const found = await scrubSegment(subject, segment, dead);
    // Without its deletions nobody knows which of its ids are live.
    const known = ref === undefined || dead !== undefined;
    if (found !== undefined && known && ofHead.has(key)) sound.push(found);
  }
  await scrubLiveIds(subject, sound);
}
