/** The large part of the collection that compactions are killed over: many records, written in columns and now and then anew. */
import { callPatiently } from '../../bench/collection-load.mjs';
import { randomFrom } from '../../bench/random.mjs';

const BATCH_ROWS = 2_500;

/** @typedef {import('./server-kill-client.mjs').Stored} Stored */

export class BaseRecords {
  /** @param {{ rows: number, dimension: number, seed: number }} options */
  constructor({ rows, dimension, seed }) {
    this.rows = rows;
    this.dimension = dimension;
    this.random = randomFrom(seed + 7);
    this.acknowledged = 0;
    this.wave = 0;
    /** As acknowledged. @type {Map<string, Stored>} */
    this.model = new Map();
  }

  /** @param {import('../../bench/http-client.mjs').Client} client @param {string} path */
  async writeAll(client, path) {
    for (let row = 0; row < this.rows; row += BATCH_ROWS)
      await this.#write(client, path, { from: row, to: Math.min(this.rows, row + BATCH_ROWS) });
  }

  /** A quarter of them anew, from a random one on. @param {import('../../bench/http-client.mjs').Client} client @param {string} path */
  async writeSome(client, path) {
    const from = Math.floor(this.random() * this.rows * 0.75);
    await this.#write(client, path, { from, to: from + Math.ceil(this.rows / 4) });
  }

  /** @param {import('../../bench/http-client.mjs').Client} client @param {string} path @param {{ from: number, to: number }} range */
  async #write(client, path, { from, to }) {
    const wave = this.wave++;
    const ids = Array.from({ length: to - from }, (_, at) => `base-${from + at}`);
    // Numbers that f32 and JSON hold exactly.
    const vectors = Float32Array.from({ length: ids.length * this.dimension }, () => this.random() * 256).map(
      (value) => Math.floor(value) / 8,
    );
    const metadata = ids.map((_id, row) => ({ wave, row }));
    const body = { ids, vectors: Buffer.from(vectors.buffer).toString('base64'), metadata };
    await callPatiently(client, 'POST', `${path}/upsert`, body);
    this.acknowledged++;
    ids.forEach((id, row) => {
      const vector = [...vectors.subarray(row * this.dimension, (row + 1) * this.dimension)];
      this.model.set(id, { vector, metadata: metadata[row] ?? {} });
    });
  }
}
