/** What clients of a kill test talk to: the server of the moment, and how many requests it holds. */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../bench/http-client.mjs';

/** @typedef {import('../../bench/server-process.mjs').ServerProcess} ServerProcess */

export class ServerLine {
  /** @param {ServerProcess} server */
  constructor(server) {
    this.server = server;
    this.inFlight = 0;
    this.over = false;
    /** Resolves when there is a server again. @type {Promise<void>} */
    this.up = Promise.resolve();
  }

  ended() {
    return this.over;
  }

  /** From now on there is no server. Returns what to call when there is one again. @returns {() => void} */
  down() {
    /** @type {() => void} */
    let raise = () => {};
    this.up = new Promise((resolve) => (raise = resolve));
    return raise;
  }

  /**
   * A client's own connection, made anew after each restart.
   * @param {number} [pauseMs] before each request, for clients that should not write as fast as they can
   */
  forClient(pauseMs = 0) {
    let url = '';
    /** @type {import('../../bench/http-client.mjs').Client | undefined} */
    let client;
    return {
      ended: () => this.ended(),
      /** @type {import('./server-kill-client.mjs').Line['call']} */
      call: async (route, body, headers) => {
        if (pauseMs > 0) await sleep(pauseMs);
        await this.up;
        if (client === undefined || url !== this.server.url) {
          client?.close();
          url = this.server.url;
          client = connect(url);
        }
        this.inFlight++;
        try {
          return await client.call('POST', route, body, headers);
        } finally {
          this.inFlight--;
        }
      },
      close: () => client?.close(),
    };
  }
}

/**
 * @template T
 * @param {ServerLine} line
 * @param {(client: import('../../bench/http-client.mjs').Client) => Promise<T>} act
 */
export async function withClient(line, act) {
  const client = connect(line.server.url);
  try {
    return await act(client);
  } finally {
    client.close();
  }
}
