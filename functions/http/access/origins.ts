/**
 * CORS: which web pages may call. None by default, pages of other origins then cannot read an answer; a list of exact
 * origins, or `*` for all.
 */

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
  mark(request: Request, headers: Headers): void {
    if (this.#allowed.size === 0) return;
    headers.append('vary', 'origin');
    const origin = request.headers.get('origin');
    if (origin === null || !this.allows(origin)) return;
    headers.set('access-control-allow-origin', this.#allowed.has('*') ? '*' : origin);
    headers.set('access-control-expose-headers', exposed);
  }

  /** Adds what a preflight asks for. `methods` are those of the path. */
  markPreflight(headers: Headers, methods: string): void {
    headers.set('access-control-allow-methods', methods);
    headers.set('access-control-allow-headers', allowedHeaders);
    headers.set('access-control-max-age', '600');
  }
}

/** A preflight carries no key by design, so it is answered before the key is asked for. */
export function isPreflight(request: Request): boolean {
  return (
    request.method === 'OPTIONS' &&
    request.headers.has('origin') &&
    request.headers.has('access-control-request-method')
  );
}
