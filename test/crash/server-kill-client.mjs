/**
 * One writing client of the kill test: makes requests from its own seed, repeats each under its key until it is
 * answered, and keeps a model of what its records must be. Its ids are its own, so the model is exact.
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomFrom } from '../../bench/random.mjs';

export const DIMENSION = 8;
export const COLLECTION = 'killed';
const path = `/v1/collections/${COLLECTION}`;

/** @typedef {{ vector: number[], metadata: Record<string, unknown> }} Stored */

/**
 * @typedef {object} Request
 * @property {string} key idempotency key
 * @property {string} route
 * @property {any} body
 * @property {Record<string, number>} expected counts that the answer must have
 * @property {(model: Map<string, Stored>, answer: any) => void} apply
 * @property {number} rows rows that the request adds to the log
 */

/** @typedef {Request & { answer: any }} Answered */

/**
 * Where the server is now. `call` rejects where no answer came, and waits while there is no server.
 * @typedef {object} Line
 * @property {(route: string, body: any, headers: Record<string, string>) => Promise<{ status: number, json: any }>} call
 * @property {() => boolean} ended whether clients should stop
 */

/**
 * @typedef {object} ClientReport
 * @property {Map<string, Stored>} model
 * @property {Answered[]} answered every write that was acknowledged, in order
 * @property {number} repeats requests sent again because no answer came
 * @property {number} answeredRepeats writes that were acknowledged on a repeat
 */

const patience = 200;
/** The log is full until a compaction is done. */
const logFullPauseMs = 200;

export class KillClient {
  /** @param {number} number @param {number} seed @param {number} [dimension] */
  constructor(number, seed, dimension = DIMENSION) {
    this.number = number;
    this.dimension = dimension;
    this.random = randomFrom(seed * 1_000 + number);
    /** @type {ClientReport} */
    this.report = { model: new Map(), answered: [], repeats: 0, answeredRepeats: 0 };
    /** The request that has no answer yet: it may have had its effect or not. @type {Request | undefined} */
    this.pending = undefined;
    this.nextId = 0;
    this.lastSequence = 0;
    /** Two clients send one large batch each: more would only make every restart read more. */
    this.bulkSent = number >= 2;
  }

  /** @param {Line} line */
  async run(line) {
    while (!line.ended()) {
      const request = this.#make();
      this.pending = request;
      const answer = await this.#untilAnswered(line, request);
      this.#check(request, answer);
      request.apply(this.report.model, answer);
      this.pending = undefined;
      this.report.answered.push({ ...request, answer });
      this.lastSequence = answer.sequence;
      if (this.random() < 0.05) await this.#readBack(line);
    }
    return this.report;
  }

