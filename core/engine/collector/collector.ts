/**
 * Garbage collection: deletes what nothing needs. Of live collections what lies below a fence (`fence.ts`), of dropped
 * ones everything but the head, and heads that never got a name.
 *
 * Fence, then delete: the collector waits D after having read the fence back itself, however long ago it was raised.
 */
import {
  buryUnborn,
  collectionPrefix,
  COLLECTIONS_PREFIX,
  logPrefix,
  returnLoans,
  tryReadHead,
  wasUsed,
  WORK_PREFIX,
  workKey,
} from '../../log/index.js';
import type { Head, LogContext } from '../../log/index.js';
import { CairnError } from '../../base/errors.js';
import { isUid } from '../../base/ids.js';
import type { Uid } from '../../base/ids.js';
import { limits } from '../../base/limits.js';
import type { Ports } from '../../base/ports.js';
import type { ObjectStore } from '../../store/index.js';
import type { CollectResult } from '../interface/index.js';
import { garbageBehind, raiseFence } from './fence.js';
import type { Fence } from './fence.js';
import { lookAt } from './look.js';
import type { Look } from './look.js';

/** A head without an entry may belong to a create that is still under way. No create takes this long. */
const ORPHAN_AGE_MS = 24 * 60 * 60 * 1_000;

/** What a collector asks of the catalog of names. */
export interface Names {
  readonly namespace: Uid;
  find(name: string): Promise<Uid | undefined>;
  fence(head: Pick<Head, 'name' | 'uid'>): Promise<boolean>;
  retire(uid: Uid): Promise<void>;
}

export interface CollectorOptions {
  readonly store: ObjectStore;
  readonly ports: Ports;
  readonly catalog: Names;
  /** Of this process: its memory budget. */
  readonly memoryBytes: number;
}

/** Objects deleted, and their bytes. */
interface Deleted {
  readonly objects: number;
  readonly bytes: number;
}

export class Collector {
  readonly #options: CollectorOptions;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /**
   * Everything, once: fences, waits, deletes. A corrupt head is left alone and reported at the end: all other collections
   * are collected before that. Ends early where `signal` is aborted.
   */
  async run(signal?: AbortSignal): Promise<CollectResult> {
    const failures: unknown[] = [];
    const uids = await this.uids();
    for (const uid of uids) await this.unlessCorrupt(failures, () => this.retireOrphan(uid));
    const hinted = await this.hinted();
    const fences = new Map<Uid, Fence>();
    for (const uid of new Set([...uids, ...hinted])) {
      if (signal?.aborted === true) break;
      await this.unlessCorrupt(failures, async () => {
        const look = await this.look(uid);
        const fence = look?.garbage === true ? await raiseFence(this.context(uid), look.head) : undefined;
        if (fence !== undefined) fences.set(uid, fence);
        if (look !== undefined) await this.tendBranches(look.head);
      });
    }
    // Only what was fenced before this wait may be deleted after it.
    if (fences.size > 0) await this.#options.ports.sleep(limits.fenceMs, signal);
    let [objects, bytes, collections] = [0, 0, 0];
    for (const [uid, fence] of fences) {
      if (signal?.aborted === true) break;
      const deleted = await this.unlessCorrupt(failures, () => this.deleteBehind(uid, fence));
      objects += deleted?.objects ?? 0;
      bytes += deleted?.bytes ?? 0;
      if (fence.state === 'dropped') collections++;
    }
    for (const uid of hinted) await this.unlessCorrupt(failures, () => this.forgetIfDone(uid));
    if (failures.length > 0) throw failures[0];
    return { objects, bytes, collections };
  }

  context(uid: Uid): LogContext {
    const { store, ports } = this.#options;
    return { store, ports, uid };
  }

