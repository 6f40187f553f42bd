/**
 * The requests that this process really sends over HTTP, as Node itself tells them: below every wrapper, and what an SDK repeats in
 * silence is among them.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

/**
 * @typedef {object} SentRequest
 * @property {string} method `LIST` where a GET lists keys
 * @property {string} path decoded, without the query
 * @property {{ first: number, last: number } | undefined} range bytes that were asked for
 * @property {number} depth length of the longest chain of requests that ends with this one, each begun after the one before had ended
 */

export class SentRequests {
  /** @type {SentRequest[]} */
  #sent = [];
  #deepestEnded = 0;
  /** @type {WeakMap<object, number>} */
  #depths = new WeakMap();

  constructor() {
    subscribe('http.client.request.start', this.#begun);
    subscribe('http.client.response.finish', this.#answered);
  }

  /** So far. @returns {readonly SentRequest[]} */
  get all() {
    return this.#sent;
  }

  stop() {
    unsubscribe('http.client.request.start', this.#begun);
    unsubscribe('http.client.response.finish', this.#answered);
  }

  /** @param {unknown} message */
  #begun = (message) => {
    const { request } = /** @type {{ request: import('node:http').ClientRequest }} */ (message);
    const { pathname, searchParams } = new URL(request.path, 'http://store');
    const asked = /^bytes=(\d+)-(\d+)$/.exec(String(request.getHeader('range') ?? ''));
    const depth = this.#deepestEnded + 1;
    this.#depths.set(request, depth);
    this.#sent.push({
      method: searchParams.has('list-type') ? 'LIST' : (request.method ?? 'GET'),
      path: decodeURIComponent(pathname),
      range: asked === null ? undefined : { first: Number(asked[1]), last: Number(asked[2]) },
      depth,
    });
  };

  /** With its last byte, not with its headers. @param {unknown} message */
  #answered = (message) => {
    const { request, response } =
      /** @type {{ request: object, response: import('node:http').IncomingMessage }} */ (message);
    response.once('end', () => {
      this.#deepestEnded = Math.max(this.#deepestEnded, this.#depths.get(request) ?? 0);
    });
  };
}
