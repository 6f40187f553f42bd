/**
 * One handler's process: from its environment to answers and maintenance. Settings are read and the store is opened by the first
 * event that needs them, once; what failed is tried again by the next event.
 *
 * Whatever is wrong with the settings, callers are told no more than that: the platform's log has the rest.
 */
import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { CairnError } from '../../core/base/errors.js';
import { limits } from '../../core/base/limits.js';
import { open } from '../../core/hosted.js';
import type { Database } from '../../core/index.js';
import {
  asCallersSee,
  createApp,
  createGuard,
  failureLine,
  misconfiguredAnswer,
  runMaintenance,
  version,
} from '../http/index.js';
import type { App, HttpAnswer, HttpRequest, PlatformLimits } from '../http/index.js';
import { hostBytes } from '../node/index.js';
import { resolveSettings, storeOptions } from '../settings/index.js';
import type { Settings } from '../settings/index.js';
import { budgetOf } from './memory.js';

export interface HostedOptions {
  readonly platform: PlatformLimits;
  /** Asked for when the first event comes. */
  readonly environment: () => Readonly<Record<string, string | undefined>>;
  /** Takes a line of JSON. */
  readonly log: (line: string) => void;
}

/** Least that a database can be opened with: for one that is closed at once. */
const TRIAL_BUDGET = 16 * 1024 * 1024;

export class Hosted {
  readonly #options: HostedOptions;
  #app: Promise<App> | undefined;
  #database: Promise<Database> | undefined;
  #tested = false;

  constructor(options: HostedOptions) {
    this.#options = options;
  }

  /** Never throws. */
  async answer(request: HttpRequest): Promise<HttpAnswer> {
    try {
      this.#app ??= this.#makeApp();
      return await (
        await this.#app
      )(request);
    } catch (error) {
      this.#app = undefined;
      const failure = { requestId: randomUUID(), method: request.method, error };
      return misconfiguredAnswer(failure, this.#options.log);
    }
  }

  /**
   * A scheduled event: compacts and collects as far as one run goes, and ends by itself before the platform would end it, in
   * `limitMs`. The store is tested once in each process, which requests leave out. Throws where anything failed, so that the platform
   * counts it and its alarms ring.
   */
  async maintain(limitMs: number): Promise<void> {
    const signal = AbortSignal.timeout(Math.max(0, limitMs));
    const settings = this.#settings();
    if (!this.#tested) {
      const options = { ...storeOptions(settings), memoryBudgetBytes: TRIAL_BUDGET, createStore: false };
      await (await open(settings.store, options)).close();
      this.#tested = true;
    }
    await runMaintenance(await this.#opened(settings), this.#options.log, { signal });
  }

  async #makeApp(): Promise<App> {
    const settings = this.#settings();
    const { apiKeys, allowAnonymous, corsOrigins, maxConcurrentRequests, maxBodyBytesInFlight } = settings;
    return createApp({
      database: () => asCallersSee(this.#opened(settings)),
      guard: await createGuard({ keys: apiKeys, allowAnonymous, exposure: 'hosted' }),
      version,
      clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
      newId: randomUUID,
      hostBytes,
      corsOrigins,
      load: {
        requests: maxConcurrentRequests,
        bodyBytes: maxBodyBytesInFlight,
        idleBytes: limits.spareMemoryBytes,
      },
      platform: this.#options.platform,
      onFailure: (failure) => this.#options.log(failureLine(failure)),
    });
  }

  #settings(): Settings {
    const environment = this.#options.environment();
    // The default is a directory, which goes with the process here.
    if (!environment['CAIRN_STORE'])
      throw new CairnError('invalid', 'no_store_configured', 'no store is configured: set CAIRN_STORE');
    return resolveSettings({ environment });
  }

  #opened(settings: Settings): Promise<Database> {
    const { store, tier, hedgeReads, memoryBudgetBytes, cacheDirectory: directory, cacheBytes } = settings;
    this.#database ??= open(untested(store), {
      ...storeOptions(settings),
      ...(tier === undefined ? {} : { tier }),
      hedgeReads,
      background: false,
      memoryBudgetBytes: memoryBudgetBytes ?? budgetOf(this.#options.environment()),
      ...(directory === undefined ? {} : { warmCache: { directory, bytes: cacheBytes } }),
    }).catch((error: unknown) => {
      this.#database = undefined;
      throw error;
    });
    return this.#database;
  }
}

/** A handler starts often: its requests do not test the store, which is two thirds of what a cold start costs. */
function untested(store: string): string {
  // Of a directory all of the URL is its path.
  if (!/^(?!file:)[a-z0-9]+:\/\//.test(store) || /[?&]self_test=/.test(store)) return store;
  return `${store}${store.includes('?') ? '&' : '?'}self_test=false`;
}
