/**
 * Checks everything that a store holds of its collections, as a function of the store: nothing is cached, nothing is taken
 * from an open database or from a cache before the bucket, and nothing is written unless it is asked to repair. What it finds is
 * in the result; it throws only where the store does not answer.
 */
import { CairnError } from '../../base/errors.js';
import type { Uid } from '../../base/ids.js';
import { logPrefix, wasUsed } from '../../log/index.js';
import type { Head } from '../../log/index.js';
import { accountingStore, passingStore } from '../../store/index.js';
import type { ListedObject } from '../../store/index.js';
import type { ScrubbedCollection, ScrubResult } from '../interface/index.js';
import { scrubEntry } from './catalog-scrub.js';
import type { EntryName } from './catalog-scrub.js';
import { scrubCollection } from './collection-scrub.js';
import { FindingList } from './findings.js';
import { reportUnknownKey } from './reachability.js';
import { entriesOf, reportStrangers, uidsOf } from './stored-keys.js';
import { openHeadOf } from './subject.js';
import type { ScrubContext } from './subject.js';

export interface ScrubRun {
  /** Absent: all of the store. */
  readonly collection: EntryName | undefined;
  readonly repair: boolean;
}

/** Throws `collection_not_found` where nothing is of the name that is asked for, and `unavailable`. */
export async function scrubStore(given: ScrubContext, run: ScrubRun): Promise<ScrubResult> {
  const store = accountingStore(passingStore(given.store));
  const context: ScrubContext = { ...given, store };
  const findings = new FindingList();
  const collections: ScrubbedCollection[] = [];
  const mayRepair = (head: Head): Promise<boolean> =>
    run.repair ? isAlone(context, head) : Promise.resolve(false);
  const isUnborn = (uid: Uid): Promise<boolean> => isListed(context, uid);
  const uids =
    run.collection === undefined ? all(context, run, findings) : one(context, run, run.collection, findings);
  for await (const uid of uids) {
    if (context.signal.aborted) break;
    collections.push(await scrubCollection(context, uid, { mayRepair, isUnborn }));
  }
  const { requests, bytesRead } = store.snapshot();
  return { ...totals(collections, findings), requests, bytesRead, complete: !context.signal.aborted };
}

function totals(
  collections: readonly ScrubbedCollection[],
  found: FindingList,
): Omit<ScrubResult, 'requests' | 'bytesRead' | 'complete'> {
  const places = [found.result, ...collections];
  const sum = (of: (place: (typeof places)[number]) => number): number =>
    places.reduce((total, place) => total + of(place), 0);
  const errorsTotal = sum(({ errors }) => errors);
  const noticesTotal = sum(({ notices }) => notices);
  const kept = sum(({ findings }) => findings.length);
  const leftOut = errorsTotal + noticesTotal - kept;
  return { collections, ...found.result, errorsTotal, noticesTotal, leftOut };
}

/** The catalog and what is strange, then the collections, one by one. */
async function* all(
  context: ScrubContext,
  { repair }: ScrubRun,
  findings: FindingList,
): AsyncGenerator<Uid, void, undefined> {
  const { store, signal } = context;
  const onUnknown = (object: ListedObject): void => reportUnknownKey(findings, object);
  await reportStrangers(store, onUnknown);
  for await (const name of entriesOf(store, onUnknown)) {
    if (signal.aborted) return;
    await scrubEntry(context, name, { findings, repair });
  }
  yield* uidsOf(store, onUnknown);
}

/** What the name leads to. Where it leads nowhere, every head of that name: an entry may be lost. */
async function* one(
  context: ScrubContext,
  { repair }: ScrubRun,
  named: EntryName,
  findings: FindingList,
): AsyncGenerator<Uid, void, undefined> {
  const uid = await scrubEntry(context, named, { findings, repair });
  if (uid !== undefined) {
    yield uid;
    return;
  }
  let found = findings.result.errors > 0;
  for await (const other of uidsOf(context.store, () => {})) {
    const head = await tryHead(context, other);
    if (head?.state !== 'active' || !isOf(head, named)) continue;
    found = true;
    yield other;
  }
  if (found) return;
  throw new CairnError('not_found', 'collection_not_found', `there is no collection ${named.name}`, {
    details: { collection: named.name },
  });
}

async function tryHead(context: ScrubContext, uid: Uid): Promise<Head | undefined> {
  const opened = await openHeadOf(context, uid);
  return opened.status === 'sound' ? opened.value.head : undefined;
}

function isOf(head: Head, { namespace, name }: EntryName): boolean {
  return head.namespace === namespace && head.name === name;
}

/**
 * Whether no other head of that name is in use, or may be: one that cannot be read could be of any name. Then an entry that
 * is lost can have led to this one only. Cost: 1 LIST and 1 GET for each collection of the store.
 */
async function isAlone(context: ScrubContext, head: Head): Promise<boolean> {
  for await (const uid of uidsOf(context.store, () => {})) {
    if (uid === head.uid) continue;
    const other = await tryHead(context, uid);
    if (other === undefined) return false;
    if (other.state !== 'active' || !isOf(other, head)) continue;
    if (wasUsed(other, await context.store.list(logPrefix(uid), { limit: 1 }))) return false;
  }
  return true;
}

/** Whether a head lists the collection as a branch. Cost: as `isAlone`. */
async function isListed(context: ScrubContext, uid: Uid): Promise<boolean> {
  for await (const other of uidsOf(context.store, () => {})) {
    const head = await tryHead(context, other);
    if (head?.branches.some((branch) => branch.uid === uid) === true) return true;
  }
  return false;
}
