/**
 * Counts what passes through a store: requests by operation and outcome, bytes both ways, and dependent round trips.
 * A wrapper is a few numbers: one around a bucket for its life, another around one query.
 *
 * Round trips: the longest chain of requests in which each started after another had ended, which is what latency is
 * made of. A request's depth is one more than the deepest request that had ended when it started; that needs no list
 * of requests and no clock. It cannot see why a request waited: two that could have run together but did not count as
 * dependent, and so they should.
 */
import type {
  GetOptions,
  GetResult,
  ListedObject,
  ListOptions,
  ObjectStore,
  PutOptions,
  PutResult,
  Upload,
} from './object-store.js';

const outcomes = [
  'get_found',
  'get_unchanged',
  'get_absent',
  'get_failed',
  'put_applied',
  'put_refused',
  'put_unknown',
  'put_failed',
  'list_answered',
  'list_failed',
  'delete_answered',
  'delete_failed',
] as const;

/** An operation of the port and how it ended. `failed`: it threw. */
export type StoreOutcome = (typeof outcomes)[number];

export interface StoreUsage {
  /**
   * Calls of the port. A list that followed continuation tokens is one, and so is a delete of many keys. A get that was sent twice
   * (`hedgingStore`) is two of one outcome, with the bytes of one answer; where both failed, one.
   */
  readonly requests: number;
  readonly outcomes: Readonly<Record<StoreOutcome, number>>;
  /** Bodies that came back. */
  readonly bytesRead: number;
  /** Bodies sent, refused ones included: they travelled. */
  readonly bytesWritten: number;
  readonly keysListed: number;
  readonly keysDeleted: number;
  /** Length of the longest chain of dependent requests. */
  readonly roundTrips: number;
  /** Reads that a cache before the bucket answered, and their bytes: in none of the other numbers. */
  readonly warmReads: number;
  readonly warmBytes: number;
  /** Of `bytesRead`, those of objects that never change. */
  readonly immutableBytesRead: number;
}

/** What a read costs: of all usage the part that every query tells. */
export type ReadUsage = Pick<
  StoreUsage,
  'requests' | 'bytesRead' | 'warmReads' | 'warmBytes' | 'immutableBytesRead'
>;

/** Whether the object of a key never changes. */
export type IsImmutable = (key: string) => boolean;

export interface AccountingStore extends ObjectStore {
  /** What has been counted so far. Requests in flight are not in it. */
  snapshot(): StoreUsage;
  /** As `snapshot`, of reads alone: made for each query, twice. */
  reads(): ReadUsage;
}

/** Without `isImmutable` no bytes count as those of immutable objects. */
export function accountingStore(inner: ObjectStore, isImmutable: IsImmutable = () => false): AccountingStore {
  return new CountingStore(inner, isImmutable);
}

/** What happened between two snapshots. `roundTrips` is exact where nothing was in flight at the earlier one. */
export function usageBetween(before: StoreUsage, after: StoreUsage): StoreUsage {
  const difference = noOutcomes();
  for (const name of outcomes) difference[name] = after.outcomes[name] - before.outcomes[name];
  return {
    requests: after.requests - before.requests,
    outcomes: difference,
    bytesRead: after.bytesRead - before.bytesRead,
    bytesWritten: after.bytesWritten - before.bytesWritten,
    keysListed: after.keysListed - before.keysListed,
    keysDeleted: after.keysDeleted - before.keysDeleted,
    roundTrips: after.roundTrips - before.roundTrips,
    warmReads: after.warmReads - before.warmReads,
    warmBytes: after.warmBytes - before.warmBytes,
    immutableBytesRead: after.immutableBytesRead - before.immutableBytesRead,
  };
}

const none = Object.fromEntries(outcomes.map((name) => [name, 0])) as Record<StoreOutcome, number>;

function noOutcomes(): Record<StoreOutcome, number> {
  return { ...none };
}

