/**
 * A bucket that several processes share, as unreliable as real ones are, and each process's way to it. What goes wrong
 * is decided per request by a script (a function of the request) or by a seed; what a fault does is here:
 *
 *   put   landed         applied, answered `unknown`
 *         lost           not applied, answered `unknown`
 *         late           answered `unknown`, tried (under its condition) after so many further requests of anybody
 *         retried        applied, answered `refused`, as after an SDK's own silent retry
 *   get   unavailable, truncated, flipped (one bit), absent (a 404 of what is there)
 *   upload  ends as its put would, by a throw where that would be refused or unknown; never late
 *   list  unavailable
 *   any   slow           the answer takes so many milliseconds more; `before` delays the request itself
 */
import { CairnError } from '../../core/base/errors.js';
import { memoryStore } from '../../core/store/index.js';
import type {
  GetOptions,
  GetResult,
  ListedObject,
  ListOptions,
  ObjectStore,
  PutOptions,
  PutResult,
  Upload,
} from '../../core/store/index.js';
import type { Chance, VirtualTime } from './virtual-time.js';

export type Fault =
  | { readonly put: 'landed' | 'lost' | 'retried' }
  | { readonly put: 'late'; readonly requests: number }
  | { readonly put: 'not_applied' }
  | { readonly get: 'unavailable' | 'truncated' | 'flipped' | 'absent' }
  | { readonly list: 'unavailable' }
  | { readonly delete: 'unavailable' }
  | { readonly slow: number }
  | { readonly before: number };

export interface StoreRequest {
  readonly process: string;
  readonly op: 'get' | 'put' | 'list' | 'delete';
  readonly key: string;
  /** How many requests of this process on this op and key came before: 0 for the first. */
  readonly nth: number;
}

export type Script = (request: StoreRequest) => Fault | undefined | Promise<Fault | undefined>;

interface LatePut {
  requestsLeft: number;
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly options: PutOptions;
}

const unavailable = (key: string): CairnError =>
  new CairnError('unavailable', 'store_unavailable', `the store did not answer for ${key}`);

export class FaultyBucket {
  /** The truth, without faults, latency or accounting. */
  readonly truth: ObjectStore;
  script: Script = () => undefined;
  /** Every request in the order of arrival, for assertions and for comparing two runs of one seed. */
  readonly trace: StoreRequest[] = [];
  readonly #time: VirtualTime;
  readonly #late: LatePut[] = [];
  readonly #seen = new Map<string, number>();

  constructor(time: VirtualTime) {
    this.#time = time;
    this.truth = memoryStore({ clock: time.clock });
  }

