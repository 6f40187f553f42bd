/**
 * What somebody outside sees: calls, when they began and ended, and what they were told. Each answer is held against the
 * witness as it comes in: invariants 1, 3, 4, 5, 9, 11, 14, 18, 19, 21, and how old an `eventual` answer may be.
 */
import type { Uid } from '../../core/base/ids.js';
import { limits } from '../../core/base/limits.js';
import type { Records, Taken } from './reference.js';
import { RATE_MAX } from './watch.js';
import type { SimCollection, Watch } from './watch.js';
import type { World } from './world.js';

/** What a record looks like from outside. */
export type Seen = Readonly<Record<string, string>>;

export interface WriteInput {
  readonly upsert?: readonly { readonly id: string; readonly x: number }[];
  readonly remove?: readonly string[];
  readonly hide?: readonly string[];
  readonly restore?: readonly string[];
  /** Adds a field to the metadata. */
  readonly patch?: { readonly id: string; readonly p: number };
  /** The collection goes back to what it was at that sequence. */
  readonly goBack?: number;
}

export interface WriteCall {
  readonly kind: 'write';
  readonly collection: string;
  readonly key: string;
  readonly keyHash: string;
  readonly input: WriteInput;
  readonly startMs: number;
  readonly startStep: number;
  endMs: number;
  endStep: number;
  /** Of its last try. */
  tryStep: number;
  /** An earlier try may have taken effect. */
  uncertain: boolean;
  end: 'acknowledged' | 'refused' | 'unknown';
  readonly atStart: ReadonlyMap<Uid, number>;
  /** How many keys each log had taken. */
  readonly keysAtStart: ReadonlyMap<Uid, number>;
}

export interface ReadCall {
  readonly kind: 'read';
  readonly collection: string;
  readonly consistency: 'strong' | 'eventual';
  readonly startMs: number;
  readonly startStep: number;
  endMs: number;
  endStep: number;
  seen: Seen;
  readonly atStart: ReadonlyMap<Uid, number>;
}

export type Call = WriteCall | ReadCall;

/** How old an `eventual` answer may be, by anybody's clock. */
const STALE_MS = limits.eventualStalenessMs * RATE_MAX;

export class History {
  readonly calls: Call[] = [];
  readonly byKey: Map<string, WriteCall> = new Map();
  readonly #world: World;
  readonly #watch: () => Watch;

  constructor(world: World, watch: () => Watch) {
    this.#world = world;
    this.#watch = watch;
  }

  #named(name: string): SimCollection[] {
    return [...this.#watch().collections.values()].filter((collection) => collection.name === name);
  }

