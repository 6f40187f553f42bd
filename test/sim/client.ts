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
  readonly collections: readonly string[];
}

let lastX = 0;

/** Every value comes once in a run, so that a read tells which write it saw. */
export function restartValues(): void {
  lastX = 0;
}

export class Client {
  readonly #options: ClientOptions;
  #keys = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  async write(): Promise<void> {
    const { name, chance, history, collections } = this.#options;
    const key = `${name}-${this.#keys++}`;
    const call = history.begin({
      collection: chance.pick(collections),
      key,
      keyHash: hashKey(digests, key),
      input: this.#input(),
    });
    let firstTail: number | undefined;
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      if (tries > 0) await this.#options.world.sleep(chance.pick([0, 50, 2_000, 40_000]));
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
      tolerate(error, process.damaged > damaged);
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
      report.count(`${consistency} reads`);
    } catch (error) {
      tolerate(error, process.damaged > damaged);
    }
  }
}

async function send(
  collection: Collection,
  { upsert, remove, hide, restore, patch }: WriteInput,
  options: { readonly idempotencyKey: string; readonly timeoutMs: number; readonly firstTail?: number },
): Promise<{ readonly sequence: number }> {
  if (upsert !== undefined) {
    const rows = upsert.map(({ id, x }) => ({ id, vector: [x, 1], metadata: { v: x } }));
    return await collection.upsert(rows, options);
  }
  if (remove !== undefined) return await collection.delete({ ids: remove }, options);
  if (hide !== undefined) return await collection.delete({ ids: hide, soft: true }, options);
  if (restore !== undefined) return await collection.restore({ ids: restore }, options);
  const { id, p } = patch!;
  return await collection.patch({ records: [{ id, metadata: { p } }] }, options);
}

export async function fetchAll(
  collection: Collection,
  consistency: ReadCall['consistency'],
  timeoutMs = 30_000,
): Promise<{ readonly sequence: number; readonly seen: Seen }> {
  const { records, sequence } = await collection.fetch({
    ids: [...IDS],
    consistency,
    timeoutMs,
    include: ['metadata', 'vector'],
  });
  const seen: Record<string, string> = {};
  for (const { id, vector, metadata } of records) {
    seen[id] = `${vector![0]} ${metadata === undefined ? '' : JSON.stringify(metadata)}`;
  }
  return { sequence, seen };
}

/** Faults may make a call fail; they must not make it fail in another way than this. */
export function tolerate(error: unknown, damaged: boolean): asserts error is CairnError {
  if (!(error instanceof CairnError)) throw error;
  const { kind, code } = error;
  if (kind === 'unavailable' || kind === 'not_found' || code === 'job_gone') return;
  if (code === 'idempotency_window_passed') return;
  // Only where an answer was damaged on its way may anything look corrupt.
  if (kind === 'corrupt' && damaged) return;
  throw error;
}
