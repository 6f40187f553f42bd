/**
 * Processes on one bucket for the tests of the log: each has its own log, committer, clock and chance, and a sink that
 * keeps what took effect in order and refuses to be used after its release.
 */
import { createHash } from 'node:crypto';
import { CairnError } from '../../core/base/errors.js';
import { newUid, sequence } from '../../core/base/ids.js';
import type { Sequence, Uid } from '../../core/base/ids.js';
import type { Clock, Digests, Ports } from '../../core/base/ports.js';
import { compileEmbeddedKernel, createDigests, Kernel } from '../../core/kernel/index.js';
import { CollectionLog } from '../../core/log/collection-log.js';
import { Committer } from '../../core/log/committer.js';
import { NO_COUNTS, OP_UPSERT } from '../../core/log/batch.js';
import type { Batch, ResultCounts } from '../../core/log/batch.js';
import { sealHead } from '../../core/log/head-codec.js';
import { firstHead } from '../../core/log/head.js';
import type { Head, WindowRef } from '../../core/log/head.js';
import type { WindowSnapshot } from '../../core/log/commit-window.js';
import { DEFAULT_NAMESPACE_UID, headKey, slotKey, windowKey } from '../../core/log/layout.js';
import { objectGone, tryReadHead } from '../../core/log/log-reader.js';
import type { LogContext } from '../../core/log/log-reader.js';
import type { LogPosition, LogSink, LogState } from '../../core/log/log-state.js';
import { hashKey, hashRequest, prepareBatch } from '../../core/log/pending-write.js';
import type { Committed, WritePlan } from '../../core/log/pending-write.js';
import type { CollectionSchema } from '../../core/log/schema.js';
import { CHAIN_START, sealSlot } from '../../core/log/slot-codec.js';
import type { OpenedSlot, SlotBatch } from '../../core/log/slot-codec.js';
import { sealWindow } from '../../core/log/window-codec.js';
import { accountingStore, retryingStore } from '../../core/store/index.js';
import type { AccountingStore, ObjectStore } from '../../core/store/index.js';
import { FaultyBucket } from './faulty-store.js';
import { Chance, VirtualTime } from './virtual-time.js';
import { portableDeflate } from '../../core/segment/index.js';

const kernel = new Kernel(await compileEmbeddedKernel(), { memoryBudgetBytes: 64 * 1024 * 1024 });

/** The kernels' checksums; SHA-256 from Node, because hashing is not what these tests are about. */
export const digests: Digests = createDigests(kernel, (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
});

export const schema: CollectionSchema = {
  dimension: 1,
  metric: 'euclidean',
  tier: 'server',
  index: { m: 16, efConstruction: 128 },
  quantization: 'none',
  fields: {},
  softDeleteDays: 30,
};

/** What took effect, in order: one entry per operation. */
export interface Effect {
  readonly seq: Sequence;
  readonly id: string;
  readonly value: number;
}

export interface SinkOptions {
  readonly head: Head;
  /** Where given, a segment is a JSON list of effects there. Without it folds lose nothing: effects are only carried on. */
  readonly store?: ObjectStore | undefined;
  /** Takes every sink that is made, by `rebase` too. */
  readonly made?: RecordingSink[] | undefined;
}

export class RecordingSink implements LogSink<RecordingSink> {
  readonly #options: SinkOptions;
  #folded: readonly Effect[] = [];
  #effects: Effect[] = [];
  #ready = false;
  released = false;
  /** Where set: `apply` fails at this id, after what came before it. */
  failsAt: string | undefined;

  constructor(options: SinkOptions) {
    this.#options = options;
    options.made?.push(this);
  }

  /** The head that it is on. */
  get head(): Head {
    return this.#options.head;
  }

