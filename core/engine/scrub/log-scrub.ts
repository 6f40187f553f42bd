/**
 * The log as it is there: slots above the floor, and those that the past is kept for, without holes (invariant 2), each
 * sound to the last hash, joined to the one before and to what heads say that they folded; the batches that slots refer
 * to; the inbox, of which nothing depends.
 *
 * Cost: 1 GET per slot that is kept, per batch object and per object of the inbox; memory for one of them.
 */
import { bytesToHex } from '../../base/bytes.js';
import { corrupt } from '../../base/errors.js';
import type { CairnError } from '../../base/errors.js';
import { sequence } from '../../base/ids.js';
import { openSealed } from '../../base/sealed-object.js';
import {
  batchKey,
  CHAIN_START,
  decodeBatch,
  inboxPrefix,
  isInReach,
  isInTime,
  keepsSlot,
  keptStates,
  logPrefix,
  openSlot,
  slotKey,
  tryDatedKey,
} from '../../log/index.js';
import type { Batch, Head, OpenedSlot, RestoreTarget, SlotBatch } from '../../log/index.js';
import type { Checkpoint } from './named-objects.js';
import { isCorrupt } from './opened.js';
import type { Subject } from './subject.js';
import type { WindowAgreement } from './window-agreement.js';

export interface LogFacts {
  /** By `foldedSeq`. */
  readonly checkpoints: ReadonlyMap<number, Checkpoint>;
  /** Undefined where nothing is folded, or its window is damaged. */
  readonly window: WindowAgreement | undefined;
}

interface Point {
  readonly seq: number;
  readonly chain: string;
  readonly label: number;
}

/** Answers with the keys of batch objects that slots refer to. */
export async function scrubLog(subject: Subject, facts: LogFacts): Promise<ReadonlySet<string>> {
  const { head } = subject;
  const slots = keyedPlaces(subject, 'slot').sort((a, b) => a.at - b.at);
  const highest = slots.at(-1)?.at ?? 0;
  await reportLostTail(subject, highest);
  const start = startOf(head);
  const walk = new LogWalk(subject, { ...facts, highest, start });
  let expected = start + 1;
  for (const { at: seq } of slots) {
    if (subject.ended) break;
    // The highest slot stays, whatever the floor.
    if (!keepsSlot(head, seq) && seq < highest) continue;
    if (seq > expected) await walk.hole(expected, seq - 1);
    await walk.visit(seq);
    expected = seq + 1;
  }
  await scrubInbox(subject);
  return walk.referenced;
}

/** Before the first slot that is kept. */
function startOf(head: Head): number {
  let start = Math.min(head.gcFloor, head.retainedFrom.seq);
  for (const { foldedSeq, seq } of keptStates(head)) if (foldedSeq < seq) start = Math.min(start, foldedSeq);
  return start;
}

interface WalkFacts extends LogFacts {
  readonly highest: number;
  readonly start: number;
}

interface KeyedPlace {
  readonly key: string;
  /** Of a slot its sequence, of a batch the sequence that it was written after. */
  readonly at: number;
}

function keyedPlaces({ uid, listed }: Subject, kind: 'slot' | 'batch'): KeyedPlace[] {
  return listed.flatMap(({ key }): KeyedPlace[] => {
    const place = tryDatedKey(uid, key);
    if (place?.kind === 'slot' && kind === 'slot') return [{ key, at: place.seq }];
    return place?.kind === 'batch' && kind === 'batch' ? [{ key, at: place.after }] : [];
  });
}

/** The newest slots leave no hole behind: what was folded, or written after them, tells that they were there. */
async function reportLostTail(subject: Subject, highest: number): Promise<void> {
  const { head, findings, uid } = subject;
  const folds = head.jobs.flatMap(({ fold }) => (fold === undefined ? [] : [fold.to as number]));
  const afters = keyedPlaces(subject, 'batch').map(({ at }) => at);
  // What a branch began with was never in its log.
  const folded = head.foldedSeq > (head.origin?.seq ?? 0) ? head.foldedSeq : 0;
  const told = [folded, ...folds, ...afters].reduce((a, b) => Math.max(a, b), 0);
  if (told <= highest || told <= (await highestNow(subject)) || !(await subject.isActive())) return;
  const key = slotKey(uid, sequence(told));
  findings.error('slot_missing', { key, message: `the log ends at slot ${highest}, and reached ${told}` });
}

