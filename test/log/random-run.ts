/**
 * One seeded run: several processes write, read, create and drop over faulty stores, in virtual time, and a model judges
 * every answer. Built to grow: an actor is a function, a check is a function of the history, a new kind of fault goes
 * into `faulty-store.ts`.
 *
 * A history is what callers saw, with the times between which each call ran. The model knows nothing of slots.
 */
import type { CairnError } from '../../core/base/errors.js';
import type { Uid } from '../../core/base/ids.js';
import { Catalog } from '../../core/engine/catalog.js';
import { CollectionLog, Committer, DEFAULT_NAMESPACE_UID } from '../../core/log/index.js';
import { sequence } from '../../core/base/ids.js';
import { prepareBatch } from '../../core/log/pending-write.js';
import type { ResolvedBatch, SlotDraft, WritePlan } from '../../core/log/pending-write.js';
import type { Ports } from '../../core/base/ports.js';
import { retryingStore } from '../../core/store/index.js';
import type { ObjectStore } from '../../core/store/index.js';
import { FaultyBucket, randomFaults } from './faulty-store.js';
import { digests, oneUpserted, RecordingSink, requestHashOf, schema, upsertBatch } from './fixture.js';
import type { Effect } from './fixture.js';
import { Janitor } from './janitor.js';
import { Chance, VirtualTime } from './virtual-time.js';

export interface RunOptions {
  readonly seed: number;
  readonly processes: number;
  readonly callsPerProcess: number;
  readonly faults: number;
  /** Whether processes also drop the collection and make it anew. */
  readonly drops: boolean;
  /** How many of the processes also fold, merge and collect. */
  readonly janitors?: number;
}

interface WriteCall {
  readonly kind: 'write';
  /** Its own, or `COUNTER` for a write that is computed from the state: it adds one. */
  readonly id: string;
  readonly key: string;
  readonly startMs: number;
  endMs: number;
  /** `acknowledged` at a sequence of a collection, `refused` for certain, or `unknown`. */
  end: 'acknowledged' | 'refused' | 'unknown';
  seq?: number;
  uid?: Uid;
}

interface ReadCall {
  readonly kind: 'read';
  readonly startMs: number;
  readonly endMs: number;
  readonly uid: Uid;
  readonly effects: readonly Effect[];
}

interface DropCall {
  readonly kind: 'drop';
  readonly startMs: number;
  readonly endMs: number;
}

export type Call = WriteCall | ReadCall | DropCall;

const COUNTER = 'n';
/** Longer than the slowest request of `randomFaults` and the longest deadline together. */
const SETTLED_MS = 400_000;

interface Opened {
  readonly uid: Uid;
  readonly log: CollectionLog<RecordingSink>;
  readonly committer: Committer<RecordingSink>;
}

/** Adds one to what the state before it and the batches before it in the slot come to, at once or after a while. */
function increment(waitMs: number, { sleep }: Ports): WritePlan<RecordingSink> {
  const resolve = ({ state, before }: SlotDraft<RecordingSink>): ResolvedBatch => {
    const inSlot = before.findLast(({ ids }) => ids[0] === COUNTER);
    const value = inSlot === undefined ? (state.sink.value(COUNTER) ?? 0) : inSlot.vectors[0]!;
    return { batch: upsertBatch(COUNTER, value + 1), counts: oneUpserted };
  };
  if (waitMs === 0) return { resolve };
  return {
    resolve: async (draft) => {
      await sleep(waitMs);
      return resolve(draft);
    },
  };
}

class Actor {
  readonly #run: RandomRun;
  readonly #name: string;
  readonly #ports: Ports;
  readonly #store: ObjectStore;
  readonly #catalog: Catalog;
  readonly #chance: Chance;
  #opened: Opened | undefined;
  #keys = 0;

  constructor(run: RandomRun, name: string) {
    this.#run = run;
    this.#name = name;
    this.#chance = new Chance(run.chance.word());
    const { time } = run;
    const skew = this.#chance.pick([0, 0, 1_000, -3_600_000, 86_400_000]);
    const clock = { wallMs: () => time.clock.wallMs() + skew, monotonicMs: () => time.clock.monotonicMs() };
    this.#ports = { clock, sleep: time.sleep, random: new Chance(run.chance.word()), digests };
    const latency = (): number => 1 + this.#chance.below(20);
    this.#store = retryingStore(run.bucket.as(name, latency), this.#ports);
    this.#catalog = new Catalog({ store: this.#store, ports: this.#ports, namespace: DEFAULT_NAMESPACE_UID });
  }

