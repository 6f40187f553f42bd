/**
 * Names of collections. An entry maps a name to a uid, or to none; it is only ever changed by compare-and-swap. (The
 * store port has no conditional delete, and an unconditional one could remove the entry of a collection that was made
 * under the same name a moment ago, so a dropped name keeps a small vacant entry.)
 *
 * Each state of an entry has a nonce: where a store's version is a hash of the content, a put that was long under way
 * must not find an old state come back.
 */
import { CairnError, inDoubt } from '../base/errors.js';
import { newNonce, newUid } from '../base/ids.js';
import type { Uid } from '../base/ids.js';
import { limits } from '../base/limits.js';
import type { Ports } from '../base/ports.js';
import {
  entryKey,
  entryPrefix,
  firstHead,
  headKey,
  openEntry,
  sealEntry,
  sealHead,
  swapHead,
  tryNameOfHex,
  tryReadHead,
  workKey,
} from '../log/index.js';
import type { CollectionSchema, Head } from '../log/index.js';
import { putDecided, retryDelayMs } from '../store/index.js';
import type { ObjectStore, PutOptions, PutResult, StoreVersion } from '../store/index.js';

export interface CatalogOptions {
  readonly store: ObjectStore;
  readonly ports: Ports;
  readonly namespace: Uid;
}

interface Entry {
  /** Null: the name is vacant. */
  readonly uid: Uid | null;
  readonly token: StoreVersion;
}

export interface Created {
  readonly head: Head;
  /** False where an active collection of that name was there. */
  readonly created: boolean;
}

export class Catalog {
  readonly #options: CatalogOptions;

  constructor(options: CatalogOptions) {
    this.#options = options;
  }

  get namespace(): Uid {
    return this.#options.namespace;
  }

  /** The uid that a name stands for, if any. Whether its head is active is for the caller to see. Cost: 1 GET. */
  async find(name: string): Promise<Uid | undefined> {
    return (await this.#read(name))?.uid ?? undefined;
  }

  async #read(name: string): Promise<Entry | undefined> {
    const { store, ports, namespace } = this.#options;
    const key = entryKey(namespace, name);
    const got = await store.get(key);
    if (got.status !== 'found') return undefined;
    return { uid: openEntry(ports.digests, key, got.bytes), token: got.version };
  }

  /** The head of the active collection of that name, if any. Cost: 2 GET. */
  async findHead(name: string): Promise<Head | undefined> {
    const uid = await this.find(name);
    return uid === undefined ? undefined : await this.#activeHead(uid);
  }

  /** Makes a collection, or finds the active one of that name. Cost: 3 GET and 2 PUT, or 2 GET. */
  async create(name: string, schema: CollectionSchema): Promise<Created> {
    for (let round = 0; round < limits.casRounds; round++) {
      const entry = await this.#read(name);
      const there =
        entry?.uid === undefined || entry.uid === null ? undefined : await this.#activeHead(entry.uid);
      if (there !== undefined) return { head: there, created: false };
      const active = await this.#tryPut(this.#newHead(name, schema), entry);
      if (active !== undefined) return { head: active, created: true };
      await this.#wait(round);
    }
    throw contended(`collection ${name} could not be created`);
  }

