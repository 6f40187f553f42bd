/**
 * Looks at every change of the bucket, in the order in which it happens, and holds it against the invariants that a
 * single change can break: 1, 2, 6, 7, 8, 12, 13, 20. Builds the witness (`reference.ts`) of each collection on the way.
 */
import type { Uid } from '../../core/base/ids.js';
import { limits } from '../../core/base/limits.js';
import { openHead } from '../../core/log/head-codec.js';
import { namesObject } from '../../core/log/head.js';
import { emptyBatch, tryDatedKey, tryJobOfKey } from '../../core/log/index.js';
import type { Batch, Head } from '../../core/log/index.js';
import { decodeBatch } from '../../core/log/batch-codec.js';
import { headCopyKey, slotKey } from '../../core/log/layout.js';
import { openRoot } from '../../core/log/root-codec.js';
import { openSlot } from '../../core/log/slot-codec.js';
import type { Bucket, BucketWatch, Stored } from './bucket.js';
import { keepsRange, keptFor, keptVersions, pinsSlot, slotFloor } from './kept.js';
import { digests } from './kernel.js';
import { ReferenceLog } from './reference.js';
import type { Taken } from './reference.js';
import type { Report } from './report.js';
import type { World } from './world.js';

/** How far two clocks may differ in the time they measure: see `Nature.rate`. */
export const RATE_MAX: number = Math.SQRT2;

export interface SimCollection {
  readonly uid: Uid;
  readonly name: string;
  readonly log: ReferenceLog;
  head: Head;
  /** All of its heads, by version. */
  readonly heads: Map<number, Head>;
  /** When each came, by the store's clock. */
  readonly headMs: Map<number, number>;
  /** Step and time at which it was made, and dropped. */
  readonly madeStep: number;
  droppedStep: number;
  /** When each floor came to be. */
  readonly floors: { readonly seq: number; readonly atMs: number }[];
  /** Highest sequence that somebody outside was told of, and that a later answer has to reach. */
  told: number;
  /** How `told` went up. */
  readonly toldAt: { readonly atMs: number; readonly seq: number }[];
}

export interface WatchOptions {
  readonly world: World;
  readonly bucket: Bucket;
  readonly report: Report;
  /** Told what took effect. */
  readonly effects: (taken: readonly Taken[]) => void;
}

const COLLECTION_KEY = /^c\/([0-9a-f]{32})\/(.*)$/;

export class Watch implements BucketWatch {
  readonly collections: Map<Uid, SimCollection> = new Map();
  readonly #world: World;
  readonly #bucket: Bucket;
  readonly #report: Report;
  readonly #effects: WatchOptions['effects'];

  constructor(options: WatchOptions) {
    this.#world = options.world;
    this.#bucket = options.bucket;
    this.#report = options.report;
    this.#effects = options.effects;
  }