  atStart(name: string): ReadonlyMap<Uid, number> {
    return new Map(this.#named(name).map(({ uid, told }) => [uid, told]));
  }

  begin(call: Pick<WriteCall, 'collection' | 'key' | 'keyHash' | 'input'>): WriteCall {
    const { nowMs: startMs, steps: startStep } = this.#world;
    const begun: WriteCall = {
      ...call,
      kind: 'write',
      startMs,
      startStep,
      endMs: Infinity,
      endStep: Infinity,
      tryStep: startStep,
      uncertain: false,
      end: 'unknown',
      atStart: this.atStart(call.collection),
      keysAtStart: new Map(this.#named(call.collection).map(({ uid, log }) => [uid, log.taken.size])),
    };
    this.calls.push(begun);
    this.#world.note(`${call.key} begins: ${JSON.stringify(call.input)}`);
    this.byKey.set(call.keyHash, begun);
    return begun;
  }

  beginRead(collection: string, consistency: ReadCall['consistency']): ReadCall {
    const { nowMs: startMs, steps: startStep } = this.#world;
    const atStart = this.atStart(collection);
    const open = { endMs: Infinity, endStep: Infinity, seen: {} };
    return { kind: 'read', collection, consistency, startMs, startStep, atStart, ...open };
  }

  #end(call: Call): void {
    call.endMs = this.#world.nowMs;
    call.endStep = this.#world.steps;
  }

  #tell(collection: SimCollection, seq: number): void {
    if (seq <= collection.told) return;
    collection.told = seq;
    collection.toldAt.push({ atMs: this.#world.nowMs, seq });
  }

  acknowledged(call: WriteCall, seq: number): Taken {
    this.#end(call);
    this.#world.note(`${call.key} acknowledged at ${seq}`);
    call.end = 'acknowledged';
    const right = this.#mustHold(call, seq);
    const told = call.atStart.get(right.uid) ?? 0;
    if (seq <= told)
      throw this.#world.fail(`4: ${call.key} was acknowledged at ${seq}, when it began ${told} was known`);
    this.#mustBeCurrent(call, right);
    this.#tell(right, seq);
    return right.log.taken.get(call.keyHash)!;
  }

  /** The collection whose log has the key at that sequence, above the moment at which it was dropped. */
  #mustHold(call: WriteCall, seq: number): SimCollection {
    const faults: string[] = [];
    for (const collection of this.#named(call.collection)) {
      const taken = collection.log.taken.get(call.keyHash);
      if (taken === undefined) continue;
      const { step } = collection.log.slot(taken.seq)!;
      const { droppedStep } = collection;
      if (taken.seq !== seq)
        faults.push(`11: ${call.key} was acknowledged at ${seq}, the log has it at ${taken.seq}`);
      else if (step > droppedStep || call.tryStep > droppedStep)
        faults.push(`21: ${call.key} was acknowledged at ${seq} of a dropped collection`);
      else return collection;
    }
    throw this.#world.fail(faults.join('; ') || `3: ${call.key} was acknowledged at ${seq} and is in no log`);
  }

  /**
   * Whether so many keys have come since that the window may not hold the call's any more. Outside of the simulator that takes
   * 65,536; who has no first tail to show must not repeat it then.
   */
  mayHavePassed({ collection, keysAtStart }: WriteCall): boolean {
    return this.#named(collection).some(({ uid, log }) => {
      return log.taken.size - (keysAtStart.get(uid) ?? 0) > limits.windowKeys - limits.keysPerSlot;
    });
  }

  refused(call: WriteCall): void {
    this.#end(call);
    call.end = 'refused';
  }

  gaveUp(call: WriteCall): void {
    this.#end(call);
    call.end = 'unknown';
  }

  /** What was told of one collection of that name is true of it until it is dropped, whatever is told of another. */
  #mustBeCurrent(call: Call, answered: SimCollection): void {
    for (const [uid, told] of call.atStart) {
      const other = this.#watch().collections.get(uid)!;
      if (other === answered || told === 0 || other.droppedStep < this.#world.steps) continue;
      throw this.#world.fail(`3: ${call.collection} is ${uid}, ${answered.uid} answered`);
    }
  }

  answered(call: ReadCall, seq: number, seen: Seen): SimCollection {
    this.#end(call);
    call.seen = seen;
    this.calls.push(call);
    this.#world.note(`read ${call.consistency} from step ${call.startStep} at ${seq}`);
    const strong = call.consistency === 'strong';
    const faults: string[] = [];
    for (const collection of this.#named(call.collection)) {
      const fault = this.#readFault(call, collection, seq);
      if (fault !== undefined) {
        faults.push(fault);
        continue;
      }
      if (strong) this.#mustBeCurrent(call, collection);
      this.#tell(collection, seq);
      return collection;
    }
    throw this.#world.fail(faults.join('; ') || `12: ${call.collection} was read and never was`);
  }

  /** Of a read as of a sequence: it is of one of the collections of that name. */
  answeredPast(name: string, asOf: number, seen: Seen): void {
    const faults = this.#named(name).map(({ uid, log }) => {
      const records = log.records(asOf);
      if (records === undefined) return `5: a read is as of ${asOf} of ${uid}, which ends at ${log.seq}`;
      const differs = difference(seenOf(records), seen);
      return differs === undefined ? undefined : `5: a read of ${uid} as of ${asOf} differs: ${differs}`;
    });
    if (faults.every((fault) => fault !== undefined)) throw this.#world.fail(faults.join('; '));
  }

  /** Invariant 13: of the newest state, as strong as a read. `since`: by `atStart`. */
  branched(parent: string, since: ReadonlyMap<Uid, number>, seq: number): void {
    const right = this.#named(parent).some(({ uid, log }) => {
      return log.records(seq) !== undefined && seq >= (since.get(uid) ?? 0);
    });
    if (!right) throw this.#world.fail(`13: a branch of ${parent} begins at ${seq}, later ones were known`);
  }

  /** Sequences whose states may be asked for. Requires: the name has stood for one collection all along. */
  keptOf(name: string): { readonly from: number; readonly to: number } {
    const { head, log } = this.#named(name)[0]!;
    return { from: head.retainedFrom.seq, to: log.seq };
  }

  /** Whether the name has stood for one collection all along. */
  wasNeverDropped(name: string): boolean {
    return this.#named(name).length === 1 && this.#named(name)[0]!.droppedStep === Infinity;
  }

  #readFault(call: ReadCall, collection: SimCollection, seq: number): string | undefined {
    const { uid, log, droppedStep, toldAt } = collection;
    const strong = call.consistency === 'strong';
    if (strong && droppedStep < call.startStep) return `21: ${uid} was dropped and answered a read`;
    const records = log.records(seq);
    if (records === undefined) return `5: a read is at ${seq} of ${uid}, which ends at ${log.seq}`;
    const expected = seenOf(records);
    const differs = difference(expected, call.seen);
    if (differs !== undefined) return `5: a read of ${uid} at ${seq} differs: ${differs}`;
    const since = call.startMs - STALE_MS;
    const old = toldAt.findLast(({ atMs }) => atMs < since)?.seq ?? 0;
    const least = strong ? (call.atStart.get(uid) ?? 0) : old;
    if (seq < least) return `3: a ${call.consistency} read of ${uid} is at ${seq}, ${least} was known before`;
    return undefined;
  }

  /** Invariant 9, once nothing is on its way any more. */
  checkRefused(): void {
    for (const call of this.calls) {
      if (call.kind !== 'write' || call.end !== 'refused') continue;
      // On a collection that was dropped nothing counts any more.
      const holder = this.#named(call.collection).find(
        ({ log, droppedStep }) => log.taken.has(call.keyHash) && droppedStep === Infinity,
      );
      if (holder === undefined) continue;
      const { seq } = holder.log.taken.get(call.keyHash)!;
      throw this.#world.fail(`9: ${call.key} was reported as not applied and took effect at ${seq}`);
    }
  }
}

/** The visible records. */
function seenOf(records: Records): Seen {
  const seen: Record<string, string> = {};
  for (const [id, { x, text, hidden }] of records) if (!hidden) seen[id] = `${x} ${text}`;
  return seen;
}

function difference(expected: Seen, found: Seen): string | undefined {
  for (const id of new Set([...Object.keys(expected), ...Object.keys(found)])) {
    if (expected[id] !== found[id]) return `${id} is ${found[id]} and should be ${expected[id]}`;
  }
  return undefined;
}
