/**
 * The same queries two ways: through HTTP by one keep-alive client, and through the library in this process, on the
 * same store; one after another, each waiting for the answer before it. Every answer is judged against the exact
 * neighbours. Bodies are encoded before the clock starts; that the answer is parsed belongs to the time.
 */
import { performance } from 'node:perf_hooks';
import { mustCall } from './http-client.mjs';
import { summaryOf } from './latencies.mjs';

export const TARGETS = [0.9, 0.95, 0.99];
export const PLACES = [1, 10, 100];
const WARM_UP = 50;

/**
 * @typedef {object} Effort
 * @property {number} k
 * @property {number} target recall that is asked for
 */

/** @typedef {ReturnType<typeof summaryOf> & { recall: number, short: number }} Run `short`: answers of fewer than k */

/** @typedef {(query: number, effort: Effort) => Promise<readonly string[]>} Ask the ids of an answer */

/**
 * @param {import('./http-client.mjs').Client} client
 * @param {string} collection
 * @param {import('./true-neighbours.mjs').NeighbourJudge} judge
 * @returns {(effort: Effort) => Ask}
 */
export function throughHttp(client, collection, judge) {
  const { queries, dimension } = judge.set;
  const path = `/v1/collections/${collection}/query`;
  return ({ k, target }) => {
    const bodies = Array.from({ length: queries.length / dimension }, (_, query) =>
      Buffer.from(
        JSON.stringify({ vector: base64Of(judge.vector(query)), k, target_recall: target, include: [] }),
      ),
    );
    return async (query) => {
      const { matches } = await mustCall(client, 'POST', path, bodies[query]);
      return matches.map((/** @type {{ id: string }} */ { id }) => id);
    };
  };
}

/**
 * @param {import('../dist/core/index.js').Collection} collection
 * @param {import('./true-neighbours.mjs').NeighbourJudge} judge
 * @returns {(effort: Effort) => Ask}
 */
export function throughLibrary(collection, judge) {
  const { queries, dimension } = judge.set;
  const vectors = Array.from({ length: queries.length / dimension }, (_, query) =>
    judge.vector(query).slice(),
  );
  return ({ k, target }) =>
    async (query) => {
      const vector = /** @type {Float32Array} */ (vectors[query]);
      const { matches } = await collection.query({ vector, k, targetRecall: target, include: [] });
      return matches.map(({ id }) => id);
    };
}

/**
 * Asks all queries of the set once, after a warm-up.
 * @param {Ask} ask
 * @param {Effort} effort
 * @param {import('./true-neighbours.mjs').NeighbourJudge} judge
 * @returns {Promise<Run>}
 */
export async function runQueries(ask, effort, judge) {
  const { queries, dimension, ids } = judge.set;
  const count = queries.length / dimension;
  const k = Math.min(effort.k, ids.length);
  for (let query = 0; query < Math.min(WARM_UP, count); query++) await ask(query, effort);
  const times = [];
  const answers = [];
  for (let query = 0; query < count; query++) {
    const started = performance.now();
    const answer = await ask(query, effort);
    times.push(performance.now() - started);
    answers.push(answer);
  }
  const hits = answers.reduce((sum, answer, query) => sum + judge.hits(query, answer, k), 0);
  return {
    ...summaryOf(times),
    recall: hits / (count * k),
    short: answers.filter((answer) => answer.length < k).length,
  };
}

/** @param {Float32Array} vector */
export function base64Of({ buffer, byteOffset, byteLength }) {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}
