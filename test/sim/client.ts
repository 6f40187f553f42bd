/**
 * Somebody outside who calls whichever server is there, repeats a write under its key where nobody could say what became
 * of it, and does not always wait for the answer.
 */
import { CairnError } from '../../core/base/errors.js';
import type { Collection } from '../../core/index.js';
import { hashKey } from '../../core/log/pending-write.js';
import type { Chance } from '../log/virtual-time.js';
import type { Fleet, Host } from './fleet.js';
import type { History, ReadCall, Seen, WriteCall, WriteInput } from './history.js';
import { digests } from './kernel.js';
import type { Report } from './report.js';
import type { World } from './world.js';

const IDS: readonly string[] = ['a', 'b', 'c', 'd', 'e'];
const TRIES_MAX = 6;
const TIMEOUTS_MS = [500, 3_000, 30_000, 100_000];
/** Of one run, its first collections included. */
const BRANCHES_MAX = 5;
/** Codes of a call on a past that is not kept, or is another collection's; and of a restore that lost every race. */
const MISSED = ['sequence_out_of_range', 'contended'];
const READ_LIMITS_MS = [3_000, 30_000, 120_000, 120_000];

export interface ClientOptions {
  readonly name: string;
  readonly world: World;
  readonly report: Report;
  readonly fleet: Fleet;
  readonly history: History;
  readonly chance: Chance;
  /** How many servers there are: their lanes are 0 and up. */
  readonly servers: number;
  /** All clients add their branches. */
  readonly collections: string[];
}

let lastX = 0;

/** Every value comes once in a run, so that a read tells which write it saw. */
export function restartValues(): void {
  lastX = 0;
}

/** A snapshot that this client made, and nobody else deletes. */
interface OwnSnapshot {
  readonly collection: string;
  readonly name: string;
  readonly sequence: number;
}