  /** `lookAt`. */
  look(uid: Uid): Promise<Look | undefined> {
    return lookAt(this.context(uid), this.#options.memoryBytes);
  }

  /** Undefined, and the error in `failures`, where an object of this collection is damaged. */
  async unlessCorrupt<T>(failures: unknown[], work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof CairnError && error.kind === 'corrupt')) throw error;
      failures.push(error);
      return undefined;
    }
  }

  /** What a branch names of others ends with its fence. Cost: nothing for what is no branch and has none. */
  async tendBranches({ uid, origin, branches }: Head): Promise<void> {
    if ((origin?.lenders.length ?? 0) === 0 && branches.length === 0) return;
    const context = this.context(uid);
    const loaded = await tryReadHead(context);
    if (loaded === undefined) return;
    await buryUnborn(context, loaded.head, ORPHAN_AGE_MS);
    if (origin === undefined || !(await returnLoans(context, loaded.head))) return;
    // What the parent kept for it alone is garbage now. Best effort: the pass of the day finds it too.
    await context.store.put(workKey(origin.parent), new Uint8Array(0), { if: 'any' }).catch(() => {});
  }

  /** Requires: D has passed since `raiseFence` gave this fence. */
  async deleteBehind(uid: Uid, fence: Fence): Promise<Deleted> {
    const garbage = await garbageBehind(this.context(uid), fence);
    await this.#delete(garbage.map(({ key }) => key));
    return { objects: garbage.length, bytes: garbage.reduce((sum, { size }) => sum + size, 0) };
  }

  /** Deletes the hint where nothing is left to do. A writer whose hint is lost that way soon puts another. */
  async forgetIfDone(uid: Uid): Promise<boolean> {
    const look = await this.look(uid);
    const left = look !== undefined && (look.garbage || look.due || look.head.jobs.length > 0);
    if (!left) await this.#delete([workKey(uid)]);
    return !left;
  }

  async #delete(keys: readonly string[]): Promise<void> {
    for (let at = 0; at < keys.length; at += limits.deleteKeys) {
      await this.#options.store.delete(keys.slice(at, at + limits.deleteKeys));
    }
  }

  /** Collections that somebody has left a hint for. */
  async hinted(): Promise<readonly Uid[]> {
    const listed = await this.#options.store.list(WORK_PREFIX);
    return listed.map(({ key }) => key.slice(WORK_PREFIX.length)).filter(isUid);
  }

  async uids(): Promise<readonly Uid[]> {
    const uids: Uid[] = [];
    for await (const uid of this.uidsAfter(undefined)) uids.push(uid);
    return uids;
  }

  /** Every uid behind this one that has objects, in order: one key of each, then on behind its prefix. Cost: 1 LIST each. */
  async *uidsAfter(last: Uid | undefined): AsyncGenerator<Uid, void, undefined> {
    // U+10FFFF sorts behind every character that a key of ours has.
    const behind = (uid: Uid): string => `${collectionPrefix(uid)}\u{10ffff}`;
    let after = last === undefined ? COLLECTIONS_PREFIX : behind(last);
    for (;;) {
      const [first] = await this.#options.store.list(COLLECTIONS_PREFIX, { after, limit: 1 });
      if (first === undefined) return;
      const uid = first.key.slice(COLLECTIONS_PREFIX.length, COLLECTIONS_PREFIX.length + 32);
      if (isUid(uid) && first.key.startsWith(collectionPrefix(uid))) {
        yield uid;
        after = behind(uid);
      } else {
        // Nothing of ours.
        after = first.key;
      }
    }
  }

  /**
   * An active head whose name stands for another collection, or for none, was made by a create that died: unless it was ever
   * swapped, or has a slot. Then it was found by its name once, and what is lost is the entry.
   */
  async retireOrphan(uid: Uid): Promise<void> {
    const { store, catalog } = this.#options;
    const loaded = await tryReadHead(this.context(uid));
    if (loaded?.head.state !== 'active' || loaded.head.namespace !== catalog.namespace) return;
    if ((await catalog.find(loaded.head.name)) === uid) return;
    if (wasUsed(loaded.head, await store.list(logPrefix(uid), { limit: 1 }))) return;
    // Both dates are the store's own.
    const marked = await store.put(workKey(uid), new Uint8Array(0), { if: 'any' });
    if (marked.status !== 'applied' || marked.modifiedMs - loaded.modifiedMs < ORPHAN_AGE_MS) return;
    // The age is a courtesy. What makes it safe is that no put of the entry that is still under way can win.
    if (await catalog.fence(loaded.head)) await catalog.retire(uid);
  }
}
