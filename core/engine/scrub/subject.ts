/**
 * One collection as a check goes by it: a head and a listing between two reads of that head, so that neither is newer than
 * the other, and the means to tell what is lost from what was collected since.
 *
 * Others write, fold and collect meanwhile. All objects but the head are created once and never changed, so what is wrong
 * with one that is there is wrong for good. What is missed counts only where a head that was read after the miss still
 * needs it: a collector raises the floor before it deletes, so that head tells. Nor does a slot below the floor of a newer
 * head count: a stalled writer may have put it where another was collected.
 */
import { limits } from '../../base/limits.js';
import type { Uid } from '../../base/ids.js';
import type { ArenaPool } from '../../kernel/index.js';
import {
  collectionPrefix,
  headKey,
  keepsSlot,
  keepsVersion,
  namesObject,
  openHead,
} from '../../log/index.js';
import type { Head, LogContext } from '../../log/index.js';
import type { ListedObject } from '../../store/index.js';
import type { FindingList } from './findings.js';
import { openObject } from './opened.js';
import type { Opened } from './opened.js';

export interface ScrubContext extends Omit<LogContext, 'uid'> {
  /** Memory for the indexes of segments. */
  readonly pool: ArenaPool;
  /** Makes room in it. False where nothing is left that could go. */
  readonly evict: () => boolean;
  readonly signal: AbortSignal;
}

export interface ReadHead {
  readonly head: Head;
  readonly bytes: Uint8Array;
}

/** Cost: 1 GET. */
export async function openHeadOf({ store, ports }: ScrubContext, uid: Uid): Promise<Opened<ReadHead>> {
  return await openObject(store, headKey(uid), (bytes) => ({
    head: openHead(ports.digests, uid, bytes),
    bytes,
  }));
}

/** What lies under a collection's prefix, with its head. */
export interface Look {
  readonly opened: Opened<ReadHead>;
  readonly listed: readonly ListedObject[];
}

/** A head and a listing that belong together. Cost: 2 GET, 1 LIST; again where the head was swapped meanwhile. */
export async function lookAtStored(context: ScrubContext, uid: Uid): Promise<Look> {
  for (let round = 1; ; round++) {
    const before = await openHeadOf(context, uid);
    const listed = await context.store.list(collectionPrefix(uid));
    const opened = await openHeadOf(context, uid);
    // Always another head: then what is missed is asked of the newest one, as ever.
    if (versionOf(opened) === versionOf(before) || round === limits.freshenRounds) return { opened, listed };
  }
}

function versionOf(opened: Opened<ReadHead>): number | undefined {
  return opened.status === 'sound' ? opened.value.head.version : undefined;
}

export interface SubjectParts extends ReadHead {
  readonly listed: readonly ListedObject[];
  readonly findings: FindingList;
}

export class Subject {
  readonly context: ScrubContext;
  readonly uid: Uid;
  readonly head: Head;
  readonly headBytes: Uint8Array;
  readonly listed: readonly ListedObject[];
  readonly findings: FindingList;
  readonly #sizes: ReadonlyMap<string, number>;
  #objects = 0;
  #bytes = 0;

  constructor(context: ScrubContext, { head, bytes, listed, findings }: SubjectParts) {
    this.context = context;
    this.uid = head.uid;
    this.head = head;
    this.headBytes = bytes;
    this.listed = listed;
    this.findings = findings;
    this.#sizes = new Map(listed.map(({ key, size }) => [key, size]));
  }

  /** The caller has had enough. */
  get ended(): boolean {
    return this.context.signal.aborted;
  }

  get checked(): { readonly objects: number; readonly bytes: number } {
    return { objects: this.#objects, bytes: this.#bytes };
  }

  /** Counts an object that was looked at as a whole. */
  count(key: string): void {
    this.#objects++;
    this.#bytes += this.#sizes.get(key) ?? 0;
  }

  /** `openObject`, counted where it is sound. */
  async open<T>(key: string, make: (bytes: Uint8Array) => T): Promise<Opened<T>> {
    const opened = await openObject(this.context.store, key, make);
    if (opened.status === 'sound') this.count(key);
    return opened;
  }

  /** Whether it was not dropped meanwhile. Cost, of this and the next: 1 GET. */
  async isActive(): Promise<boolean> {
    return (await this.newest()).state === 'active';
  }

  /** Whether what lies at `seq` of the log still counts. */
  async keepsSlot(seq: number): Promise<boolean> {
    const head = await this.newest();
    return head.state === 'active' && keepsSlot(head, seq);
  }

  /** Whether the copy of that version of the head has to be there. */
  async keepsVersion(version: number): Promise<boolean> {
    const head = await this.newest();
    return head.state === 'active' && keepsVersion(head, version);
  }

  /** Whether an object has to be there that `version` of the head names. */
  async needs(key: string, version: number): Promise<boolean> {
    const head = await this.newest();
    return head.state === 'active' && (namesObject(head, key) || keepsVersion(head, version));
  }

  async newestVersion(): Promise<number> {
    return (await this.newest()).version;
  }

  /** A head that cannot be read now changes nothing: what was known of it stands. */
  async newest(): Promise<Head> {
    const opened = await openHeadOf(this.context, this.uid);
    return opened.status === 'sound' ? opened.value.head : this.head;
  }
}
