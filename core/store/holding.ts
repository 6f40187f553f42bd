/**
 * Counts the bytes on their way between a store and its callers: those that gets under way have asked for, those that puts send, and
 * what uploads may hold of what was written to them. A get that waits for its turn counts too. What arrives in memory that is counted
 * already does not, whatever a cache in between makes of it; nor what is read whole, whose size nobody knows before it is here.
 * What has come and waits at its caller's for what it is checked against is still on its way (`during`).
 *
 * A host may end a request in the middle, and its calls never settle: what was not heard of for `limits.placeLostMs` is counted no more.
 */
import { limits } from '../base/limits.js';
import { MemoryPart } from '../base/memory-account.js';
import type { MemoryAccount } from '../base/memory-account.js';
import type { Clock } from '../base/ports.js';
import { ForwardingStore } from './forwarding.js';
import type { GetOptions, GetResult, ObjectStore, PutOptions, PutResult, Upload } from './object-store.js';

export interface HoldingOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly account: MemoryAccount;
  /** Whether lent memory counts elsewhere. */
  readonly isCounted: (memory: ArrayBufferLike) => boolean;
  /** Called before more is held, with how much that is. */
  readonly makeRoom: (bytes: number) => void;
}

export interface HoldingStore extends ObjectStore {
  readonly heldBytes: number;
  /** Counts so many bytes until the call ends. */
  during<T>(bytes: number, call: () => Promise<T>): Promise<T>;
}

export function holdingStore(inner: ObjectStore, options: HoldingOptions): HoldingStore {
  return new CountingHeld(inner, options);
}

interface Held {
  bytes: number;
  heardMs: number;
}

/** Parts on their way, and the one that is filled. */
const UPLOAD_BYTES: number = limits.uploadPartBytes * (limits.uploadPartsParallel + 1);

class CountingHeld extends ForwardingStore implements HoldingStore {
  readonly #options: HoldingOptions;
  /** The one that was heard of the longest ago first. */
  readonly #held = new Set<Held>();
  readonly #part: MemoryPart;

  constructor(inner: ObjectStore, options: HoldingOptions) {
    super(inner);
    this.#options = options;
    this.#part = new MemoryPart(options.account);
  }

  get heldBytes(): number {
    return this.#part.bytes;
  }

  override get(key: string, options?: GetOptions): Promise<GetResult> {
    const { range, into } = options ?? {};
    const isCounted = into !== undefined && this.#options.isCounted(into.buffer);
    return this.during(isCounted ? 0 : (range?.length ?? 0), () => this.inner.get(key, options));
  }

  override put(key: string, bytes: Uint8Array, options: PutOptions): Promise<PutResult> {
    return this.during(bytes.length, () => this.inner.put(key, bytes, options));
  }

  override async upload(key: string): Promise<Upload> {
    const upload = await this.inner.upload(key);
    const held: Held = { bytes: 0, heardMs: 0 };
    return {
      write: async (bytes) => {
        this.#grow(held, Math.min(bytes.length, UPLOAD_BYTES - held.bytes));
        await upload.write(bytes);
      },
      finish: async () => {
        await upload.finish();
        this.#drop(held);
      },
      abort: async () => {
        await upload.abort();
        this.#drop(held);
      },
    };
  }

  async during<T>(bytes: number, call: () => Promise<T>): Promise<T> {
    const held: Held = { bytes: 0, heardMs: 0 };
    this.#grow(held, bytes);
    try {
      return await call();
    } finally {
      this.#drop(held);
    }
  }

  #grow(held: Held, bytes: number): void {
    const { clock, makeRoom } = this.#options;
    const now = clock.monotonicMs();
    for (const oldest of this.#held) {
      if (oldest === held || oldest.heardMs > now - limits.placeLostMs) break;
      this.#drop(oldest);
    }
    makeRoom(bytes);
    this.#held.delete(held);
    held.heardMs = now;
    held.bytes += bytes;
    this.#held.add(held);
    this.#part.take(bytes);
  }

  #drop(held: Held): void {
    this.#held.delete(held);
    this.#part.give(held.bytes);
    held.bytes = 0;
  }
}
