/**
 * A process that has just begun: nothing is cached, nothing is open. All share one kernel, which is pure computation, so
 * that thousands of them cost little; of its memory each has to give back what it took.
 *
 * What they wait for is counted, not timed: a call that makes more requests than any has a use for is taken for one that
 * never ends, and so is one that sleeps as often.
 */
import { hash } from 'node:crypto';
import { concatBytes } from '../../core/base/bytes.js';
import type { Digests, Ports } from '../../core/base/ports.js';
import { EngineDatabase } from '../../core/engine/index.js';
import { limits } from '../../core/index.js';
import { compileEmbeddedKernel, createDigests, Kernel } from '../../core/kernel/index.js';
import { portableDeflate } from '../../core/segment/index.js';
import { accountingStore, retryingStore } from '../../core/store/index.js';
import type { ObjectStore } from '../../core/store/index.js';
import { Chance } from '../log/virtual-time.js';

const kernel = new Kernel(await compileEmbeddedKernel(), { memoryBudgetBytes: 67_108_864 });

/** SHA-256 from Node: hashing is not what this is about. */
export const digests: Digests = createDigests(kernel, (...parts) =>
  hash('sha256', parts.length === 1 ? parts[0]! : concatBytes(parts), 'buffer'),
);

/** Shorter waits, and the collector's, end at once; longer ones are limits of time, which nothing here reaches. */
const TIME_LIMIT_MS = 5_000;
/** A load of a log of ten slots and three segments takes thirty; a compaction of them takes fifty. */
const STEPS_MOST = 300;

/** Thrown by the store itself: no error of the product, whatever catches it on its way. */
export class Endless extends Error {}

export interface FreshProcessOptions {
  /** Wall clock, in milliseconds since 1970: what expires and what may still be carried depends on it. */
  readonly nowMs: number;
  readonly seed: number;
}

export class FreshProcess {
  readonly database: EngineDatabase;
  readonly ports: Ports;
  readonly #usedBefore = kernel.pool.usage().usedBytes;
  #waitedMs = 0;
  #steps = 0;
  #endless: Endless | undefined;

  constructor(store: ObjectStore, { nowMs, seed }: FreshProcessOptions) {
    this.ports = {
      clock: { wallMs: () => nowMs + this.#waitedMs, monotonicMs: () => this.#waitedMs },
      random: new Chance(seed),
      sleep: (ms, signal) => this.#sleep(ms, signal),
      digests,
      deflate: portableDeflate,
    };
    this.database = new EngineDatabase({
      store: accountingStore(retryingStore(this.#counted(store), this.ports)),
      ports: this.ports,
      kernel,
      tier: 'server',
      shareRequests: true,
      background: true,
    });
  }

  /** Runs one call. Throws `Endless` where it took more steps than any call needs, whatever it made of that. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    this.#steps = 0;
    let answer: T;
    try {
      answer = await call();
    } catch (error) {
      throw this.#endless ?? error;
    }
    if (this.#endless !== undefined) throw this.#endless;
    return answer;
  }

  /** Throws where something of its memory was not given back. */
  async end(): Promise<void> {
    await this.database.close();
    const leaked = kernel.pool.usage().usedBytes - this.#usedBefore;
    if (leaked !== 0) throw new Error(`${leaked} bytes of WebAssembly memory were not given back`);
  }

  #step(what: string): void {
    if (++this.#steps <= STEPS_MOST) return;
    this.#endless ??= new Endless(
      `more than ${STEPS_MOST} requests and waits in one call, the last of them ${what}`,
    );
    throw this.#endless;
  }

  async #sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    if (ms < TIME_LIMIT_MS || ms === limits.fenceMs) {
      this.#step(`a wait of ${ms} ms`);
      this.#waitedMs += ms;
      await new Promise((resolve) => setImmediate(resolve));
      return;
    }
    await new Promise<void>((resolve) => {
      if (signal?.aborted === true) resolve();
      else signal?.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  #counted(store: ObjectStore): ObjectStore {
    return {
      description: store.description,
      get: async (key, options) => {
        this.#step(`a get of ${key}`);
        return await store.get(key, options);
      },
      put: async (key, bytes, options) => {
        this.#step(`a put of ${key}`);
        return await store.put(key, bytes, options);
      },
      upload: async (key) => {
        this.#step(`an upload of ${key}`);
        return await store.upload(key);
      },
      list: async (prefix, options) => {
        this.#step(`a list of ${prefix}`);
        return await store.list(prefix, options);
      },
      delete: async (keys) => {
        this.#step('a delete');
        await store.delete(keys);
      },
      close: async () => {},
    };
  }
}