  /** @param {Line} line @param {Request} request */
  async #untilAnswered(line, request) {
    for (let attempt = 0; attempt < patience; attempt++) {
      if (attempt > 0) this.report.repeats++;
      const answer = await line
        .call(`${path}/${request.route}`, request.body, { 'idempotency-key': request.key })
        .catch(() => undefined);
      if (answer === undefined || answer.status === 503) continue;
      if (answer.status === 429) {
        await sleep(logFullPauseMs);
        continue;
      }
      assert.equal(answer.status, 200, `${request.route} ${request.key}: ${JSON.stringify(answer.json)}`);
      if (attempt > 0) this.report.answeredRepeats++;
      return answer.json;
    }
    throw new Error(`${request.key} was not answered in ${patience} tries`);
  }

  /** @param {Request} request @param {any} answer */
  #check({ key, expected }, answer) {
    for (const [name, count] of Object.entries(expected))
      assert.equal(answer[name], count, `${key}: ${name}`);
    assert.ok(
      answer.sequence > this.lastSequence,
      `${key}: sequence ${answer.sequence} after ${this.lastSequence}`,
    );
  }

  /** A strong read of a record of its own must be what the model says. @param {Line} line */
  async #readBack(line) {
    const [id] = this.#pick(1);
    if (id === undefined) return;
    const body = { ids: [id], include: ['metadata', 'vector'] };
    const answer = await line.call(`${path}/fetch`, body, {}).catch(() => undefined);
    if (answer?.status !== 200) return;
    const { vector, metadata } = /** @type {Stored} */ (this.report.model.get(id));
    assert.deepEqual(answer.json.records, [{ id, metadata, vector }]);
  }

  /** @returns {Request} */
  #make() {
    const key = `client-${this.number}/${this.report.answered.length}`;
    const dice = this.random();
    if (dice < 0.3) return this.#rows(key);
    if (dice < 0.45) return this.#derived(key);
    if (dice < 0.6) return this.#columns(key);
    if (dice < 0.75) return this.#patch(key);
    if (dice < 0.85) return this.#delete(key);
    if (dice < 0.99 || this.bulkSent) return this.#write(key);
    return this.#bulk(key);
  }

  /** @param {string} key @returns {Request} */
  #rows(key) {
    const records = [...this.#newIds(12), ...this.#pick(3)].map((id) => this.#record(id));
    return upsertOf(key, records);
  }

  /** Rows without ids: the answer names them. @param {string} key @returns {Request} */
  #derived(key) {
    const records = this.#newIds(8)
      .map((id) => this.#record(id))
      .map(({ vector, metadata }) => ({ vector, metadata }));
    return {
      ...{
        key,
        route: 'upsert',
        body: { records },
        expected: { upserted: records.length },
        rows: records.length,
      },
      apply: (model, { ids }) => {
        assert.equal(new Set(ids).size, records.length, `${key}: derived ids`);
        records.forEach((stored, row) => model.set(ids[row], stored));
      },
    };
  }

  /** @param {string} key @returns {Request} */
  #columns(key) {
    const ids = this.#newIds(200);
    const rows = ids.map((id) => ({ id, vector: this.#vector(), metadata: {} }));
    const floats = Float32Array.from(rows.flatMap(({ vector }) => vector));
    const vectors = Buffer.from(floats.buffer).toString('base64');
    return {
      ...{
        key,
        route: 'upsert',
        body: { ids, vectors },
        expected: { upserted: ids.length },
        rows: ids.length,
      },
      apply: (model) => rows.forEach(({ id, ...stored }) => model.set(id, stored)),
    };
  }

  /** Own records, and one that is not there. @param {string} key @returns {Request} */
  #patch(key) {
    const ids = this.#pick(6);
    const records = [...ids, `c${this.number}-absent`].map((id) => this.#change(id));
    return {
      ...{
        key,
        route: 'patch',
        body: { records },
        expected: { patched: ids.length, missing: 1 },
        rows: ids.length,
      },
      apply: (model) => ids.forEach((id, row) => applyPatch(model, id, records[row])),
    };
  }

  /** @param {string} key @returns {Request} */
  #delete(key) {
    const ids = [...this.#pick(6), `c${this.number}-absent`];
    return {
      ...{ key, route: 'delete', body: { ids }, expected: { deleted: ids.length }, rows: 0 },
      apply: (model) => ids.forEach((id) => model.delete(id)),
    };
  }

  /** Upsert, patch and delete in one commit, on condition that nobody else wrote to these ids. @param {string} key @returns {Request} */
  #write(key) {
    const picked = this.#pick(6);
    const half = Math.ceil(picked.length / 2);
    const patched = picked.slice(0, half);
    const deleted = [...picked.slice(half), `c${this.number}-absent`];
    const upserts = this.#newIds(6).map((id) => this.#record(id));
    const patches = patched.map((id) => this.#change(id));
    const body = {
      upsert: { records: upserts },
      ...(patches.length === 0 ? {} : { patch: { records: patches } }),
      delete: { ids: deleted },
      if_sequence: this.lastSequence,
    };
    const patchedCount = patches.length === 0 ? {} : { patched: patched.length, missing: 0 };
    return {
      ...{ key, route: 'write', body, rows: upserts.length + patched.length },
      expected: { upserted: upserts.length, deleted: deleted.length, ...patchedCount },
      apply: (model) => {
        upserts.forEach(({ id, ...stored }) => model.set(id, stored));
        patched.forEach((id, row) => applyPatch(model, id, patches[row]));
        deleted.forEach((id) => model.delete(id));
      },
    };
  }

  /** One batch too large for a slot, which becomes an object of its own. @param {string} key @returns {Request} */
  #bulk(key) {
    this.bulkSent = true;
    const filler = 'x'.repeat(60_000);
    const records = this.#exactIds(150).map((id) => ({ ...this.#record(id), metadata: { filler } }));
    return upsertOf(key, records);
  }

  /** @param {string} id @returns {{ id: string } & Stored} */
  #record(id) {
    return {
      id,
      vector: this.#vector(),
      metadata: { client: this.number, draw: this.random(), deep: { n: [this.nextId] } },
    };
  }

  /** @param {string} id @returns {{ id: string, vector?: number[], metadata: Record<string, unknown> }} */
  #change(id) {
    const metadata = { draw: null, changed: this.random() };
    return this.random() < 0.5 ? { id, metadata } : { id, metadata, vector: this.#vector() };
  }

  /** Numbers that f32 and JSON hold exactly. */
  #vector() {
    return Array.from({ length: this.dimension }, () => 1 + Math.floor(this.random() * 1_000) / 8);
  }

  /** One to `max` ids that were never used. @param {number} max */
  #newIds(max) {
    return this.#exactIds(1 + Math.floor(this.random() * max));
  }

  /** @param {number} count */
  #exactIds(count) {
    return Array.from({ length: count }, () => `c${this.number}-${this.nextId++}`);
  }

  /** Up to `max` ids of records that are there. @param {number} max */
  #pick(max) {
    const ids = [...this.report.model.keys()];
    const picked = new Set(
      Array.from({ length: Math.min(max, ids.length) }, () => ids[Math.floor(this.random() * ids.length)]),
    );
    return /** @type {string[]} */ ([...picked]);
  }
}

/** @param {Map<string, Stored>} model @param {string} id @param {any} change */
function applyPatch(model, id, change) {
  const before = /** @type {Stored} */ (model.get(id));
  /** @type {Record<string, unknown>} */
  const metadata = { ...before.metadata, changed: change.metadata.changed };
  delete metadata['draw'];
  model.set(id, { vector: change.vector ?? before.vector, metadata });
}

/** @param {string} key @param {({ id: string } & Stored)[]} records @returns {Request} */
function upsertOf(key, records) {
  return {
    key,
    route: 'upsert',
    body: { records },
    expected: { upserted: records.length },
    rows: records.length,
    apply: (model) => records.forEach(({ id, ...stored }) => model.set(id, stored)),
  };
}