  /**
   * Makes a collection of the first head of a branch, which nobody has put yet. Throws `conflict` (`collection_exists`)
   * where there is one of that name. Cost: 3 GET and 2 PUT.
   */
  async adopt(head: Head): Promise<void> {
    const { store, ports } = this.#options;
    const entry = await this.#read(head.name);
    const uid = entry?.uid ?? undefined;
    const isFree = uid === undefined || (await this.#activeHead(uid)) === undefined;
    if (isFree && (await this.#tryPut(head, entry)) !== undefined) return;
    if (!isFree) {
      // Never to be: a tombstone gives back what its parent keeps for it.
      await this.#decide(headKey(head.uid), sealHead(ports.digests, { ...head, state: 'dropped' }), 'absent');
      await store.put(workKey(head.uid), new Uint8Array(0), { if: 'any' }).catch(() => {});
    }
    throw nameTaken(head.name);
  }

  /** Throws `conflict` (`collection_exists`). Cost: 2 GET. */
  async mustBeFree(name: string): Promise<void> {
    if ((await this.findHead(name)) !== undefined) throw nameTaken(name);
  }

  /** The head and its entry. Requires: the entry was read before. Undefined where the name has come to stand for another. */
  async #tryPut(head: Head, entry: Entry | undefined): Promise<Head | undefined> {
    const { ports } = this.#options;
    await this.#decide(headKey(head.uid), sealHead(ports.digests, head), 'absent');
    const condition: PutOptions['if'] = entry === undefined ? 'absent' : { version: entry.token };
    await this.#putEntry(head.name, head.uid, condition);
    // Whatever the put said, the entry decides. A collector may have taken the head for an orphan in between.
    const uid = await this.find(head.name);
    const active = uid === head.uid ? await this.#activeHead(uid) : undefined;
    if (active === undefined) await this.retire(head.uid);
    return active;
  }

  /**
   * Drops the collection of that name. False where there is none. The head's swap is the moment: what it throws after that has outcome
   * `unknown`.
   */
  async drop(name: string): Promise<boolean> {
    const entry = await this.#read(name);
    if (entry?.uid === undefined || entry.uid === null) return false;
    const was = await this.#activeHead(entry.uid);
    await this.retire(entry.uid);
    try {
      // Refused: the name has another collection by now, and is its business.
      await this.#putEntry(name, null, { version: entry.token });
    } catch (error) {
      throw inDoubt(error);
    }
    return was !== undefined;
  }

  /** Makes a head dropped, and leaves a hint for the collector. */
  async retire(uid: Uid): Promise<void> {
    const { store, ports } = this.#options;
    await swapHead({ store, ports, uid }, (head) =>
      head.state === 'active' ? { state: 'dropped' } : undefined,
    );
    // Best effort: a collector finds the head without it, only later.
    await store.put(workKey(uid), new Uint8Array(0), { if: 'any' }).catch(() => {});
  }

  /**
   * Makes sure that the name will never stand for this head, where it does not yet; false where it does. A creator reads
   * the entry before it puts the head: with the entry changed since, its own put of the entry is refused, however late.
   */
  async fence({ name, uid }: Pick<Head, 'name' | 'uid'>): Promise<boolean> {
    for (let round = 0; round < limits.casRounds; round++) {
      const entry = await this.#read(name);
      if (entry?.uid === uid) return false;
      const condition: PutOptions['if'] = entry === undefined ? 'absent' : { version: entry.token };
      const result = await this.#putEntry(name, entry?.uid ?? null, condition);
      if (result.status === 'applied') return true;
      await this.#wait(round);
    }
    throw contended(`the entry of ${name} could not be changed`);
  }

  /** Names with an entry, vacant ones included, in the order of their bytes. Cost: 1 LIST. */
  async names(prefix: string, after: string, limit: number): Promise<readonly string[]> {
    const { store, namespace } = this.#options;
    const keys = entryPrefix(namespace);
    const names: string[] = [];
    let last = after === '' ? keys : entryKey(namespace, after);
    while (names.length < limit) {
      const wanted = limit - names.length;
      const listed = await store.list(entryKey(namespace, prefix), { after: last, limit: wanted });
      // A key that is nobody's name is passed over: one odd object must not hide all others.
      names.push(...listed.flatMap(({ key }) => tryNameOfHex(key.slice(keys.length)) ?? []));
      if (listed.length < wanted) break;
      last = listed.at(-1)!.key;
    }
    return names;
  }

  async #activeHead(uid: Uid): Promise<Head | undefined> {
    const { store, ports } = this.#options;
    const loaded = await tryReadHead({ store, ports, uid });
    return loaded?.head.state === 'active' ? loaded.head : undefined;
  }

  #newHead(name: string, schema: CollectionSchema): Head {
    const { ports, namespace } = this.#options;
    const nonce = newNonce(ports.random);
    return firstHead({
      uid: newUid(ports.random),
      nonce,
      namespace,
      name,
      schema,
      createdMs: ports.clock.wallMs(),
    });
  }

  async #putEntry(name: string, uid: Uid | null, condition: PutOptions['if']): Promise<PutResult> {
    const { ports, namespace } = this.#options;
    const key = entryKey(namespace, name);
    return await this.#decide(key, sealEntry(ports, key, { name, uid }), condition);
  }

  /** Never `unknown`. A refusal may hide an earlier try that won: the caller reads the object. */
  async #decide(key: string, bytes: Uint8Array, condition: PutOptions['if']): Promise<PutResult> {
    const { store, ports } = this.#options;
    const result = await putDecided(store, ports, { key, bytes, if: condition });
    if (result.status !== 'unknown') return result;
    throw contended(`the store did not decide a put of ${key}`);
  }

  async #wait(round: number): Promise<void> {
    const { ports } = this.#options;
    await ports.sleep(retryDelayMs(round, ports.random));
  }
}

function nameTaken(name: string): CairnError {
  return new CairnError('conflict', 'collection_exists', `collection ${name} exists`, {
    details: { collection: name },
    outcome: 'not_applied',
  });
}

function contended(what: string): CairnError {
  return new CairnError('unavailable', 'catalog_contended', `${what} in ${limits.casRounds} tries`, {
    outcome: 'unknown',
    retryAfterS: 1,
  });
}
