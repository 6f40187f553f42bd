/**
 * Garbage collection: deletes what nothing needs. In this release that is what dropped collections leave behind, and
 * heads that never got a name.
 *
 * Fence, then delete: a head is durably `dropped` before anything is deleted, and the collector waits D after having
 * read that itself. A reader that saw the head active in between has been answered or will look again (its reading
 * must take less than D/2).
 */
import {
  headKey,
  collectionPrefix,
  COLLECTIONS_PREFIX,
  tryReadHead,
  WORK_PREFIX,
  workKey,
} from '../log/index.js';
import { CairnError } from '../base/errors.js';
import { isUid } from '../base/ids.js';
import type { Uid } from '../base/ids.js';
import { limits } from '../base/limits.js';
import type { Ports } from '../base/ports.js';
import type { ListedObject, ObjectStore } from '../store/index.js';
import type { Catalog } from './catalog.js';
import type { CollectResult } from './interface/index.js';

/** A head without an entry may belong to a create that is still under way. No create takes this long. */
const ORPHAN_AGE_MS = 24 * 60 * 60 * 1_000;

export interface CollectorOptions {
  readonly store: ObjectStore;
  readonly ports: Ports;
  readonly catalog: Catalog;
}

export class Collector {
  readonly #options: CollectorOptions;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /** A corrupt head is left alone and reported at the end: all other collections are collected before that. */
  async run(): Promise<CollectResult> {
    const { ports } = this.#options;
    const failures: unknown[] = [];
    for (const uid of await this.#uids()) {
      await this.#unlessCorrupt(failures, () => this.#retireOrphan(uid));
    }
    const hinted = await this.#hinted();
    const dropped: Uid[] = [];
    for (const uid of hinted) {
      const garbage = await this.#unlessCorrupt(failures, async () => {
        return (await this.#isDropped(uid)) ? await this.#garbage(uid) : [];
      });
      if (garbage !== undefined && garbage.length > 0) dropped.push(uid);
    }
    // Only what was read as dropped before this wait may be deleted after it.
    if (dropped.length > 0) await ports.sleep(limits.fenceMs);
    let objects = 0;
    let bytes = 0;
    for (const uid of dropped) {
      // Listed again: a writer that had read the head before it was dropped may have put a slot since.
      const garbage = await this.#garbage(uid);
      await this.#delete(garbage.map(({ key }) => key));
      objects += garbage.length;
      bytes += garbage.reduce((sum, { size }) => sum + size, 0);
    }
    await this.#delete(hinted.map(workKey));
    if (failures.length > 0) throw failures[0];
    return { objects, bytes, collections: dropped.length };
  }

  async #unlessCorrupt<T>(failures: unknown[], work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof CairnError && error.kind === 'corrupt')) throw error;
      failures.push(error);
      return undefined;
    }
  }

  /** Everything but the head, which stays as a tombstone: a stalled writer must find it dropped, not missing. */
  async #garbage(uid: Uid): Promise<readonly ListedObject[]> {
    const listed = await this.#options.store.list(collectionPrefix(uid));
    return listed.filter(({ key }) => key !== headKey(uid));
  }

  async #delete(keys: readonly string[]): Promise<void> {
    for (let at = 0; at < keys.length; at += limits.deleteKeys) {
      await this.#options.store.delete(keys.slice(at, at + limits.deleteKeys));
    }
  }

  /** All of them: every tombstone is hinted anew in each run, so the first thousand would always be the same. */
  async #hinted(): Promise<readonly Uid[]> {
    const listed = await this.#options.store.list(WORK_PREFIX);
    return listed.map(({ key }) => key.slice(WORK_PREFIX.length)).filter(isUid);
  }

  /** Every uid that has objects: one key of each, then on behind its prefix. */
  async #uids(): Promise<readonly Uid[]> {
    const uids: Uid[] = [];
    let after = COLLECTIONS_PREFIX;
    for (;;) {
      const [first] = await this.#options.store.list(COLLECTIONS_PREFIX, { after, limit: 1 });
      if (first === undefined) return uids;
      const uid = first.key.slice(COLLECTIONS_PREFIX.length, COLLECTIONS_PREFIX.length + 32);
      if (isUid(uid) && first.key.startsWith(collectionPrefix(uid))) {
        uids.push(uid);
        // U+10FFFF sorts behind every character that a key of ours has.
        after = `${collectionPrefix(uid)}\u{10ffff}`;
      } else {
        // Nothing of ours.
        after = first.key;
      }
    }
  }

  async #isDropped(uid: Uid): Promise<boolean> {
    const loaded = await tryReadHead({ ...this.#options, uid });
    return loaded?.head.state === 'dropped';
  }

  /** An active head whose name stands for another collection, or for none, was made by a create that died. */
  async #retireOrphan(uid: Uid): Promise<void> {
    const { store, ports, catalog } = this.#options;
    const loaded = await tryReadHead({ store, ports, uid });
    if (loaded === undefined || loaded.head.namespace !== catalog.namespace) return;
    if (loaded.head.state === 'active') {
      if ((await catalog.find(loaded.head.name)) === uid) return;
      // Both dates are the store's own.
      const marked = await store.put(workKey(uid), new Uint8Array(0), { if: 'any' });
      if (marked.status !== 'applied' || marked.modifiedMs - loaded.modifiedMs < ORPHAN_AGE_MS) return;
      // The age is a courtesy. What makes it safe is that no put of the entry that is still under way can win.
      if (!(await catalog.fence(loaded.head))) return;
    }
    await catalog.retire(uid);
  }
}
