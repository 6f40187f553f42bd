/**
 * A keep-alive HTTP client on node:http: a connection of its own, bodies that are bytes already, and the answer as
 * JSON. `fetch` would cost the client more than the server spends.
 */
import { Agent, request } from 'node:http';

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {any} json
 * @property {import('node:http').IncomingHttpHeaders} headers
 */

/**
 * @typedef {object} Client
 * @property {(method: string, path: string, body?: Uint8Array | string | object, headers?: Record<string, string>) => Promise<Answer>} call
 *   rejects where no whole answer came
 * @property {() => void} close
 */

/**
 * @param {string} baseUrl
 * @returns {Client}
 */
export function connect(baseUrl) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const { hostname, port } = new URL(baseUrl);
  return {
    call: (method, path, body, headers = {}) =>
      new Promise((resolve, reject) => {
        const bytes =
          body === undefined || typeof body === 'string' || body instanceof Uint8Array
            ? body
            : JSON.stringify(body);
        const sent = bytes === undefined ? {} : { 'content-type': 'application/json' };
        const length = { 'content-length': String(bytes === undefined ? 0 : Buffer.byteLength(bytes)) };
        const call = request(
          { agent, hostname, port, method, path, headers: { ...sent, ...length, ...headers } },
          (response) => {
            /** @type {Buffer[]} */
            const chunks = [];
            response.on('data', (chunk) => chunks.push(chunk));
            response.on('error', reject);
            response.on('aborted', () => reject(new Error('the answer broke off')));
            response.on('end', () => {
              const text = Buffer.concat(chunks).toString();
              const json = text === '' ? undefined : JSON.parse(text);
              resolve({ status: response.statusCode ?? 0, json, headers: response.headers });
            });
          },
        );
        call.on('error', reject);
        call.end(bytes);
      }),
    close: () => agent.destroy(),
  };
}

/**
 * `call`, and an error where the answer is none of the 2xx.
 * @param {Client} client
 * @param {Parameters<Client['call']>} call
 */
export async function mustCall(client, ...call) {
  const { status, json } = await client.call(...call);
  if (status >= 200 && status < 300) return json;
  throw new Error(`${call[0]} ${call[1]}: ${status} ${JSON.stringify(json)}`);
}

/**
 * Every record of a collection, in id order, by pages.
 * @param {Client} client
 * @param {string} collection
 * @param {{ include?: readonly string[], limit?: number }} [options]
 * @returns {Promise<any[]>}
 */
export async function scanAll(client, collection, { include = ['metadata', 'vector'], limit = 1_000 } = {}) {
  const records = [];
  /** @type {string | undefined} */
  let cursor;
  do {
    const page = await mustCall(client, 'POST', `/v1/collections/${collection}/scan`, {
      limit,
      include,
      cursor,
    });
    records.push(...page.records);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return records;
}
