/**
 * What the invocations of one isolate share: settings, the app and the open database. Requests share no promise, so the first that
 * has made something leaves it to all.
 */
import { waitUntil } from 'cloudflare:workers';
import kernel from '../../kernel.wasm';
import { invalid } from '../../core/base/errors.js';
import type { Database } from '../../core/index.js';
import { cacheApi, openR2, openR2Store } from '../../core/r2.js';
import type { R2Binding, R2StoreOptions } from '../../core/r2.js';
import { asCallersSee, createApp, createGuard, failureLine, runMaintenance, version } from '../http/index.js';
import type { App, HttpAnswer, HttpRequest } from '../http/index.js';
import { Invocations } from './invocations.js';
import { variablesOf } from './variables.js';
import type { Environment } from './variables.js';
import { resolveSettings, storeOptions } from '../settings/index.js';
import type { Settings } from '../settings/index.js';

/** Of the 128 MB of an isolate a body takes a part several times over: as bytes, as text, as vectors. */
const BODY_BYTES = 16 * 1024 * 1024;

export class Isolate {
  readonly #environment: Environment;
  readonly #settings: Settings;
  readonly #invocations = new Invocations();
  #app: App | undefined;
  #database: Database | undefined;
  #tested = false;

  /** Throws `invalid` where the settings are at fault. */
  constructor(environment: Environment) {
    this.#environment = environment;
    this.#settings = resolveSettings({ environment: variablesOf(environment) });
  }

  async answer(request: HttpRequest): Promise<HttpAnswer> {
    return await this.#invocations.run(this.#settings.subrequests, async () => {
      if (this.#app === undefined) {
        const made = await this.#makeApp();
        this.#app ??= made;
      }
      return await this.#app(request);
    });
  }

  /**
   * A scheduled event: compacts and collects as far as one invocation goes. The bucket is tested once in each isolate, which takes 10
   * requests and 2.2 s, and is not for those who wait for an answer. Throws where anything failed, so that the event counts as failed.
   */
  async maintain(): Promise<void> {
    await this.#invocations.run(this.#settings.subrequests, async () => {
      // First, because it says of a binding that it is none.
      const database = await this.#opened();
      const { bucket, options } = this.#location();
      if (!this.#tested)
        await openR2Store(this.#invocations.countedBucket(bucket), { ...options, selfTest: true });
      this.#tested = true;
      await runMaintenance(database, (line) => console.log(line));
    });
  }

  async #makeApp(): Promise<App> {
    const { apiKeys, allowAnonymous, corsOrigins, maxConcurrentRequests } = this.#settings;
    return createApp({
      database: () => asCallersSee(this.#opened()),
      guard: await createGuard({ keys: apiKeys, allowAnonymous, exposure: 'hosted' }),
      version,
      clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
      newId: () => crypto.randomUUID(),
      corsOrigins,
      load: { requests: maxConcurrentRequests, bodyBytes: BODY_BYTES },
      platform: { name: 'Cloudflare Workers', bodyBytes: BODY_BYTES },
      onFailure: (failure) => console.log(failureLine(failure)),
    });
  }

  async #opened(): Promise<Database> {
    if (this.#database !== undefined) return this.#database;
    const { tier, hedgeReads, memoryBudgetBytes, cacheApi: isCached } = this.#settings;
    const { bucket, options } = this.#location();
    const made = await openR2(bucket, {
      ...options,
      kernel,
      selfTest: false,
      hedgeReads,
      ...(tier === undefined ? {} : { tier }),
      ...(memoryBudgetBytes === undefined ? {} : { memoryBudgetBytes }),
      invocation: this.#invocations.current,
      waitUntil,
      ...(isCached ? { warmCache: cacheApi(this.#invocations.counted(caches.default), { waitUntil }) } : {}),
    });
    return (this.#database ??= made);
  }

  /** Throws `invalid` where the store is no binding of this Worker. */
  #location(): { bucket: R2Binding; options: R2StoreOptions } {
    const { store } = this.#settings;
    const [, name, prefix = ''] = /^r2:([\w$]{1,128})(?:\/(.*))?$/s.exec(store) ?? [];
    if (name === undefined) {
      const shown = JSON.stringify(store.slice(0, 200));
      const message = `store ${shown} is not r2:BINDING or r2:BINDING/PREFIX, as a Worker has it`;
      throw invalid('invalid_store_url', message);
    }
    const options = { name, prefix, ...storeOptions(this.#settings) };
    return { bucket: this.#environment[name] as R2Binding, options };
  }
}
