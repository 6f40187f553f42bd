/**
 * Which invocation of an isolate is at work: those of several run interleaved, and the platform ends one that makes more requests
 * than it may.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Invocation, R2Binding, WebCache } from '../../core/r2.js';

export class Invocations {
  readonly #storage = new AsyncLocalStorage<Invocation>();

  readonly current = (): Invocation | undefined => this.#storage.getStore();

  async run<T>(limit: number, work: () => Promise<T>): Promise<T> {
    return await this.#storage.run({ limit, used: 0 }, work);
  }

  /** A bucket whose calls are counted as they come: for a store of which nothing else counts them. */
  countedBucket(bucket: R2Binding): R2Binding {
    return new Proxy(bucket, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...given: readonly unknown[]): unknown => {
          const invocation = this.current();
          if (invocation !== undefined) invocation.used++;
          return Reflect.apply(value, target, given);
        };
      },
    });
  }

  /** The platform's cache, whose calls count as well. One that is left out is a miss. */
  counted(cache: WebCache): WebCache {
    const spend = (): boolean => {
      const invocation = this.current();
      if (invocation === undefined) return true;
      // Half of them at most: a miss costs one request of the bucket more.
      if (invocation.used >= invocation.limit / 2) return false;
      invocation.used++;
      return true;
    };
    return {
      match: async (address) => (spend() ? await cache.match(address) : undefined),
      put: async (address, answer) => (spend() ? await cache.put(address, answer) : undefined),
      delete: async (address) => spend() && (await cache.delete(address)),
    };
  }
}
