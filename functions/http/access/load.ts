/**
 * Back-pressure: how many requests may be under way and how many bytes of their bodies may be in memory. A request
 * over either bound is answered 503 `overloaded` before its body is read, instead of slowing everyone to a halt.
 */
import { CairnError, overLimit } from '../../../core/base/errors.js';
import { SpareMemory } from '../../../core/base/spare-memory.js';

export interface LoadLimits {
  /** Requests under way at once. */
  readonly requests: number;
  /** Bytes of request bodies in memory at once, over all requests. */
  readonly bodyBytes: number;
  /** Bytes of body buffers that are kept for the next bodies. Default 0. */
  readonly idleBytes?: number;
}

/** One admitted request's share. */
export interface Admission {
  /** Reserves `bytes` more for this request's body, or throws `overloaded`. */
  takeBytes(bytes: number): void;
  /** Reserves `bytes` in the same way and returns as many, with anything in them. They go to others after `release`. */
  takeBuffer(bytes: number): Uint8Array<ArrayBuffer>;
  /** Gives everything back. May be called more than once. */
  release(): void;
}

export class Load {
  readonly limits: LoadLimits;
  readonly #spare: SpareMemory;
  requests = 0;
  bodyBytes = 0;

  constructor(limits: LoadLimits) {
    this.limits = limits;
    this.#spare = new SpareMemory(limits.idleBytes ?? 0);
  }

  /** Throws `overloaded` where no request more fits. */
  admit(): Admission {
    if (this.requests >= this.limits.requests) {
      throw overloaded('requests', this.requests + 1, this.limits.requests);
    }
    this.requests++;
    let taken = 0;
    let open = true;
    const buffers: ArrayBuffer[] = [];
    const takeBytes = (bytes: number): void => {
      if (bytes > this.limits.bodyBytes) {
        throw overLimit('bodyBytesInFlight', bytes, this.limits.bodyBytes, 'body');
      }
      if (this.bodyBytes + bytes > this.limits.bodyBytes) {
        throw overloaded('bodyBytesInFlight', this.bodyBytes + bytes, this.limits.bodyBytes);
      }
      this.bodyBytes += bytes;
      taken += bytes;
    };
    return {
      takeBytes,
      takeBuffer: (bytes) => {
        takeBytes(bytes);
        const buffer = this.#spare.tryTake(bytes) ?? new ArrayBuffer(bytes);
        buffers.push(buffer);
        return new Uint8Array(buffer, 0, bytes);
      },
      release: () => {
        if (!open) return;
        open = false;
        this.requests--;
        this.bodyBytes -= taken;
        for (const buffer of buffers) this.#spare.give(buffer);
      },
    };
  }
}

function overloaded(limit: string, value: number, maximum: number): CairnError {
  return new CairnError(
    'unavailable',
    'overloaded',
    `overloaded: ${limit} would be ${value}, the maximum is ${maximum}`,
    { details: { limit, value, maximum }, outcome: 'not_applied', retryAfterS: 1 },
  );
}
