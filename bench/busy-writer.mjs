/**
 * The writing client of the busy bench: small batches at a steady pace, of rows that are near no query (the negatives
 * of images), and after each a strong query for the last of its rows, which must be there. A 429 must name a time to
 * wait, and is waited for.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from './http-client.mjs';
import { base64Of } from './query-runs.mjs';
import { vectorAt } from './real-sets.mjs';

const BATCH_ROWS = 50;
const PAUSE_MS = 250;
const FAULTS_KEPT = 5;

/**
 * @typedef {object} Written
 * @property {number[]} ms of batches that were acknowledged
 * @property {string[]} ids acknowledged
 * @property {string[]} unsure ids of a batch that got no answer
 * @property {number} refused 429 with `Retry-After`
 * @property {number} wrong
 * @property {string[]} faults the first of them
 */

export class BusyWriter {
  /** @param {import('./real-sets.mjs').BenchSet} set @param {{ url: string, collection: string }} to */
  constructor(set, { url, collection }) {
    this.set = set;
    this.client = connect(url);
    this.path = `/v1/collections/${collection}`;
    /** @type {Written} */
    this.written = { ms: [], ids: [], unsure: [], refused: 0, wrong: 0, faults: [] };
    this.next = 0;
    this.over = false;
    this.running = Promise.resolve();
  }

  start() {
    this.over = false;
    this.running = this.#run();
  }

  /** What was written since the last time that this was asked. */
  async stop() {
    this.over = true;
    await this.running;
    const { written } = this;
    this.written = { ms: [], ids: [], unsure: [], refused: 0, wrong: 0, faults: [] };
    return written;
  }

  async #run() {
    while (!this.over) {
      await this.#batch();
      await sleep(PAUSE_MS);
    }
  }

  async #batch() {
    const { dimension } = this.set;
    const rows = Array.from({ length: BATCH_ROWS }, () => this.next++);
    const ids = rows.map((row) => `negative-${String(row).padStart(6, '0')}`);
    const vectors = Float32Array.from(rows.flatMap((row) => [...negative(this.set, row)]));
    const started = performance.now();
    const answer = await this.#call('upsert', { ids, vectors: base64Of(vectors) });
    if (answer === undefined) {
      this.written.unsure.push(...ids);
      return;
    }
    if (answer.status === 429 && answer.headers['retry-after'] !== undefined) {
      this.written.refused++;
      this.next -= BATCH_ROWS;
      await sleep(Number(answer.headers['retry-after']) * 1_000);
      return;
    }
    if (answer.status !== 200) {
      // 503 says that the server is stopping, and nothing was acknowledged.
      this.written.unsure.push(...ids);
      if (answer.status !== 503) this.#fault(`upsert: ${answer.status} ${JSON.stringify(answer.json)}`);
      return;
    }
    this.written.ms.push(performance.now() - started);
    this.written.ids.push(...ids);
    await this.#mustBeSeen(vectors.subarray(-dimension), ids.at(-1) ?? '');
  }

  /** Strong reads see what was acknowledged before them. @param {Float32Array} vector @param {string} id */
  async #mustBeSeen(vector, id) {
    const answer = await this.#call('query', { vector: base64Of(vector), k: 1, include: [] });
    if (answer === undefined || answer.status === 503) return;
    const [match] = answer.json.matches ?? [];
    if (answer.status !== 200 || match?.id !== id || match.score !== 0)
      this.#fault(`query for ${id}: ${answer.status} ${JSON.stringify(answer.json).slice(0, 300)}`);
  }

  /** @param {string} route @param {object} body */
  #call(route, body) {
    return this.client.call('POST', `${this.path}/${route}`, body).catch(() => undefined);
  }

  /** @param {string} text */
  #fault(text) {
    this.written.wrong++;
    if (this.written.faults.length < FAULTS_KEPT) this.written.faults.push(text);
  }
}

/**
 * Dark where the image is light: far from every image, and within the range that the rows have in every dimension.
 * A corner says how often all images were used up.
 * @param {import('./real-sets.mjs').BenchSet} set @param {number} row
 */
function negative({ vectors, dimension }, row) {
  const negated = vectorAt(vectors, dimension, row % (vectors.length / dimension)).map(
    (value) => 255 - value,
  );
  const round = Math.floor(row / (vectors.length / dimension));
  negated[0] = (negated[0] ?? 0) - round;
  return negated;
}
