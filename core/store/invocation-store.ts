/**
 * Holds each invocation of a host to the requests that it may make: Workers end one that makes too many in the middle, with
 * whatever it was about to write. Every request is counted before it is made, and the one that would pass the limit is not.
 *
 * Whose request it is only the host knows, because those of several invocations run interleaved: it is asked each time.
 *
 * The last requests are kept for what ends something that was begun. What only goes on (ranges of segments, lists, uploads,
 * deletions) leaves `limits.invocationReserve` of them, from which a job can be taken out of the head; a put leaves those
 * that tell what became of it.
 *
 * Counts as R2 does (docs/STORES.md): a page of a list, 1,000 deletions, and each part of an upload are one request, an upload of
 * several parts has two more. What a store repeats within an upload by itself is not seen here.
 */
import { CairnError } from '../base/errors.js';
import type { Outcome } from '../base/errors.js';
import { limits } from '../base/limits.js';
import { ForwardingStore } from './forwarding.js';
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

/** One request or scheduled event of a host. */
export interface Invocation {
  /** Requests of the store that it may make. */
  readonly limit: number;
  /** That it has made. Begins at 0; the store counts on. */
  used: number;
}

export interface MeteringOptions {
  /** On whose account the call is made that is being made. Undefined: nobody's, and it is not counted. */
  readonly current: () => Invocation | undefined;
}

/**
 * Requires: nothing between this and the store repeats a request. Throws `unavailable` (`subrequests_exhausted`) in the place of
 * a request beyond the limit; what would have written has then done nothing (`not_applied`).
 */
export function meteringStore(inner: ObjectStore, options: MeteringOptions): ObjectStore {
  return new MeteringStore(inner, options);
}

/** The error of the one that would have passed the limit. To ask again is of no use within the invocation. */
export const SUBREQUESTS_EXHAUSTED = 'subrequests_exhausted';

/** What a request has to leave of the limit. */
const LEAVES = {
  read: 0,
  put: limits.invocationPutReserve,
  bulk: limits.invocationReserve,
} as const;

class MeteringStore extends ForwardingStore {
  readonly #current: MeteringOptions['current'];

  constructor(inner: ObjectStore, { current }: MeteringOptions) {
    super(inner);
    this.#current = current;
  }

  override async get(key: string, options?: GetOptions): Promise<GetResult> {
    // Heads and slots, which say what became of a put, are read whole.
    this.#spend(1, { leave: options?.range === undefined ? LEAVES.read : LEAVES.bulk });
    return await this.inner.get(key, options);
  }

  override async put(key: string, bytes: Uint8Array, options: PutOptions): Promise<PutResult> {
    this.#spend(1, { leave: LEAVES.put, outcome: 'not_applied' });
    return await this.inner.put(key, bytes, options);
  }

  /** The store inside sends a part when it is full and more comes, and a body of less than a part as one put. */
  override async upload(key: string): Promise<Upload> {
    const upload = await this.inner.upload(key);
    const spend = (requests: number): void =>
      this.#spend(requests, { leave: LEAVES.bulk, outcome: 'not_applied' });
    let written = 0;
    let sent = 0;
    return {
      write: async (bytes) => {
        const full = Math.max(0, Math.ceil((written + bytes.length) / limits.uploadPartBytes) - 1);
        const begins = sent === 0 && full > 0 ? 1 : 0;
        spend(full - sent + begins);
        written += bytes.length;
        sent = full;
        await upload.write(bytes);
      },
      finish: async () => {
        spend(sent === 0 ? 1 : 2);
        await upload.finish();
      },
      abort: async () => {
        try {
          if (sent > 0) this.#spend(1, { leave: LEAVES.bulk });
        } catch {
          // Without a request left: what was written goes with time.
          return;
        }
        await upload.abort();
      },
    };
  }

  /** Page by page, so that a list of many keys ends at the limit, too. */
  override async list(prefix: string, options: ListOptions = {}): Promise<readonly ListedObject[]> {
    const { limit = Infinity } = options;
    const listed: ListedObject[] = [];
    let { after } = options;
    for (;;) {
      this.#spend(1, { leave: LEAVES.bulk });
      const wanted = Math.min(limits.listPageKeys, limit - listed.length);
      const page = await this.inner.list(prefix, {
        limit: wanted,
        ...(after === undefined ? {} : { after }),
      });
      listed.push(...page);
      if (page.length < wanted || listed.length >= limit) return listed;
      after = page.at(-1)!.key;
    }
  }

  override async delete(keys: readonly string[]): Promise<void> {
    this.#spend(Math.ceil(keys.length / limits.deleteKeys), { leave: LEAVES.bulk });
    await this.inner.delete(keys);
  }

  #spend(requests: number, { leave, outcome }: { readonly leave: number; readonly outcome?: Outcome }): void {
    const invocation = this.#current();
    if (invocation === undefined) return;
    const { used, limit } = invocation;
    if (requests > 0 && used + requests + leave > limit) throw exhausted(invocation, outcome);
    invocation.used += requests;
  }
}

function exhausted({ used, limit }: Invocation, outcome: Outcome | undefined): CairnError {
  const message = `the invocation has made ${used} of the ${limit} requests to the store that it may make, and those left are kept to end what was begun`;
  return new CairnError('unavailable', SUBREQUESTS_EXHAUSTED, message, {
    details: { limit: 'subrequests', value: used, maximum: limit },
    retryAfterS: 1,
    ...(outcome === undefined ? {} : { outcome }),
  });
}
