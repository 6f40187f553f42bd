/**
 * Back-pressure: how many requests may be under way and how many bytes of their bodies may be in memory. A request
 * over either bound is answered 503 `overloaded` before its body is read, instead of slowing everyone to a halt.
 */
import { CairnError, overLimit } from '../../core/base/errors.js';

export interface LoadLimits {
  /** Requests under way at once. */
  readonly requests: number;
  /** Bytes of request bodies in memory at once, over all requests. */
  readonly bodyBytes: number;
}

/** One admitted request's share. */
export interface Admission {
  /** Reserves `bytes` more for this request's body, or throws `overloaded`. */
  takeBytes(bytes: number): void;
  /** Gives everything back. May be called more than once. */
  release(): void;
}

export class Load {
  readonly limits: LoadLimits;
  requests = 0;
  bodyBytes = 0;

  constructor(limits: LoadLimits) {
    this.limits = limits;
  }

  /** Throws `overloaded` where no request more fits. */
  admit(): Admission {
    if (this.requests >= this.limits.requests) {
      throw overloaded('requests', this.requests + 1, this.limits.requests);
    }
    this.requests++;
    let taken = 0;
    let open = true;
    return {
      takeBytes: (bytes) => {
        if (bytes > this.limits.bodyBytes) {
          throw overLimit('bodyBytesInFlight', bytes, this.limits.bodyBytes, 'body');
        }
        if (this.bodyBytes + bytes > this.limits.bodyBytes) {
          throw overloaded('bodyBytesInFlight', this.bodyBytes + bytes, this.limits.bodyBytes);
        }
        this.bodyBytes += bytes;
        taken += bytes;
      },
      release: () => {
        if (!open) return;
        open = false;
        this.requests--;
        this.bodyBytes -= taken;
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