  async live(calls: number): Promise<void> {
    for (let i = 0; i < calls; i++) {
      // Collectors wait: where there are any, so does now and then everybody else, to see what they did.
      const long = this.#run.options.janitors !== undefined && this.#chance.happens(0.15);
      await this.#run.time.sleep(this.#chance.below(long ? 100_000 : 60));
      const dice = this.#chance.below(100);
      if (this.#run.options.drops && dice < 4) await this.#drop();
      else if (dice < 35) await this.read().catch(tolerate);
      else {
        const writes = Array.from({ length: 1 + this.#chance.below(3) }, () => this.#write());
        await Promise.all(writes);
      }
      // A process forgets everything now and then, as one that is started anew does.
      if (this.#chance.happens(0.05)) this.#forget();
    }
  }

  /** Cleans up, and otherwise reads, which is how it sees what others did. */
  async clean(calls: number): Promise<void> {
    for (let i = 0; i < calls; i++) {
      await this.#run.time.sleep(this.#chance.below(2_000));
      try {
        const { uid, log } = await this.#open();
        const context = { store: this.#store, ports: this.#ports, uid };
        await new Janitor({ context, log, chance: this.#chance }).work();
      } catch (error) {
        const { code } = error as CairnError;
        if (code === 'collection_gone') this.#forget();
        else if (code !== 'job_gone') tolerate(error);
      }
      if (this.#chance.happens(0.1)) await this.read().catch(tolerate);
    }
  }

  #forget(): void {
    this.#opened?.log.unload();
    this.#opened = undefined;
  }

  async #open(): Promise<Opened> {
    if (this.#opened !== undefined) return this.#opened;
    const { head } = await this.#catalog.create('papers', schema);
    if (this.#opened !== undefined) return this.#opened;
    const context = { store: this.#store, ports: this.#ports, uid: head.uid };
    const shared = this.#chance.happens(0.7);
    const log = new CollectionLog({
      context,
      newSink: (on) => new RecordingSink({ head: on, store: this.#store }),
      shareReads: shared,
    });
    this.#opened = { uid: head.uid, log, committer: new Committer({ log, groupCommit: shared }) };
    return this.#opened;
  }

  async #write(): Promise<void> {
    const { history, time } = this.#run;
    const key = `${this.#name}-${this.#keys++}`;
    const id = this.#chance.happens(0.3) ? COUNTER : key;
    const call: WriteCall = { kind: 'write', id, key, startMs: time.nowMs, endMs: 0, end: 'unknown' };
    history.push(call);
    let firstTail: number | undefined;
    let uid: Uid | undefined;
    let everUnknown = false;
    const plan = increment(this.#chance.pick([0, 0, 5, 60]), this.#ports);
    // A caller that does not know repeats, with what it was told; sometimes it gives up.
    for (let tries = 0; tries < 6; tries++) {
      try {
        const opened = await this.#open();
        if (uid !== opened.uid) firstTail = undefined;
        ({ uid } = opened);
        const committed = await opened.committer.commit({
          plan: id === COUNTER ? plan : { prepared: prepareBatch(digests, upsertBatch(id, 1), oneUpserted) },
          key,
          requestHash: requestHashOf(key, {}),
          firstTail: firstTail === undefined ? undefined : sequence(firstTail),
          timeoutMs: this.#chance.pick([200, 2_000, 100_000]),
        });
        Object.assign(call, { end: 'acknowledged', seq: committed.sequence, uid, endMs: time.nowMs });
        return;
      } catch (error) {
        const { code, outcome, details } = error as CairnError;
        tolerate(error);
        if (code === 'collection_gone') {
          // What is on the old collection is gone with it; the key is free in a new one.
          this.#forget();
          everUnknown = false;
          continue;
        }
        if (outcome === 'unknown') {
          everUnknown = true;
          firstTail = details['first_tail'] as number;
        } else if (!everUnknown && outcome === 'not_applied') {
          Object.assign(call, { end: 'refused', uid, endMs: time.nowMs });
          if (this.#chance.happens(0.5)) return;
          call.end = 'unknown';
        }
        if (this.#chance.happens(0.1)) return;
      }
    }
  }

  async read(): Promise<ReadCall> {
    const startMs = this.#run.time.nowMs;
    for (;;) {
      const { uid, log } = await this.#open();
      try {
        const effects = await log.read('strong', (state) => [...state.sink.effects]);
        const call: ReadCall = { kind: 'read', startMs, endMs: this.#run.time.nowMs, uid, effects };
        this.#run.history.push(call);
        return call;
      } catch (error) {
        if ((error as CairnError).code !== 'collection_gone') throw error;
        this.#forget();
      }
    }
  }

  async #drop(): Promise<void> {
    const startMs = this.#run.time.nowMs;
    await this.#catalog.drop('papers').catch(tolerate);
    this.#run.history.push({ kind: 'drop', startMs, endMs: this.#run.time.nowMs });
  }
}

/** Faults may make a call fail; they must not make it fail in another way than this. */
function tolerate(error: unknown): void {
  const { kind, code } = error as CairnError;
  if (kind === 'unavailable' || code === 'collection_gone') return;
  throw error;
}

export class RandomRun {
  readonly time: VirtualTime = new VirtualTime();
  readonly bucket: FaultyBucket = new FaultyBucket(this.time);
  readonly history: Call[] = [];
  readonly chance: Chance;
  readonly options: RunOptions;

  constructor(options: RunOptions) {
    this.options = options;
    this.chance = new Chance(options.seed);
  }

  async run(): Promise<void> {
    const { processes, callsPerProcess, faults } = this.options;
    this.bucket.script = randomFaults(new Chance(this.chance.word()), faults);
    const actors = Array.from({ length: processes }, (_, i) => new Actor(this, `p${i}`));
    const { janitors = 0 } = this.options;
    const lives = actors.map((actor, i) =>
      i < janitors ? actor.clean(callsPerProcess * 3) : actor.live(callsPerProcess),
    );
    await this.time.run(Promise.all(lives));
    // Faults stop, whatever is still in flight arrives (also what callers gave up and their processes still drive), and
    // everybody looks.
    this.bucket.script = () => undefined;
    await this.time.run(this.time.sleep(SETTLED_MS));
    await this.bucket.landAll();
    const old = await this.time.run(Promise.all(actors.map((actor) => actor.read())));
    const fresh = await this.time.run(new Actor(this, 'judge').read());
    for (const { uid, effects } of old) {
      if (uid !== fresh.uid || JSON.stringify(effects) !== JSON.stringify(fresh.effects)) {
        throw new Error(
          `processes disagree at the end: ${uid} ${JSON.stringify(effects)} and ${fresh.uid} ${JSON.stringify(fresh.effects)}`,
        );
      }
    }
  }

  /** What is wrong with the history; undefined where all is well. */
  fault(): string | undefined {
    const reads = this.history.filter((call) => call.kind === 'read');
    const writes = this.history.filter((call) => call.kind === 'write');
    return (
      this.#doubled(reads) ??
      this.#miscounted(reads, writes) ??
      this.#lost(reads, writes) ??
      this.#refused(reads, writes) ??
      this.#order(writes)
    );
  }

  /** Invariant 11: an id stands for a key here, so it comes at most once. */
  #doubled(reads: readonly ReadCall[]): string | undefined {
    for (const { effects } of reads) {
      const ids = effects.map(({ id }) => id).filter((id) => id !== COUNTER);
      if (new Set(ids).size !== ids.length) return `doubled: ${ids.find((id, i) => ids.indexOf(id) !== i)}`;
    }
    return undefined;
  }

  /** State-dependent writes: each adds one to what the slots before it came to, and no acknowledged one is missing. */
  #miscounted(reads: readonly ReadCall[], writes: readonly WriteCall[]): string | undefined {
    const counted = writes.filter(({ id, end }) => id === COUNTER && end === 'acknowledged');
    for (const { uid, startMs, effects } of reads) {
      const values = effects.filter(({ id }) => id === COUNTER).map(({ value }) => value);
      if (values.some((value, i) => value !== i + 1)) return `the counter went ${values.join(' ')}`;
      const before = counted.filter((write) => write.uid === uid && write.endMs <= startMs).length;
      if (values.length < before)
        return `${before} increments were acknowledged, a read counts ${values.length}`;
    }
    return undefined;
  }

  /** Invariants 3, 5 and 21: every write acknowledged before a read of that collection began is in it, at its sequence. */
  #lost(reads: readonly ReadCall[], writes: readonly WriteCall[]): string | undefined {
    for (const read of reads) {
      const seen = new Map(read.effects.map(({ id, seq }) => [id, seq]));
      for (const write of writes) {
        if (write.end !== 'acknowledged' || write.endMs > read.startMs) continue;
        if (write.uid !== read.uid) {
          // The name stands for another collection: then somebody tried to drop this one.
          const dropped = this.history.some((call) => call.kind === 'drop' && call.startMs <= read.endMs);
          if (!dropped)
            return `${write.id} was acknowledged on a collection that nobody dropped and nobody reads`;
        } else if (write.id !== COUNTER && seen.get(write.id) !== write.seq) {
          return `lost: ${write.id} was acknowledged at ${write.seq}, a later read has it at ${seen.get(write.id)}`;
        }
      }
    }
    return undefined;
  }

  /**
   * Invariant 9: what was refused for certain is nowhere. (A write that met a drop may have been seen by a read that was
   * faster than the drop; it is refused on that collection because nothing counts there any more.)
   */
  #refused(reads: readonly ReadCall[], writes: readonly WriteCall[]): string | undefined {
    for (const { end, uid, id } of writes) {
      if (end !== 'refused' || uid === undefined || id === COUNTER) continue;
      const seen = reads.some((read) => read.uid === uid && read.effects.some((effect) => effect.id === id));
      if (seen) return `${id} was reported as not applied and took effect`;
    }
    return undefined;
  }

  /** Invariant 4: a write that ended before another began has the lower sequence. */
  #order(writes: readonly WriteCall[]): string | undefined {
    const done = writes.filter(({ end }) => end === 'acknowledged');
    for (const a of done) {
      const b = done.find((other) => other.uid === a.uid && a.endMs < other.startMs && a.seq! >= other.seq!);
      if (b !== undefined)
        return `${a.id} ended before ${b.id} began, but has sequence ${a.seq} and not below ${b.seq}`;
    }
    return undefined;
  }

  /** Everything that happened, as text: the same for the same seed (invariant 16). */
  trace(): string {
    return JSON.stringify([this.bucket.trace, this.history]);
  }
}
