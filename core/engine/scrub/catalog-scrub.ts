/**
 * Names and heads against each other: an entry names a head that is there and of that name, and a head that is in use is
 * what its name stands for.
 *
 * A create puts the head first and the entry last, so a head alone may be one of a create that died, or is under way. One
 * that has a slot, or a second version, was found by its name once: then the entry is lost. A collector tells the two apart in
 * the same way.
 */
import type { Uid } from '../../base/ids.js';
import { entryKey, headKey, openEntry, sealEntry, wasUsed } from '../../log/index.js';
import type { Head } from '../../log/index.js';
import { putDecided } from '../../store/index.js';
import type { PutOptions, StoreVersion } from '../../store/index.js';
import type { FindingList } from './findings.js';
import { openObject } from './opened.js';
import type { Opened } from './opened.js';
import { openHeadOf } from './subject.js';
import type { ScrubContext, Subject } from './subject.js';

interface FoundEntry {
  /** Null: the name is vacant. */
  readonly uid: Uid | null;
  readonly token: StoreVersion;
}

export interface EntryName {
  readonly namespace: Uid;
  readonly name: string;
}

const keyOf = ({ namespace, name }: EntryName): string => entryKey(namespace, name);

async function openEntryOf({ store, ports }: ScrubContext, key: string): Promise<Opened<FoundEntry>> {
  return await openObject(store, key, (bytes, token) => ({
    uid: openEntry(ports.digests, key, bytes),
    token,
  }));
}

async function tryUidOf(context: ScrubContext, key: string): Promise<Uid | null | undefined> {
  const entry = await openEntryOf(context, key);
  return entry.status === 'sound' ? entry.value.uid : undefined;
}

/** An entry, as it leads to its head. Answers with the uid that it names. Cost: 2 GET; 1 more where something is wrong. */
export async function scrubEntry(
  context: ScrubContext,
  named: EntryName,
  { findings, repair }: { readonly findings: FindingList; readonly repair: boolean },
): Promise<Uid | undefined> {
  const key = keyOf(named);
  const entry = await openEntryOf(context, key);
  if (entry.status === 'damaged') findings.corrupt('entry_corrupt', entry.error);
  if (entry.status !== 'sound' || entry.value.uid === null) return undefined;
  const { uid, token } = entry.value;
  const opened = await openHeadOf(context, uid);
  // Told where the collection is looked at.
  if (opened.status === 'damaged') return uid;
  const head = opened.status === 'sound' ? opened.value.head : undefined;
  const right = head?.name === named.name && head.namespace === named.namespace;
  if (right && head.state === 'active') return uid;
  // Somebody may have dropped it, and vacated the name, between the two reads.
  if ((await tryUidOf(context, key)) !== uid) return undefined;
  if (head === undefined) {
    findings.error('entry_without_head', { key, message: `it names ${uid}, which has no head` });
  } else if (head.state === 'dropped') {
    // What whoever drops a collection does last, on the same condition.
    const repaired = repair && (await putEntry(context, named, { uid: null, if: { version: token } }));
    findings.notice('entry_of_dropped', { key, message: `it names ${uid}, which was dropped`, repaired });
  } else {
    findings.error('entry_mismatch', { key, message: `it names ${uid}, whose own name is ${head.name}` });
  }
  return uid;
}

/** Whether it took place. */
async function putEntry(
  { store, ports }: ScrubContext,
  named: EntryName,
  entry: PutOptions & { readonly uid: Uid | null },
): Promise<boolean> {
  const key = keyOf(named);
  const bytes = sealEntry(ports, key, { name: named.name, uid: entry.uid });
  return (await putDecided(store, ports, { key, bytes, if: entry.if })).status === 'applied';
}

/**
 * An active head, as its name leads to it. `mayRepair`: whether an entry that is lost can be made anew without a guess.
 * Cost: 1 GET; 1 more where something is wrong.
 */
export async function scrubName(
  subject: Subject,
  mayRepair: (head: Head) => Promise<boolean>,
): Promise<void> {
  const { head, context, findings, listed, uid } = subject;
  const key = keyOf(head);
  const entry = await openEntryOf(context, key);
  // A damaged entry is told where entries are looked at.
  if (entry.status === 'damaged') return;
  const found = entry.status === 'sound' ? entry.value.uid : undefined;
  if (found === uid || !(await subject.isActive())) return;
  if (!wasUsed(head, listed)) {
    const message = `${head.name} does not lead to it: a create that died, or is under way`;
    findings.notice('head_unnamed', { key: headKey(uid), message });
    return;
  }
  if (found !== undefined) {
    const message = `it names ${found ?? 'no collection'}, and not ${uid}, which was in use`;
    findings.error('entry_mismatch', { key, message });
    return;
  }
  const repaired = (await mayRepair(head)) && (await putEntry(context, head, { uid, if: 'absent' }));
  findings.error('entry_missing', { key, message: `no entry leads to ${uid}, which was in use`, repaired });
}