export class Client {
  readonly #options: ClientOptions;
  #keys = 0;
  #snapshots: OwnSnapshot[] = [];
  /** The highest sequence that it has heard of. */
  #heard = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  async write(input: WriteInput = this.#input(), collection?: string): Promise<void> {
    const { name, chance, history, collections } = this.#options;
    const key = `${name}-${this.#keys++}`;
    const call = history.begin({
      collection: collection ?? chance.pick(collections),
      key,
      keyHash: hashKey(digests, key),
      input,
    });
    let firstTail: number | undefined;
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      if (tries > 0) await this.#options.world.sleep(chance.pick([0, 50, 2_000, 40_000]));
      if (call.uncertain && firstTail === undefined && history.mayHavePassed(call)) break;
      const end = await this.#try(call, firstTail);
      if (end === 'ended') return;
      firstTail = end ?? firstTail;
      if (chance.happens(0.1)) break;
    }
    history.gaveUp(call);
  }

  #host(): Host {
    const { fleet, chance, servers } = this.#options;
    return fleet.host(chance.below(servers));
  }

  /** What to present as the first tail at the next try, or that there is none. */
  async #try(call: WriteCall, firstTail: number | undefined): Promise<'ended' | number | undefined> {
    const { history, world, chance, report } = this.#options;
    const { process, database } = this.#host();
    call.tryStep = world.steps;
    const damaged = process.damaged;
    const options = {
      idempotencyKey: call.key,
      timeoutMs: chance.pick(TIMEOUTS_MS),
      ...(firstTail === undefined ? {} : { firstTail }),
    };
    try {
      const answer = await process.call(() =>
        send(database.collection(call.collection), call.input, options),
      );
      if (answer === undefined) {
        call.uncertain = true;
        return undefined;
      }
      history.acknowledged(call, answer.sequence);
      report.count('acknowledged');
      return 'ended';
    } catch (error) {
      tolerate(error, process.damaged > damaged, call.input.goBack === undefined ? [] : MISSED);
      if (error.outcome === 'unknown') {
        call.uncertain = true;
        report.count('outcome unknown');
        const told = error.details['first_tail'];
        return typeof told === 'number' ? told : undefined;
      }
      // A collection that is gone may have taken it before it went, and readers may have seen it there.
      if (error.kind === 'not_found') call.uncertain = true;
      if (call.uncertain || chance.happens(0.5)) return undefined;
      history.refused(call);
      return 'ended';
    }
  }

  #input(): WriteInput {
    const { chance } = this.#options;
    const dice = chance.below(20);
    const id = chance.pick(IDS);
    if (dice < 11) {
      const ids = new Set(Array.from({ length: 1 + chance.below(3) }, () => chance.pick(IDS)));
      return { upsert: Array.from(ids, (one) => ({ id: one, x: ++lastX })) };
    }
    if (dice < 13) return { remove: [id, chance.pick(IDS)] };
    if (dice < 14) return { hide: [id] };
    if (dice < 15) return { restore: [id] };
    return { patch: { id, p: ++lastX } };
  }

  async read(consistency: ReadCall['consistency']): Promise<void> {
    const { chance, history, collections, report } = this.#options;
    const { process, database } = this.#host();
    const name = chance.pick(collections);
    const damaged = process.damaged;
    const call = history.beginRead(name, consistency);
    try {
      const answer = await process.call(() =>
        fetchAll(database.collection(name), consistency, chance.pick(READ_LIMITS_MS)),
      );
      if (answer === undefined) return;
      history.answered(call, answer.sequence, answer.seen);
      this.#heard = Math.max(this.#heard, answer.sequence);
      report.count(`${consistency} reads`);
    } catch (error) {
      tolerate(error, process.damaged > damaged);
    }
  }

  /** Makes a snapshot, deletes one, sets retention, reads the past, goes back to it, or branches. */
  async timeTravel(): Promise<void> {
    const { chance, collections } = this.#options;
    const dice = chance.below(20);
    const name = chance.pick(collections);
    if (dice < 5) await this.#createSnapshot(name);
    else if (dice < 6) await this.#deleteSnapshot();
    else if (dice < 8) await this.#call(({ database }) => setRetention(database.collection(name), chance));
    else if (dice < 11) await this.#goBack(name);
    else if (dice < 14) await this.#branch(name);
    else await this.#readPast(name);
  }

  async #goBack(name: string): Promise<void> {
    const { collection, asOf } = this.#pastOf(name);
    await this.write({ goBack: asOf }, collection);
  }

  async #branch(name: string): Promise<void> {
    const { chance, history, collections, name: client } = this.#options;
    if (collections.length >= BRANCHES_MAX) return;
    const { collection, asOf } = chance.happens(0.4)
      ? this.#pastOf(name)
      : { collection: name, asOf: undefined };
    const branch = `${client}-b${this.#keys++}`;
    const since = history.atStart(collection);
    const made = await this.#call(({ database }) =>
      database.collection(collection).branch(branch, asOf === undefined ? {} : { asOf }),
    );
    if (made === undefined) return;
    if (asOf === undefined) history.branched(collection, since, made.sequence);
    collections.push(branch);
  }

  /** A snapshot of its own, or any sequence that it has heard of. */
  #pastOf(name: string): { readonly collection: string; readonly asOf: number; readonly isOwn: boolean } {
    const { chance } = this.#options;
    const own = this.#snapshots.length > 0 && chance.happens(0.7) ? chance.pick(this.#snapshots) : undefined;
    const asOf = own?.sequence ?? chance.below(this.#heard + 1);
    return { collection: own?.collection ?? name, asOf, isOwn: own !== undefined };
  }

  /** Undefined where it failed as it may, or the process died. */
  async #call<T extends object>(call: (host: Host) => Promise<T>, mayMiss = true): Promise<T | undefined> {
    const host = this.#host();
    const damaged = host.process.damaged;
    try {
      return await host.process.call(() => call(host));
    } catch (error) {
      tolerate(error, host.process.damaged > damaged, mayMiss ? MISSED : []);
      return undefined;
    }
  }

  async #createSnapshot(collection: string): Promise<void> {
    const { chance, name: client } = this.#options;
    const name = `${client}-${this.#keys++}`;
    const older = chance.happens(0.3) ? { asOf: chance.below(this.#heard + 1) } : {};
    const made = await this.#call(({ database }) =>
      database.collection(collection).createSnapshot({ name, ...older }),
    );
    if (made !== undefined) this.#snapshots.push({ collection, name, sequence: made.sequence });
  }

  async #deleteSnapshot(): Promise<void> {
    const { chance } = this.#options;
    if (this.#snapshots.length === 0) return;
    const [own] = this.#snapshots.splice(chance.below(this.#snapshots.length), 1);
    await this.#call(async ({ database }) => {
      await database.collection(own!.collection).deleteSnapshot(own!.name);
      return {};
    });
  }

  async #readPast(name: string): Promise<void> {
    const { history, report } = this.#options;
    const { collection, asOf, isOwn } = this.#pastOf(name);
    // What a snapshot keeps is there, unless the name stands for another collection.
    const mayMiss = !isOwn || !history.wasNeverDropped(collection);
    const answer = await this.#call(
      ({ database }) => fetchAll(database.collection(collection), 'strong', 30_000, asOf),
      mayMiss,
    );
    if (answer === undefined) return;
    history.answeredPast(collection, asOf, answer.seen);
    report.count(isOwn ? 'reads of snapshots' : 'reads of the past');
  }

  /** Once nothing fails any more: every snapshot that it made and did not delete. */
  async checkSnapshots(): Promise<void> {
    const { history } = this.#options;
    for (const { collection, sequence } of this.#snapshots) {
      if (!history.wasNeverDropped(collection)) continue;
      const { process, database } = this.#host();
      const answer = await process.call(() =>
        fetchAll(database.collection(collection), 'strong', 30_000, sequence),
      );
      history.answeredPast(collection, sequence, answer!.seen);
    }
  }
}

