/**
 * How long writers wait for each other: stateless processes on one collection, over a store of modelled latencies in
 * virtual time. Prints a line of JSON per scenario; `bench/log-contention.mjs` runs it as shipped and with plain retry.
 */
import { CairnError } from '../../core/base/errors.js';
import type { Ports, Random } from '../../core/base/ports.js';
import { EngineDatabase } from '../../core/engine/database.js';
import type { Collection } from '../../core/index.js';
import { accountingStore, memoryStore, retryingStore } from '../../core/store/index.js';
import type { ObjectStore, PutResult } from '../../core/store/index.js';
import { Chance } from '../log/virtual-time.js';
import { digests, kernel, takeBackMemory } from './kernel.js';
import { TimeOrder } from './schedule.js';
import { NOBODY, World } from './world.js';
import { portableDeflate } from '../../core/segment/index.js';

const MEDIAN_MS = { put: 60, get: 25, list: 40 };
/** Of the logarithm: the slowest of a hundred takes about 2.5 times the median. */
const SIGMA = 0.4;
const EACH_KEY_MS = 1_000;
const STEADY_MS = 15_000;

type Operation = keyof typeof MEDIAN_MS;

class Model {
  readonly world = new World(new TimeOrder(), Infinity);
  readonly requests: Record<Operation, number> = { put: 0, get: 0, list: 0 };
  readonly #truth = memoryStore({ clock: this.world.storeClock });
  readonly #chance = new Chance(1);
  readonly #oncePerSecond: boolean;
  readonly #lastPut = new Map<string, number>();

  constructor(oncePerSecond: boolean) {
    this.#oncePerSecond = oncePerSecond;
  }

  #wait(ms: number): Promise<void> {
    const { world } = this;
    return new Promise((resolve) => {
      world.plan({ atMs: world.nowMs + ms, lane: NOBODY, timer: true, run: resolve });
    });
  }

  async #timed<T>(operation: Operation, happen: () => Promise<T>): Promise<T> {
    this.requests[operation]++;
    const uniform = (): number => (this.#chance.word() + 1) / 2 ** 32;
    const normal = Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    const half = (MEDIAN_MS[operation] * Math.exp(SIGMA * normal)) / 2;
    await this.#wait(half);
    const answer = await happen();
    await this.#wait(half);
    return answer;
  }

  /** As R2 and GCS have it: more than one put of a key in a second is turned away, and counts. */
  #isThrottled(key: string): boolean {
    if (!this.#oncePerSecond) return false;
    const last = this.#lastPut.get(key) ?? -Infinity;
    this.#lastPut.set(key, this.world.nowMs);
    return this.world.nowMs - last < EACH_KEY_MS;
  }

  #store(): ObjectStore {
    const truth = this.#truth;
    return {
      description: 'model:',
      get: (key, options) => this.#timed('get', () => truth.get(key, options)),
      list: (prefix, options) => this.#timed('list', () => truth.list(prefix, options)),
      put: (key, bytes, options) =>
        this.#timed('put', async (): Promise<PutResult> => {
          if (!this.#isThrottled(key)) return await truth.put(key, bytes, options);
          return {
            status: 'unknown',
            cause: new CairnError('unavailable', 'slow_down', '429', { retryAfterS: 1 }),
          };
        }),
      upload: (key) => truth.upload(key),
      delete: (keys) => truth.delete(keys),
      close: () => Promise.resolve(),
    };
  }

  process(): EngineDatabase {
    const random: Random = new Chance(this.#chance.word());
    const clock = { ...this.world.storeClock, monotonicMs: () => this.world.nowMs };
    const ports: Ports = {
      clock,
      random,
      digests,
      deflate: portableDeflate,
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          if (signal?.aborted === true) {
            resolve();
            return;
          }
          const event = this.world.plan({
            atMs: this.world.nowMs + ms,
            lane: NOBODY,
            timer: true,
            run: resolve,
          });
          signal?.addEventListener('abort', () => {
            event.cancelled = true;
            resolve();
          });
        }),
    };
    const store = accountingStore(retryingStore(this.#store(), ports));
    return new EngineDatabase({
      store,
      ports,
      kernel,
      tier: 'server',
      ...{ shareRequests: false, background: false },
    });
  }

  /** So many processes that have the collection open. */
  async open(count: number): Promise<readonly Collection[]> {
    const databases = Array.from({ length: count }, () => this.process());
    await databases[0]!.createCollection('papers', { dimension: 2, metric: 'euclidean' });
    await this.write(databases[0]!.collection('papers'));
    const collections = databases.map((database) => database.collection('papers'));
    await Promise.all(collections.map((collection) => collection.count()));
    for (const operation of ['put', 'get', 'list'] as const) this.requests[operation] = 0;
    return collections;
  }

  #written = 0;

  /** How long it took. */
  async write(collection: Collection): Promise<number> {
    const startMs = this.world.nowMs;
    const row = { id: `r${this.#written++ % 500}`, vector: [this.#written, 1] };
    await collection.upsert([row], { timeoutMs: 120_000 });
    return this.world.nowMs - startMs;
  }

  async steady(perSecond: number): Promise<readonly number[]> {
    const collections = await this.open(perSecond);
    const chance = new Chance(perSecond);
    const writes = perSecond * (STEADY_MS / 1_000);
    return await Promise.all(
      Array.from({ length: writes }, async () => {
        await this.#wait(chance.below(STEADY_MS));
        return await this.write(collections[chance.below(perSecond)]!);
      }),
    );
  }

  async burst(writers: number): Promise<readonly number[]> {
    const collections = await this.open(writers);
    return await Promise.all(collections.map((collection) => this.write(collection)));
  }
}

async function measure(oncePerSecond: boolean, kind: 'burst' | 'steady', count: number): Promise<void> {
  const model = new Model(oncePerSecond);
  const waits = [...(await model.world.run(model[kind](count)))].sort((a, b) => a - b);
  takeBackMemory();
  const at = (share: number): number => Math.round(waits[Math.ceil(share * waits.length) - 1]!);
  const { put, get, list } = model.requests;
  const each = (requests: number): number => Math.round((100 * requests) / waits.length) / 100;
  console.log(
    JSON.stringify({
      store: oncePerSecond ? 'one write per second and key' : 'fast',
      load: `${kind} ${count}`,
      p50: at(0.5),
      p99: at(0.99),
      max: Math.round(waits.at(-1)!),
      put: each(put),
      get: each(get),
      list: each(list),
    }),
  );
}

/** One slot after another takes plain retry through about seven writes a second: more than 20 only pile up. */
const steadyMax = Number(process.argv[2] ?? 100);
for (const oncePerSecond of [false, true]) {
  for (const writers of [1, 8, 32, 128]) await measure(oncePerSecond, 'burst', writers);
  for (const perSecond of [5, 20, 100]) {
    if (perSecond <= steadyMax) await measure(oncePerSecond, 'steady', perSecond);
  }
}