  /** One process's way to the bucket. */
  as(process: string, latencyMs: () => number = () => 1): ObjectStore {
    return new FaultyStore({ bucket: this, time: this.#time, process, latencyMs });
  }

  async arrive(request: Omit<StoreRequest, 'nth'>): Promise<Fault | undefined> {
    const id = `${request.process} ${request.op} ${request.key}`;
    const nth = this.#seen.get(id) ?? 0;
    this.#seen.set(id, nth + 1);
    const counted = { ...request, nth };
    this.trace.push(counted);
    const due = this.#late.filter((late) => late.requestsLeft-- <= 0);
    for (const late of due) await this.#land(late);
    return await this.script(counted);
  }

  later(late: LatePut): void {
    this.#late.push(late);
  }

  /** Whatever is still in flight arrives now. */
  async landAll(): Promise<void> {
    while (this.#late.length > 0) await this.#land(this.#late[0]!);
  }

  async #land(late: LatePut): Promise<void> {
    this.#late.splice(this.#late.indexOf(late), 1);
    await this.truth.put(late.key, late.bytes, late.options);
  }
}

interface FaultyStoreOptions {
  readonly bucket: FaultyBucket;
  readonly time: VirtualTime;
  readonly process: string;
  readonly latencyMs: () => number;
}

class FaultyStore implements ObjectStore {
  readonly description = 'faulty:';
  readonly #options: FaultyStoreOptions;

  constructor(options: FaultyStoreOptions) {
    this.#options = options;
  }

  async #request<T>(
    op: StoreRequest['op'],
    key: string,
    answer: (fault: Fault | undefined) => Promise<T>,
  ): Promise<T> {
    const { bucket, time, process, latencyMs } = this.#options;
    await time.sleep(latencyMs());
    const fault = await bucket.arrive({ process, op, key });
    if (fault !== undefined && 'before' in fault) await time.sleep(fault.before);
    try {
      return await answer(fault);
    } finally {
      await time.sleep(latencyMs() + (fault !== undefined && 'slow' in fault ? fault.slow : 0));
    }
  }

  get(key: string, options?: GetOptions): Promise<GetResult> {
    return this.#request('get', key, async (fault) => {
      const kind = fault !== undefined && 'get' in fault ? fault.get : undefined;
      if (kind === 'unavailable') throw unavailable(key);
      if (kind === 'absent') return { status: 'absent' };
      const result = await this.#options.bucket.truth.get(key, options);
      if (result.status !== 'found' || kind === undefined || result.bytes.length === 0) return result;
      const { bytes } = result;
      if (kind === 'truncated') return { ...result, bytes: bytes.slice(0, bytes.length >> 1) };
      bytes[(bytes.length * 5) >> 3]! ^= 4;
      return result;
    });
  }

  put(key: string, bytes: Uint8Array, options: PutOptions): Promise<PutResult> {
    return this.#request('put', key, async (fault): Promise<PutResult> => {
      const { truth } = this.#options.bucket;
      if (fault === undefined || !('put' in fault)) return await truth.put(key, bytes, options);
      const cause = unavailable(key);
      if (fault.put === 'not_applied') {
        throw new CairnError('unavailable', 'disk_full', 'no space left', { outcome: 'not_applied' });
      }
      if (fault.put === 'late') {
        const late = { requestsLeft: fault.requests, key, bytes: bytes.slice(), options };
        this.#options.bucket.later(late);
      }
      if (fault.put === 'landed' || fault.put === 'retried') await truth.put(key, bytes, options);
      return fault.put === 'retried' ? { status: 'refused' } : { status: 'unknown', cause };
    });
  }

  async upload(key: string): Promise<Upload> {
    const { truth } = this.#options.bucket;
    const upload = await truth.upload(key);
    return {
      write: (bytes) => upload.write(bytes),
      finish: () =>
        this.#request('put', key, async (fault) => {
          const kind = fault !== undefined && 'put' in fault ? fault.put : undefined;
          if (kind === undefined || kind === 'landed' || kind === 'retried') await upload.finish();
          if (kind !== undefined) throw unavailable(key);
        }),
      abort: () => upload.abort(),
    };
  }

  list(prefix: string, options?: ListOptions): Promise<readonly ListedObject[]> {
    return this.#request('list', prefix, async (fault) => {
      if (fault !== undefined && 'list' in fault) throw unavailable(prefix);
      return await this.#options.bucket.truth.list(prefix, options);
    });
  }

  delete(keys: readonly string[]): Promise<void> {
    return this.#request('delete', keys.join(' '), async (fault) => {
      if (fault !== undefined && 'delete' in fault) {
        // Some of them are gone: a delete of many keys is not atomic.
        await this.#options.bucket.truth.delete(keys.slice(0, keys.length >> 1));
        throw unavailable(keys[0] ?? '');
      }
      await this.#options.bucket.truth.delete(keys);
    });
  }

  async close(): Promise<void> {}
}

/** Faults by chance. Corrupting reads are left out: a store that lies in every answer allows no progress. */
export function randomFaults(chance: Chance, probability: number): Script {
  return ({ op }) => {
    if (!chance.happens(probability)) return undefined;
    const slow = { slow: chance.pick([50, 500, 5_000, 29_990, 70_000]) };
    const before = { before: chance.pick([50, 500, 5_000, 70_000]) };
    const late: Fault = { put: 'late', requests: chance.below(40) };
    const lost: Fault = { put: 'lost' };
    const faults: Readonly<Record<StoreRequest['op'], readonly Fault[]>> = {
      put: [{ put: 'landed' }, lost, { put: 'retried' }, late, late, slow, before],
      get: [{ get: 'unavailable' }, { get: 'unavailable' }, slow, before],
      list: [{ list: 'unavailable' }, slow, before],
      delete: [{ delete: 'unavailable' }],
    };
    return chance.pick(faults[op]);
  };
}