async function setRetention(collection: Collection, chance: Chance): Promise<object> {
  return await collection.update({ retentionHours: chance.pick([0, 0, 1, 100]) });
}

async function send(
  collection: Collection,
  { upsert, remove, hide, restore, patch, goBack }: WriteInput,
  options: { readonly idempotencyKey: string; readonly timeoutMs: number; readonly firstTail?: number },
): Promise<{ readonly sequence: number }> {
  if (upsert !== undefined) {
    const rows = upsert.map(({ id, x }) => ({ id, vector: [x, 1], metadata: { v: x } }));
    return await collection.upsert(rows, options);
  }
  if (remove !== undefined) return await collection.delete({ ids: remove }, options);
  if (hide !== undefined) return await collection.delete({ ids: hide, soft: true }, options);
  if (restore !== undefined) return await collection.restore({ ids: restore }, options);
  if (goBack !== undefined) return await collection.restoreTo({ asOf: goBack }, options);
  const { id, p } = patch!;
  return await collection.patch({ records: [{ id, metadata: { p } }] }, options);
}

export async function fetchAll(
  collection: Collection,
  consistency: ReadCall['consistency'],
  timeoutMs = 30_000,
  asOf?: number,
): Promise<{ readonly sequence: number; readonly seen: Seen }> {
  const { records, sequence } = await collection.fetch({
    ids: [...IDS],
    consistency,
    timeoutMs,
    include: ['metadata', 'vector'],
    ...(asOf === undefined ? {} : { asOf }),
  });
  const seen: Record<string, string> = {};
  for (const { id, vector, metadata } of records) {
    seen[id] = `${vector![0]} ${metadata === undefined ? '' : JSON.stringify(metadata)}`;
  }
  return { sequence, seen };
}

/** Faults may make a call fail; they must not make it fail in another way than this, or with one of these codes. */
export function tolerate(
  error: unknown,
  damaged: boolean,
  codes: readonly string[] = [],
): asserts error is CairnError {
  if (!(error instanceof CairnError)) throw error;
  const { kind, code } = error;
  if (kind === 'unavailable' || kind === 'not_found' || code === 'job_gone') return;
  if (code === 'idempotency_window_passed' || codes.includes(code)) return;
  // Only where an answer was damaged on its way may anything look corrupt.
  if (kind === 'corrupt' && damaged) return;
  throw error;
}