  get effects(): readonly Effect[] {
    if (this.released) throw new Error('a sink was read after its release');
    if (!this.#ready) throw new Error('a sink was read before it was ready');
    return [...this.#folded, ...this.#effects];
  }

  apply(batch: Batch, at: LogPosition): void {
    if (this.released) throw new Error('a sink was written after its release');
    let upsert = 0;
    batch.ids.forEach((id, op) => {
      if (id === this.failsAt) throw new CairnError('quota', 'memory_budget_exceeded', 'no room');
      const value = batch.kinds[op] === OP_UPSERT ? batch.vectors[upsert++]! : Number.NaN;
      this.#effects.push({ seq: at.seq, id, value });
    });
  }

  release(): void {
    if (this.released) throw new Error('a sink was released twice');
    this.released = true;
  }

  async ready(): Promise<void> {
    this.#folded = await this.#load(this.#options.head);
    this.#ready = true;
  }

  async rebase(head: Head): Promise<() => RecordingSink> {
    const folded = await this.#load(head);
    return () => {
      if (this.released) throw new Error('a sink was moved after its release');
      const next = new RecordingSink({ ...this.#options, head });
      next.#folded = folded;
      next.#ready = true;
      const { store } = this.#options;
      next.#effects = this.#effects.filter(({ seq }) => store === undefined || seq > head.foldedSeq);
      return next;
    };
  }

  async #load({ segments }: Head): Promise<readonly Effect[]> {
    const { store } = this.#options;
    if (store === undefined) return [];
    const parts = segments.map(async ({ key }) => {
      const got = await store.get(key);
      if (got.status !== 'found') throw objectGone(key);
      return JSON.parse(new TextDecoder().decode(got.bytes)) as Effect[];
    });
    // Merges join segments that were not side by side; a slot is never in two.
    return (await Promise.all(parts)).flat().sort((a, b) => a.seq - b.seq);
  }

  /** The newest value of an id. */
  value(id: string): number | undefined {
    return this.effects.findLast((effect) => effect.id === id)?.value;
  }
}

export function upsertBatch(id: string, value: number, metadata: string = ''): Batch {
  return {
    kinds: Uint8Array.of(OP_UPSERT),
    ids: [id],
    dimension: 1,
    vectors: Float32Array.of(value),
    metadata: [metadata],
    expiresMs: undefined,
  };
}

export const oneUpserted: ResultCounts = { ...NO_COUNTS, upserted: 1 };

export interface WriteOptions {
  readonly key?: string;
  readonly value?: number;
  readonly firstTail?: number;
  readonly timeoutMs?: number;
  readonly metadata?: string;
  /** Computed from the state: adds one to the id's value. */
  readonly increment?: boolean;
}

export class LogProcess {
  readonly context: LogContext;
  readonly store: AccountingStore;
  readonly log: CollectionLog<RecordingSink>;
  readonly committer: Committer<RecordingSink>;
  readonly sinks: RecordingSink[] = [];
  #keys = 0;
  readonly #name: string;

  constructor(world: LogWorld, name: string, options: ProcessOptions) {
    this.#name = name;
    const shared = options.shared ?? true;
    const random = new Chance(world.chance.word());
    const ports: Ports = {
      clock: options.clock ?? world.time.clock,
      sleep: world.time.sleep,
      random,
      digests,
      deflate: portableDeflate,
    };
    this.store = accountingStore(world.bucket.as(name, options.latencyMs));
    const store = options.retrying === false ? this.store : retryingStore(this.store, ports);
    this.context = { store, ports, uid: world.uid };
    this.log = new CollectionLog<RecordingSink>({
      context: this.context,
      newSink: (head) => {
        const segments = options.segments === true ? store : undefined;
        return new RecordingSink({ head, made: this.sinks, store: segments });
      },
      shareReads: shared,
    });
    this.committer = new Committer({ log: this.log, groupCommit: shared });
  }

  write(id: string, options: WriteOptions = {}): Promise<Committed> {
    const { value = 1, firstTail, timeoutMs = 30_000, metadata } = options;
    const key = options.key ?? `${this.#name}-${this.#keys++}`;
    const blind = (): WritePlan<RecordingSink> => {
      return { prepared: prepareBatch(digests, upsertBatch(id, value, metadata), oneUpserted) };
    };
    const increment: WritePlan<RecordingSink> = {
      resolve: ({ state, before }) => {
        const held = before.reduce(
          (sum, batch) => (batch.ids[0] === id ? batch.vectors[0]! : sum),
          state.sink.value(id) ?? 0,
        );
        return { batch: upsertBatch(id, held + 1), counts: oneUpserted };
      },
    };
    return this.committer.commit({
      plan: options.increment === true ? increment : blind(),
      key,
      requestHash: requestHashOf(id, options),
      firstTail: firstTail === undefined ? undefined : sequence(firstTail),
      timeoutMs,
    });
  }

  read(consistency: 'strong' | 'eventual' = 'strong'): Promise<readonly Effect[]> {
    return this.log.read(consistency, (state) => [...state.sink.effects]);
  }

  position(): Promise<number> {
    return this.log.read('strong', (state: LogState<RecordingSink>) => state.position.seq);
  }
}

export function requestHashOf(id: string, { value = 1, increment = false }: WriteOptions): string {
  return hashRequest(digests, 'test', new TextEncoder().encode(JSON.stringify([id, value, increment])));
}

export interface ProcessOptions {
  readonly clock?: Clock;
  readonly shared?: boolean;
  readonly retrying?: boolean;
  /** Sinks read the segments that a head names. */
  readonly segments?: boolean;
  readonly latencyMs?: () => number;
}

/** One bucket with one active collection. */
export class LogWorld {
  readonly time: VirtualTime = new VirtualTime();
  readonly bucket: FaultyBucket = new FaultyBucket(this.time);
  readonly chance: Chance;
  readonly uid: Uid;
  readonly #names = new Set<string>();

  constructor(seed: number = 1) {
    this.chance = new Chance(seed);
    this.uid = newUid(this.chance);
  }

  /** The way to the truth: no faults, no waiting. */
  get context(): LogContext {
    const ports = {
      clock: this.time.clock,
      sleep: this.time.sleep,
      random: this.chance,
      digests,
      deflate: portableDeflate,
    };
    return { store: this.bucket.truth, ports, uid: this.uid };
  }

  async start(): Promise<this> {
    const head = firstHead({
      uid: this.uid,
      nonce: '0'.repeat(32),
      namespace: DEFAULT_NAMESPACE_UID,
      name: 'papers',
      createdMs: this.time.clock.wallMs(),
      schema,
    });
    await this.bucket.truth.put(headKey(this.uid), sealHead(digests, head), { if: 'absent' });
    return this;
  }

  process(name: string, options: ProcessOptions = {}): LogProcess {
    if (this.#names.has(name)) throw new Error(`there is a process ${name}`);
    this.#names.add(name);
    return new LogProcess(this, name, options);
  }

  run<T>(work: Promise<T>): Promise<T> {
    return this.time.run(work);
  }

  async head(): Promise<Head> {
    return (await tryReadHead(this.context))!.head;
  }

  /**
   * Puts another head in place by force, past every invariant. Where it folds something and no window is given, the window
   * is one that knows no key.
   */
  async forceHead(edit: Partial<Head>): Promise<void> {
    const head = await this.head();
    const nonce = this.chance.word().toString(16).padStart(32, '0');
    const next: Head = {
      ...head,
      version: (head.version + 1) as Head['version'],
      nonce,
      nonces: [head.nonce, ...head.nonces].slice(0, 64),
      ...edit,
    };
    const { foldedSeq: seq } = next;
    const window =
      seq > 0 && edit.window === undefined
        ? await this.putWindow(nonce, { seq, reach: seq, entries: [] })
        : next.window;
    await this.bucket.truth.put(headKey(this.uid), sealHead(digests, { ...next, window }), { if: 'any' });
  }

  async putWindow(job: string, snapshot: WindowSnapshot): Promise<WindowRef> {
    const key = windowKey(this.uid, job);
    const { ref, bytes } = sealWindow(digests, key, snapshot);
    await this.bucket.truth.put(key, bytes, { if: 'any' });
    return ref;
  }

  /** Writes a slot past every rule. */
  async forceSlot(seq: number, prevChain: string, batches: readonly SlotBatch[]): Promise<OpenedSlot> {
    const nonce = this.chance.word().toString(16).padStart(32, '0');
    const label = this.time.clock.wallMs();
    const sealed = sealSlot(digests, { uid: this.uid, seq: sequence(seq), nonce, prevChain, label, batches });
    await this.bucket.truth.put(slotKey(this.uid, sequence(seq)), sealed.bytes, { if: 'any' });
    return sealed.slot;
  }

  /** Writes `count` good slots from `first` on; the last is the tail. */
  async fill(
    count: number,
    prevChain: string = CHAIN_START,
    first: number = 1,
  ): Promise<readonly OpenedSlot[]> {
    const slots: OpenedSlot[] = [];
    let chain = prevChain;
    for (let seq = first; seq < first + count; seq++) {
      const slot = await this.forceSlot(seq, chain, [
        slotBatch(`fill-${seq}`, upsertBatch(`fill-${seq}`, seq)),
      ]);
      chain = slot.chain;
      slots.push(slot);
    }
    return slots;
  }

  async deleteSlots(first: number, last: number): Promise<void> {
    const keys = Array.from({ length: last - first + 1 }, (_, i) => slotKey(this.uid, sequence(first + i)));
    await this.bucket.truth.delete(keys);
  }
}

export function slotBatch(key: string, batch: Batch, options: { resolvedAt?: number } = {}): SlotBatch {
  const { content, contentSha } = prepareBatch(digests, batch, oneUpserted);
  return {
    keyHash: hashKey(digests, key),
    requestHash: hashRequest(digests, 'test', new TextEncoder().encode(batch.ids.join(' '))),
    contentSha,
    counts: oneUpserted,
    resolvedAt: options.resolvedAt === undefined ? undefined : sequence(options.resolvedAt),
    content: { inline: content },
  };
}

/** The error that `work` ends with. */
export async function errorOf(work: Promise<unknown>): Promise<CairnError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof CairnError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}