class CountingStore implements AccountingStore {
  readonly #inner: ObjectStore;
  readonly #isImmutable: IsImmutable;
  readonly #outcomes = noOutcomes();
  #requests = 0;
  #bytesRead = 0;
  #bytesWritten = 0;
  #keysListed = 0;
  #keysDeleted = 0;
  #deepestEnded = 0;
  #warmReads = 0;
  #warmBytes = 0;
  #immutableBytesRead = 0;

  constructor(inner: ObjectStore, isImmutable: IsImmutable) {
    this.#inner = inner;
    this.#isImmutable = isImmutable;
  }

  get description(): string {
    return this.#inner.description;
  }

  snapshot(): StoreUsage {
    return {
      requests: this.#requests,
      outcomes: { ...this.#outcomes },
      bytesRead: this.#bytesRead,
      bytesWritten: this.#bytesWritten,
      keysListed: this.#keysListed,
      keysDeleted: this.#keysDeleted,
      roundTrips: this.#deepestEnded,
      warmReads: this.#warmReads,
      warmBytes: this.#warmBytes,
      immutableBytesRead: this.#immutableBytesRead,
    };
  }

  reads(): ReadUsage {
    return {
      requests: this.#requests,
      bytesRead: this.#bytesRead,
      warmReads: this.#warmReads,
      warmBytes: this.#warmBytes,
      immutableBytesRead: this.#immutableBytesRead,
    };
  }

  async get(key: string, options?: GetOptions): Promise<GetResult> {
    const result = await this.#count(
      'get_failed',
      this.#inner.get(key, options),
      (end) => (isWarm(end) ? undefined : `get_${end.status}`),
      (end) => (end.status === 'unchanged' ? 1 : (end.sentRequests ?? 1)),
    );
    if (result.status !== 'found') return result;
    const { bytes, sentBytes = bytes.length } = result;
    if (isWarm(result)) {
      this.#warmReads += 1;
      this.#warmBytes += bytes.length;
    } else {
      this.#bytesRead += sentBytes;
      if (this.#isImmutable(key)) this.#immutableBytesRead += sentBytes;
    }
    return result;
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions): Promise<PutResult> {
    this.#bytesWritten += bytes.length;
    return this.#count('put_failed', this.#inner.put(key, bytes, options), (end) => `put_${end.status}`);
  }

  /**
   * Counts as one put, at its end and with all of its bytes: how many requests an adapter makes of it (parts, a begin,
   * an end) is that adapter's choice. One that was aborted counts for its bytes alone.
   */
  async upload(key: string): Promise<Upload> {
    const upload = await this.#inner.upload(key);
    return {
      write: async (bytes) => {
        this.#bytesWritten += bytes.length;
        await upload.write(bytes);
      },
      finish: () => this.#count('put_failed', upload.finish(), () => 'put_applied'),
      abort: () => upload.abort(),
    };
  }

  async list(prefix: string, options?: ListOptions): Promise<readonly ListedObject[]> {
    const listed = await this.#count('list_failed', this.#inner.list(prefix, options), () => 'list_answered');
    this.#keysListed += listed.length;
    return listed;
  }

  async delete(keys: readonly string[]): Promise<void> {
    await this.#count('delete_failed', this.#inner.delete(keys), () => 'delete_answered');
    this.#keysDeleted += keys.length;
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  /** `ended` answers undefined for what was no request. */
  async #count<T>(
    failed: StoreOutcome,
    request: Promise<T>,
    ended: (result: T) => StoreOutcome | undefined,
    sent: (result: T) => number = () => 1,
  ): Promise<T> {
    const depth = this.#deepestEnded + 1;
    let outcome: StoreOutcome | undefined = failed;
    let requests = 1;
    try {
      const result = await request;
      outcome = ended(result);
      requests = sent(result);
      return result;
    } finally {
      if (outcome !== undefined) {
        this.#requests += requests;
        this.#outcomes[outcome] += requests;
        this.#deepestEnded = Math.max(this.#deepestEnded, depth);
      }
    }
  }
}

function isWarm(result: GetResult): boolean {
  return result.status === 'found' && result.sentBytes === 0;
}