async function highestNow({ context, uid }: Subject): Promise<number> {
  const [newest] = await context.store.list(logPrefix(uid), { limit: 1 });
  const place = newest === undefined ? undefined : tryDatedKey(uid, newest.key);
  return place?.kind === 'slot' ? place.seq : 0;
}

class LogWalk {
  readonly referenced = new Set<string>();
  readonly #subject: Subject;
  readonly #facts: WalkFacts;
  /** The slot before; undefined where that is not known. */
  #before: Point | undefined;

  constructor(subject: Subject, facts: WalkFacts) {
    const { start } = facts;
    this.#subject = subject;
    this.#facts = facts;
    this.#before = start === 0 ? { seq: 0, chain: CHAIN_START, label: 0 } : this.#checkpoint(start);
  }

  #checkpoint(seq: number): Point | undefined {
    const known = this.#facts.checkpoints.get(seq);
    return known && { seq, chain: known.foldedChain, label: known.foldedLabel };
  }

  /** Slots `from` to `to` are not in the listing: the last of them that are kept should be. */
  async hole(from: number, to: number): Promise<void> {
    const { findings, uid, head } = this.#subject;
    this.#before = this.#checkpoint(to);
    const isKept = (seq: number): boolean => keepsSlot(head, seq) || seq === this.#facts.highest;
    let last = to;
    while (last >= from && !isKept(last)) last--;
    if (last < from || !(await this.#counts(last))) return;
    let first = last;
    while (first > from && isKept(first - 1)) first--;
    const which = first === last ? `slot ${last} is` : `slots ${first} to ${last} are`;
    const key = slotKey(uid, sequence(last));
    findings.error('slot_missing', { key, message: `${which} not there, and later ones are` });
  }

  async visit(seq: number): Promise<void> {
    const { context, uid, findings } = this.#subject;
    const key = slotKey(uid, sequence(seq));
    const opened = await this.#subject.open(key, (bytes) =>
      openSlot(context.ports.digests, uid, sequence(seq), bytes),
    );
    if (opened.status === 'absent') {
      await this.hole(seq, seq);
      return;
    }
    // Those of a slot that turns out to be below the floor by now are not told.
    const told: (() => void)[] = [];
    if (opened.status === 'damaged') {
      told.push(() => findings.corrupt('slot_corrupt', opened.error));
      this.#before = this.#checkpoint(seq);
    } else {
      this.#join(opened.value, key, told);
      for (const batch of opened.value.batches) await this.#batch(opened.value, batch, told);
    }
    if (told.length > 0 && (await this.#counts(seq))) for (const tell of told) tell();
  }

  /** Whether it still matters what is at `seq`. */
  async #counts(seq: number): Promise<boolean> {
    const highest = seq === this.#facts.highest && (await highestNow(this.#subject)) <= seq;
    return highest ? await this.#subject.isActive() : await this.#subject.keepsSlot(seq);
  }

  #join(slot: OpenedSlot, key: string, told: (() => void)[]): void {
    const { findings, head } = this.#subject;
    const before = this.#before?.seq === slot.seq - 1 ? this.#before : undefined;
    const label = Math.max(slot.label, before?.label ?? slot.label);
    this.#before = { seq: slot.seq, chain: slot.chain, label };
    if (before !== undefined && slot.prevChain !== before.chain) {
      const message = `slot ${slot.seq} follows another slot than the one before it`;
      told.push(() => findings.error('chain_broken', { key, message, offset: 120 }));
    }
    if (before !== undefined && slot.label < before.label) {
      const message = `slot ${slot.seq} has the label ${slot.label}, and the one before it ${before.label}`;
      told.push(() => findings.error('label_back', { key, message, offset: 72 }));
    }
    const folded = this.#facts.checkpoints.get(slot.seq);
    if (folded !== undefined && (folded.foldedChain !== slot.chain || folded.foldedLabel !== label)) {
      const message = `version ${folded.version} of the head folded another slot ${slot.seq}`;
      told.push(() => findings.error('chain_broken', { key, message }));
    }
    const fault = this.#facts.window?.faultOf(slot);
    if (fault !== undefined) {
      const message = `the window of the head: ${fault}`;
      told.push(() => findings.error('window_mismatch', { key: head.window?.key ?? key, message }));
    }
  }

  async #batch(slot: OpenedSlot, entry: SlotBatch, told: (() => void)[]): Promise<void> {
    const { findings, uid } = this.#subject;
    const { content } = entry;
    const slotAt = slotKey(uid, slot.seq);
    if (entry.restore !== undefined) await this.#restore(slot, entry.restore, told);
    if ('inline' in content) {
      const fault = this.#faultOfContent(slotAt, entry, content.inline);
      if (fault !== undefined) told.push(() => findings.corrupt('batch_corrupt', fault));
      return;
    }
    const key = batchKey(uid, content.after, content.uuid);
    this.referenced.add(key);
    const { digests } = this.#subject.context.ports;
    const opened = await this.#subject.open(key, (bytes) => {
      const body = openSealed(digests, { kind: 'BAT', key }, bytes);
      const fault = this.#faultOfContent(key, entry, body);
      if (fault !== undefined) throw fault;
    });
    if (!isInReach(slot.seq, content.after)) {
      const message = `slot ${slot.seq} refers to a batch that was written after slot ${content.after}`;
      told.push(() => findings.error('slot_corrupt', { key: slotAt, message }));
    }
    if (opened.status === 'absent') {
      const message = `the batch of ${content.bytes} bytes that slot ${slot.seq} refers to is not there`;
      told.push(() => findings.error('batch_missing', { key, message }));
    }
    if (opened.status === 'damaged') told.push(() => findings.corrupt('batch_corrupt', opened.error));
  }

  /** A slot that goes back to a state is of no use without that state. */
  async #restore(slot: OpenedSlot, restore: RestoreTarget, told: (() => void)[]): Promise<void> {
    const { findings, uid } = this.#subject;
    const isNeeded = (head: Head): boolean =>
      slot.seq > head.retainedFrom.seq && !keepsRestore(head, restore);
    if (!slot.batches.every((batch) => isInTime(slot, batch)) || !isNeeded(this.#subject.head)) return;
    if (!isNeeded(await this.#subject.newest())) return;
    const message = `slot ${slot.seq} goes back to ${restore.seq}, which the head does not keep for it`;
    told.push(() => findings.error('restore_unkept', { key: slotKey(uid, slot.seq), message }));
  }

  /** Readers of a slot trust its pages; the hash says that these are the bytes that were acknowledged. */
  #faultOfContent(
    key: string,
    { contentSha, restore }: SlotBatch,
    bytes: Uint8Array,
  ): CairnError | undefined {
    const { context, head } = this.#subject;
    const sha = bytesToHex(context.ports.digests.sha256(bytes));
    if (sha !== contentSha)
      return corrupt({ key, offset: 64, expected: `content ${contentSha}`, found: sha });
    if (restore !== undefined) return undefined;
    try {
      mustBeRecords(decodeBatch(bytes, head.schema.dimension, { key, offset: 64 }), key);
      return undefined;
    } catch (error) {
      if (isCorrupt(error)) return error;
      throw error;
    }
  }
}

function keepsRestore({ restores }: Head, { nonce, version, seq }: RestoreTarget): boolean {
  return restores.some((one) => one.nonce === nonce && one.version === version && one.seq === seq);
}

function mustBeRecords({ metadata }: Batch, key: string): void {
  for (const text of metadata) {
    let document: unknown;
    try {
      document = text === '' ? {} : JSON.parse(text);
    } catch {
      document = undefined;
    }
    if (typeof document === 'object' && document !== null && !Array.isArray(document)) continue;
    throw corrupt({ key, offset: 64, expected: 'metadata that are JSON objects', found: text.slice(0, 40) });
  }
}

/** What waits to be carried. Its own writer sees to a batch that nobody can read, so that is no loss. */
async function scrubInbox(subject: Subject): Promise<void> {
  const { uid, context, findings } = subject;
  const prefix = inboxPrefix(uid);
  for (const { key, at } of keyedPlaces(subject, 'batch')) {
    if (subject.ended) return;
    if (!key.startsWith(prefix)) continue;
    const opened = await subject.open(key, (bytes) =>
      openSlot(context.ports.digests, uid, sequence(at), bytes, { kind: 'INB', key }),
    );
    if (opened.status !== 'damaged') continue;
    findings.notice('inbox_corrupt', { key, message: opened.error.message });
  }
}
