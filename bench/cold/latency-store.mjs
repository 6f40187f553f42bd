/**
 * Bench equipment: a store that is as far away as a bucket, around one that is not. It models what a client waits for and nothing
 * else: no refusals, no throttling, no limit of the host's own network.
 *
 * A request waits for its first byte, which is log-normal with the profile's median and 99th percentile, drawn from a seeded
 * generator; then its body passes at 80 MiB/s, on a connection of its own. What the store below takes for it runs while the body
 * passes. Timers are Node's, of a millisecond, and fire late where the process computes, as those of sockets do.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomFrom } from '../random.mjs';

/** @typedef {import('../../dist/core/store/index.js').ObjectStore} ObjectStore */
/** Milliseconds until the first byte. @typedef {{ p50: number, p99: number }} FirstByte */

/**
 * Gets are the figures that the bench is about. Puts and lists are slower by the ratios of the medians that the log was modelled
 * with (60 and 40 to 25), with the same spread.
 * @param {FirstByte} get
 */
function profileOf(get) {
  const slower = (/** @type {number} */ times) => ({ p50: get.p50 * times, p99: get.p99 * times });
  return { get, list: slower(1.6), put: slower(2.4), bytesPerMs: (80 * 2 ** 20) / 1_000 };
}

export const profiles = {
  s3: profileOf({ p50: 26, p99: 73 }),
  /** Of R2 a median is known; its spread is taken to be that of S3. */
  r2: profileOf({ p50: 44, p99: (44 * 73) / 26 }),
};

/** Of the standard normal distribution. */
const QUANTILE_99 = 2.326_347_874;

/** @implements {ObjectStore} */
export class LatencyStore {
  /** Milliseconds that the requests so far take by the model alone: of the chain that the last one to end is part of. */
  modelledMs = 0;
  mostInFlight = 0;
  begun = 0;
  #inFlight = 0;

  /**
   * @param {ObjectStore} inner
   * @param {keyof typeof profiles} profile
   * @param {number} seed
   */
  constructor(inner, profile, seed) {
    this.inner = inner;
    this.profile = profiles[profile];
    this.random = randomFrom(seed);
    this.description = `${inner.description}, as far away as ${profile}`;
  }

  /** @param {FirstByte} firstByte */
  #draw({ p50, p99 }) {
    const normal = Math.sqrt(-2 * Math.log(1 - this.random())) * Math.cos(2 * Math.PI * this.random());
    return p50 * Math.exp((normal * Math.log(p99 / p50)) / QUANTILE_99);
  }

  /**
   * @template T
   * @param {FirstByte} firstByte
   * @param {() => Promise<T>} request
   * @param {(result: T) => number} bytesOf
   */
  async #far(firstByte, request, bytesOf) {
    this.begun++;
    // What ended last is what it had to wait for.
    const from = this.modelledMs;
    this.mostInFlight = Math.max(this.mostInFlight, ++this.#inFlight);
    try {
      const wait = this.#draw(firstByte);
      await sleep(wait);
      const begun = performance.now();
      const result = await request();
      const passes = bytesOf(result) / this.profile.bytesPerMs;
      const left = passes - (performance.now() - begun);
      if (left > 0.5) await sleep(left);
      this.modelledMs = from + wait + passes;
      return result;
    } finally {
      this.#inFlight--;
    }
  }

  /** @type {ObjectStore['get']} */
  get(key, options) {
    return this.#far(
      this.profile.get,
      () => this.inner.get(key, options),
      (found) => (found.status === 'found' ? found.bytes.length : 0),
    );
  }

  /** @type {ObjectStore['put']} */
  put(key, bytes, options) {
    return this.#far(
      this.profile.put,
      () => this.inner.put(key, bytes, options),
      () => bytes.length,
    );
  }

  /** Parts pass one after another, each a put. @type {ObjectStore['upload']} */
  async upload(key) {
    const upload = await this.inner.upload(key);
    return {
      write: (bytes) =>
        this.#far(
          this.profile.put,
          () => upload.write(bytes),
          () => bytes.length,
        ),
      finish: () =>
        this.#far(
          this.profile.put,
          () => upload.finish(),
          () => 0,
        ),
      abort: () => upload.abort(),
    };
  }

  /** @type {ObjectStore['list']} */
  list(prefix, options) {
    return this.#far(
      this.profile.list,
      () => this.inner.list(prefix, options),
      () => 0,
    );
  }

  /** @type {ObjectStore['delete']} */
  delete(keys) {
    return this.#far(
      this.profile.put,
      () => this.inner.delete(keys),
      () => 0,
    );
  }

  close() {
    return this.inner.close();
  }
}
