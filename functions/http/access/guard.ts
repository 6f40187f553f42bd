/**
 * The lock: who may call. Keys are held as SHA-256 digests only and compared in constant time. Without keys a hosted
 * handler serves nothing but /health, and a handler on loopback serves only callers that a foreign web page cannot be:
 * a `Host` that is not loopback (DNS rebinding) and a foreign `Origin` are refused.
 */
import { CairnError } from '../../../core/base/errors.js';
import type { HttpRequest } from '../message/index.js';
import { isLoopbackHost } from './loopback.js';
import type { Origins } from './origins.js';

export interface GuardSettings {
  /** Plain keys. Only their digests are kept. */
  readonly keys: readonly string[];
  /** Serve without keys. */
  readonly allowAnonymous?: boolean;
  /** `loopback`: only this machine can connect. `hosted`: anyone may. */
  readonly exposure: 'loopback' | 'hosted';
}

/** What a route demands: `health` answers always, `open` without a key where there are any, `guarded` with one. */
export type Access = 'health' | 'open' | 'guarded';

export class Guard {
  readonly #digests: readonly Uint8Array[];
  readonly #exposure: GuardSettings['exposure'];
  readonly #allowAnonymous: boolean;

  /** `digests`: of the keys, which are not kept. */
  constructor({ exposure, allowAnonymous = false }: GuardSettings, digests: readonly Uint8Array[]) {
    this.#exposure = exposure;
    this.#allowAnonymous = allowAnonymous;
    this.#digests = digests;
  }

  /** Whether callers need no key. */
  get anonymous(): boolean {
    return this.#digests.length === 0;
  }

  /** The checks that come before a route is looked at: where the request was sent, and by whose page. */
  checkSource(request: HttpRequest, host: string, origins: Origins): void {
    if (!this.anonymous) return;
    if (this.#exposure === 'loopback' && !isLoopbackHost(host)) {
      throw new CairnError(
        'invalid',
        'misdirected_request',
        `host ${JSON.stringify(host.slice(0, 100))} is not loopback: without API keys only loopback names are served`,
      );
    }
    const origin = request.headers.get('origin');
    if (origin !== null && !origins.allows(origin) && !isSameOrigin(origin, host)) {
      throw new CairnError(
        'forbidden',
        'origin_not_allowed',
        `origin ${JSON.stringify(origin.slice(0, 100))} is not allowed: name it in CAIRN_CORS_ORIGINS`,
      );
    }
  }

  async checkKey(request: HttpRequest, access: Access): Promise<void> {
    if (access === 'health') return;
    if (this.anonymous) {
      if (this.#exposure === 'loopback' || this.#allowAnonymous) return;
      throw new CairnError(
        'unavailable',
        'no_keys_configured',
        'no API keys are configured: set CAIRN_API_KEYS, or CAIRN_ALLOW_ANONYMOUS=true to serve anyone',
      );
    }
    if (access === 'open') return;
    const token = /^bearer +(\S+) *$/i.exec(request.headers.get('authorization') ?? '')?.[1];
    if (token === undefined) {
      throw new CairnError(
        'unauthenticated',
        'key_required',
        'an API key is required: send Authorization: Bearer KEY',
      );
    }
    if (!this.#knows(await digest(token))) {
      throw new CairnError('unauthenticated', 'key_unknown', 'the API key is not known');
    }
  }

  /** Compares with every key, to the last byte, whatever was found before. */
  #knows(candidate: Uint8Array): boolean {
    let found = 0;
    for (const known of this.#digests) {
      let difference = 0;
      for (let i = 0; i < known.length; i++) difference |= known[i]! ^ candidate[i]!;
      found |= Number(difference === 0);
    }
    return found === 1;
  }
}

export async function createGuard(settings: GuardSettings): Promise<Guard> {
  return new Guard(settings, await Promise.all(settings.keys.map(digest)));
}

async function digest(key: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key)));
}

function isSameOrigin(origin: string, host: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}
