/** What keys a store has: collections, names, and what is none of either. In pages or one at a time, never all at once. */
import { isUid } from '../../base/ids.js';
import type { Uid } from '../../base/ids.js';
import { limits } from '../../base/limits.js';
import {
  collectionPrefix,
  COLLECTIONS_PREFIX,
  entryKey,
  PASS_KEY,
  tryNameOfHex,
  WORK_PREFIX,
} from '../../log/index.js';
import type { ListedObject, ObjectStore } from '../../store/index.js';
import type { EntryName } from './catalog-scrub.js';

const CATALOG_PREFIX = 'catalog/';
const PREFIXES: readonly string[] = [COLLECTIONS_PREFIX, CATALOG_PREFIX, WORK_PREFIX];
/** Sorts behind every character that a key of ours has. */
const LAST = '\u{10ffff}';
/** Of keys that belong to nothing, so many are passed over: a bucket that others use may have any number of them. */
const STRANGERS_MAX = 1_000;

type OnUnknown = (object: ListedObject) => void;

/** Every uid that has objects. Cost: 1 LIST of one key for each. */
export async function* uidsOf(
  store: ObjectStore,
  onUnknown: OnUnknown,
): AsyncGenerator<Uid, void, undefined> {
  for (let after = COLLECTIONS_PREFIX, strangers = 0; strangers < STRANGERS_MAX;) {
    const [first] = await store.list(COLLECTIONS_PREFIX, { after, limit: 1 });
    if (first === undefined) return;
    const uid = first.key.slice(COLLECTIONS_PREFIX.length, COLLECTIONS_PREFIX.length + 32);
    if (isUid(uid) && first.key.startsWith(collectionPrefix(uid))) {
      after = collectionPrefix(uid) + LAST;
      yield uid;
      continue;
    }
    onUnknown(first);
    after = first.key;
    strangers++;
  }
}

/** Every name that has an entry, vacant ones included. Cost: 1 LIST for each 1,000. */
export async function* entriesOf(
  store: ObjectStore,
  onUnknown: OnUnknown,
): AsyncGenerator<EntryName, void, undefined> {
  for await (const object of allOf(store, CATALOG_PREFIX)) {
    const [namespace = '', hex = ''] = object.key.slice(CATALOG_PREFIX.length).split('/', 2);
    const name = tryNameOfHex(hex);
    if (name !== undefined && isUid(namespace) && object.key === entryKey(namespace, name)) {
      yield { namespace, name };
    } else onUnknown(object);
  }
}

/** Keys that are under no prefix of ours, and hints that are none. Cost: 1 LIST for each key, and 1 for each prefix. */
export async function reportStrangers(store: ObjectStore, onUnknown: OnUnknown): Promise<void> {
  for await (const object of allOf(store, WORK_PREFIX)) {
    const isHint = object.key === PASS_KEY || isUid(object.key.slice(WORK_PREFIX.length));
    if (!isHint) onUnknown(object);
  }
  for (let after = '', strangers = 0; strangers < STRANGERS_MAX;) {
    const [first] = await store.list('', after === '' ? { limit: 1 } : { after, limit: 1 });
    if (first === undefined) return;
    const prefix = PREFIXES.find((known) => first.key.startsWith(known));
    after = prefix === undefined ? first.key : prefix + LAST;
    if (prefix !== undefined) continue;
    onUnknown(first);
    strangers++;
  }
}

async function* allOf(store: ObjectStore, prefix: string): AsyncGenerator<ListedObject, void, undefined> {
  for (let after: string | undefined; ;) {
    const limit = limits.listLimit;
    const listed = await store.list(prefix, after === undefined ? { limit } : { after, limit });
    yield* listed;
    if (listed.length < limit) return;
    after = listed.at(-1)!.key;
  }
}
