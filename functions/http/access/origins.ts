/**
 * CORS: which web pages may call. None by default, pages of other origins then cannot read an answer; a list of exact
 * origins, or `*` for all.
 */
import type { HttpRequest } from '../message/index.js';

const exposed = 'x-request-id, retry-after, server-timing, idempotency-key, cairn-first-tail';
const allowedHeaders =
  'authorization, content-type, content-encoding, idempotency-key, cairn-first-tail, x-request-id';

export class Origins {
  readonly #allowed: ReadonlySet<string>;

  constructor(allowed: readonly string[]) {
    this.#allowed = new Set(allowed);
  }

  allows(origin: string): boolean {
    return this.#allowed.has('*') || this.#allowed.has(origin);
  }

  /** Adds what an answer to `request` owes. */
  mark(request: HttpRequest, headers: Record<string, string>): void {
    if (this.#allowed.size === 0) return;
    headers['vary'] = 'origin';
    const origin = request.headers.get('origin');
    if (origin === null || !this.allows(origin)) return;
    headers['access-control-allow-origin'] = this.#allowed.has('*') ? '*' : origin;
    headers['access-control-expose-headers'] = exposed;
  }

  /** Adds what a preflight asks for. `methods` are those of the path. */
  markPreflight(headers: Record<string, string>, methods: string): void {
    headers['access-control-allow-methods'] = methods;
    headers['access-control-allow-headers'] = allowedHeaders;
    headers['access-control-max-age'] = '600';
  }
}

/** A preflight carries no key by design, so it is answered before the key is asked for. */
export function isPreflight(request: HttpRequest): boolean {
  return (
    request.method === 'OPTIONS' &&
    request.headers.get('origin') !== null &&
    request.headers.get('access-control-request-method') !== null
  );
}