  applied(key: string, now: Stored, before: Stored | undefined): void {
    const match = COLLECTION_KEY.exec(key);
    if (match === null) return;
    const [uid, rest] = [match[1] as Uid, match[2]!];
    if (rest === 'head') this.#headPut(uid, now, before);
    else if (rest.startsWith('log/')) this.#slotPut(this.#of(uid, key), key, now, before);
    else if (rest === 'root') openRoot(digests, uid, now.bytes);
    else
      this.#must(
        before === undefined || same(before.bytes, now.bytes),
        `8: ${key} was replaced by other bytes`,
      );
  }

  #must(condition: boolean, what: string): void {
    if (!condition) throw this.#world.fail(what);
  }

  #of(uid: Uid, key: string): SimCollection {
    const collection = this.collections.get(uid);
    if (collection === undefined) throw this.#world.fail(`12: ${key} came before a head`);
    return collection;
  }

  #headPut(uid: Uid, now: Stored, before: Stored | undefined): void {
    const head = openHead(digests, uid, now.bytes);
    const known = this.collections.get(uid);
    if (known === undefined) {
      this.#must(
        head.version === 1 && before === undefined,
        `12: ${uid} begins with version ${head.version}`,
      );
      const made: SimCollection = {
        uid,
        name: head.name,
        log: this.#beginning(head),
        head,
        heads: new Map([[1, head]]),
        headMs: new Map([[1, this.#world.storeClock.wallMs()]]),
        madeStep: this.#world.steps,
        droppedStep: head.state === 'active' ? Infinity : this.#world.steps,
        floors: [],
        told: 0,
        toldAt: [],
      };
      this.collections.set(uid, made);
      this.#foldIsTrue(made, head);
      return;
    }
    this.#must(before !== undefined, `12: the head of ${uid} comes back after it was deleted`);
    this.#headFollows(known.head, head, before!);
    this.#foldIsTrue(known, head);
    this.#retentionHolds(known, head);
    this.#restoresHold(known, head);
    if (head.gcFloor > known.head.gcFloor) {
      known.floors.push({ seq: head.gcFloor, atMs: this.#world.nowMs });
      this.#report.count('fences');
    }
    if (head.foldedSeq > known.head.foldedSeq) this.#report.count('folds');
    if (head.segments.some(({ key: k }) => !namesObject(known.head, k))) this.#report.count('compactions');
    if (head.state === 'dropped' && known.head.state === 'active') {
      known.droppedStep = this.#world.steps;
      this.#report.count('drops');
    }
    known.head = head;
    known.heads.set(head.version, head);
    known.headMs.set(head.version, this.#world.storeClock.wallMs());
  }

  /** Invariant 13: a branch begins with what its parent was, which keeps what it names. */
  #beginning({ uid, state, origin }: Head): ReferenceLog {
    if (origin === undefined || state === 'dropped') return new ReferenceLog();
    const parent = this.collections.get(origin.parent);
    const records = parent?.log.records(origin.seq);
    if (parent === undefined || records === undefined)
      throw this.#world.fail(`13: ${uid} is a branch of ${origin.parent} at ${origin.seq}, which never was`);
    const isListed = parent.head.branches.some((branch) => branch.uid === uid);
    this.#must(isListed || origin.lenders.length === 0, `13: branch ${uid} is not in its parent's head`);
    this.#report.count('branches');
    return new ReferenceLog({ seq: origin.seq, chain: parent.log.chainAt(origin.seq), records });
  }

  /** Invariants 6 and 12. */
  #headFollows(was: Head, is: Head, before: Stored): void {
    this.#must(is.version === was.version + 1, `12: head ${was.version} is followed by ${is.version}`);
    this.#must(is.nonces[0] === was.nonce, `12: head ${is.version} does not come from head ${was.version}`);
    this.#must(is.foldedSeq >= was.foldedSeq, `6: folded_seq went from ${was.foldedSeq} to ${is.foldedSeq}`);
    this.#must(is.gcFloor >= was.gcFloor, `6: gc_floor went from ${was.gcFloor} to ${is.gcFloor}`);
    const { version } = is.retainedFrom;
    this.#must(version >= was.retainedFrom.version, `6: retained_from went back to version ${version}`);
    this.#keepsWhatWasKept(was, is);
    this.#must(is.gcFloor <= is.foldedSeq, `7: gc_floor ${is.gcFloor} is above folded_seq ${is.foldedSeq}`);
    this.#must(was.state === 'active' || is.state === 'dropped', '21: a dropped collection came back');
    const copy = this.#bucket.objects.get(headCopyKey(is.uid, was.version));
    this.#must(copy !== undefined, `12: head ${was.version} was replaced without a copy`);
    this.#must(same(copy!.bytes, before.bytes), `12: the copy of head ${was.version} is another`);
  }

  /** Invariant 8: what is kept from now on was kept before. */
  #keepsWhatWasKept(was: Head, is: Head): void {
    const isNew = <T>(list: readonly T[], nameOf: (one: T) => string, one: T): boolean =>
      !list.some((other) => nameOf(other) === nameOf(one));
    const pins = is.pins.filter((pin) => isNew(was.pins, ({ name }) => name, pin));
    const restores = is.restores.filter((restore) => isNew(was.restores, ({ nonce }) => nonce, restore));
    const branches = is.branches.filter((branch) => isNew(was.branches, ({ uid }) => uid, branch));
    if (pins.length > 0) this.#report.count('snapshots');
    for (const range of [
      ...[...pins, ...restores].flatMap((one) => [one, ...one.under]),
      ...branches.map((branch) => ({ ...branch, seq: branch.foldedSeq })),
    ]) {
      const { version, seq } = range;
      this.#must(
        keepsRange(was, range),
        `8: the state at ${seq} of version ${version} is kept from now on, ${was.retainedFrom.version} was the oldest`,
      );
    }
  }

  /** Invariant 8: a restore is let go of when no state that is kept is made of its slot, and none can come any more. */
  #restoresHold({ head: was, log }: SimCollection, is: Head): void {
    for (const { nonce, after } of was.restores) {
      if (is.restores.some((restore) => restore.nonce === nonce)) continue;
      this.#report.count('restores let go');
      const last = Math.min(log.seq, after + limits.eligibleSlots);
      let at = last < after + limits.eligibleSlots ? Infinity : 0;
      for (let seq = after + 1; seq <= last; seq++)
        for (const { keyHash, restore } of log.slot(seq)?.slot.batches ?? [])
          if (restore?.nonce === nonce && log.taken.get(keyHash)?.seq === seq) at = seq;
      this.#must(
        at <= is.retainedFrom.seq,
        `8: the restore after ${after} at ${at} is let go of, ${is.retainedFrom.seq} is the oldest sequence that is kept`,
      );
    }
  }

  /** Of what is let go nothing was the newest within retention. */
  #retentionHolds({ head: was, headMs }: SimCollection, is: Head): void {
    const { version } = is.retainedFrom;
    if (version === was.retainedFrom.version || was.retentionMs === 0) return;
    const superseded = headMs.get(version) ?? Infinity;
    const agoMs = this.#world.storeClock.wallMs() - superseded;
    this.#must(
      agoMs >= was.retentionMs,
      `8: version ${version - 1} is let go ${agoMs} ms after it was superseded, ${was.retentionMs} are kept`,
    );
    this.#report.count('states let go by age');
  }

  /** Invariants 5, 10 and 20, as far as numbers tell: what is folded is the log up to there, one live row per id. */
  #foldIsTrue({ log }: SimCollection, head: Head): void {
    // What a tombstone names goes, but for what branches name.
    if (head.foldedSeq === 0 || head.state === 'dropped') return;
    const records = log.records(head.foldedSeq);
    if (records === undefined) throw this.#world.fail(`2: slot ${head.foldedSeq} is folded and never was`);
    const chain = log.chainAt(head.foldedSeq);
    this.#must(chain === head.foldedChain, `5: what is folded up to ${head.foldedSeq} is another log`);
    const live = head.segments.reduce((sum, segment) => sum + segment.live, 0);
    const ids = records.size;
    this.#must(live === ids, `20: ${live} live rows in segments for ${ids} records at ${head.foldedSeq}`);
    for (const { key, deletions } of head.segments) {
      for (const named of [key, deletions?.key ?? key]) {
        this.#must(
          this.#bucket.objects.has(named),
          `8: head ${head.version} names ${named}, which is not there`,
        );
      }
    }
  }

  #slotPut(collection: SimCollection, key: string, now: Stored, before: Stored | undefined): void {
    const place = tryDatedKey(collection.uid, key);
    this.#must(place?.kind === 'slot', `1: ${key} is not the key of a slot`);
    this.#must(before === undefined, `1: ${key} was replaced`);
    const seq = (place as { seq: number }).seq;
    const slot = openSlot(digests, collection.uid, seq as never, now.bytes);
    const { log, head } = collection;
    if (seq <= log.seq) {
      // A slot that was collected comes back: it must never count.
      this.#must(
        seq <= head.gcFloor || head.state === 'dropped',
        `1: slot ${seq} is written again above the floor`,
      );
      const again = log.slot(seq)?.slot.nonce === slot.nonce;
      this.#report.count(again ? 'slots that came back' : 'zombie slots');
      return;
    }
    this.#must(seq === log.seq + 1, `2: slot ${seq} comes after slot ${log.seq}`);
    const prev = log.chainAt(log.seq);
    this.#must(
      prev === undefined || prev === slot.prevChain,
      `5: slot ${seq} does not continue slot ${seq - 1}`,
    );
    this.#report.count('commits');
    const taken = log.add(slot, this.#batches(slot, key), this.#world.steps);
    for (const { carried, entry } of taken) {
      if (carried) this.#report.count('carried batches');
      if (entry.restore !== undefined) this.#report.count('restores');
    }
    this.#effects(taken);
  }

  #batches(slot: ReturnType<typeof openSlot>, key: string): readonly Batch[] {
    return slot.batches.map(({ content, restore }) => {
      const dimension = this.collections.get(slot.uid)!.head.schema.dimension;
      if (restore !== undefined) return emptyBatch(dimension);
      if (!('inline' in content)) throw this.#world.fail(`14: ${key} refers to a batch outside of it`);
      return decodeBatch(content.inline.slice(), dimension, { key, offset: 64 });
    });
  }

  /** Invariants 7 and 8. */
  deleted(key: string): void {
    const match = COLLECTION_KEY.exec(key);
    if (match === null) return;
    const collection = this.#of(match[1] as Uid, key);
    this.#report.count('deletes');
    const { head, uid } = collection;
    this.#nobodyBorrows(collection, key);
    if (head.state === 'dropped') {
      this.#must(match[2] !== 'head', `8: the tombstone of ${uid} was deleted`);
      return;
    }
    const place = tryDatedKey(uid, key);
    const job = tryJobOfKey(uid, key);
    if (place?.kind === 'slot') this.#slotDeleted(collection, place.seq);
    else if (place?.kind === 'head copy')
      this.#must(!keptVersions(head).includes(place.version), `8: kept copy ${place.version} was deleted`);
    else if (place?.kind === 'batch') {
      const upTo = place.after + limits.eligibleSlots;
      this.#must(
        upTo <= slotFloor(head) && !pinsSlot(head, place.after, upTo),
        `8: batch ${key} may still be referred to`,
      );
    } else if (job !== undefined) this.#outputDeleted(collection, key, job);
    else this.#must(false, `8: ${key} was deleted`);
  }

  /** Invariant 13, and 8 over all collections: no branch loses by what becomes of another. */
  #nobodyBorrows({ uid }: SimCollection, key: string): void {
    for (const other of this.collections.values()) {
      if (other.uid === uid || other.head.origin?.lenders.includes(uid) !== true) continue;
      const isNamed = other.head.state === 'active' && namesObject(other.head, key);
      this.#must(!isNamed, `13: ${key} was deleted, and ${other.uid} names it`);
      const version = keptFor(other, key);
      this.#must(
        version === undefined,
        `13: ${key} was deleted, and version ${version} of ${other.uid} names it`,
      );
    }
  }

  #slotDeleted({ head, uid, floors }: SimCollection, seq: number): void {
    this.#must(seq <= head.gcFloor, `7: slot ${seq} was deleted above the floor ${head.gcFloor}`);
    this.#must(
      seq <= slotFloor(head) && !pinsSlot(head, seq - 1, seq),
      `8: slot ${seq} was deleted, and a state that it is a part of is kept`,
    );
    const later = this.#bucket.list(`c/${uid}/log/`, { limit: 1 })[0];
    this.#must(
      later !== undefined && later.key < slotKey(uid, seq as never),
      `7: the highest slot ${seq} was deleted`,
    );
    const fenced = floors.find((floor) => floor.seq >= seq)!;
    const waitedMs = this.#world.nowMs - fenced.atMs;
    this.#must(
      waitedMs >= limits.fenceMs / RATE_MAX,
      `7: slot ${seq} was deleted ${waitedMs} ms after it was fenced`,
    );
  }

  #outputDeleted(collection: SimCollection, key: string, job: string): void {
    const { head } = collection;
    this.#must(!head.jobs.some(({ nonce }) => nonce === job), `8: ${key} was deleted under its job`);
    this.#must(!namesObject(head, key), `8: ${key} was deleted and the head names it`);
    const version = keptFor(collection, key);
    this.#must(version === undefined, `8: ${key} was deleted and the kept head ${version} names it`);
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
