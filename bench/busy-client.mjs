/**
 * The querying client of the busy bench, a process of its own: asks at a steady pace on one keep-alive connection, and
 * judges every answer. Nine in ten ask with a target_recall; every tenth is exact, and must have all of the k nearest.
 *
 * A query is due at a fixed time, whether or not the one before it was late; it is sent when it is due and the one
 * before it has been answered. Two times are kept: from sending to the answer, and from when it was due.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from './http-client.mjs';
import { base64Of } from './query-runs.mjs';
import { realSet } from './real-sets.mjs';
import { NeighbourJudge } from './true-neighbours.mjs';

const K = 10;
const EXACT_EVERY = 10;
const FAULTS_KEPT = 5;

/**
 * @typedef {object} Phase
 * @property {number[]} sent milliseconds from sending, of queries with a target
 * @property {number[]} due milliseconds from when they were due
 * @property {number[]} exact milliseconds from sending, of exact queries
 * @property {number} asked
 * @property {number} recall mean of the queries with a target
 * @property {number} worst recall of one of them
 * @property {number} wrong answers without k matches, out of order, exact ones that are not, and no answers
 * @property {string[]} faults the first of them
 */

/** @type {NeighbourJudge | undefined} */
let judge;
const pace = { running: false };
/** @type {Promise<Phase> | undefined} */
let phase;

process.on('message', (/** @type {any} */ order) => {
  void answer(order);
});

/** @param {any} order */
async function answer(order) {
  if (order.act === 'prepare') {
    judge = new NeighbourJudge(realSet('fashion', order.less));
    process.send?.({ title: judge.set.title });
  } else if (order.act === 'begin') {
    pace.running = true;
    phase = ask(order);
    process.send?.({});
  } else if (order.act === 'end') {
    pace.running = false;
    process.send?.(await phase);
  }
}

/**
 * @param {{ url: string, collection: string, perSecond: number, target: number }} order
 * @returns {Promise<Phase>}
 */
async function ask({ url, collection, perSecond, target }) {
  const asked = /** @type {NeighbourJudge} */ (judge);
  const { queries, dimension } = asked.set;
  const client = connect(url);
  /** @type {Phase} */
  const found = { sent: [], due: [], exact: [], asked: 0, recall: 0, worst: 1, wrong: 0, faults: [] };
  let hits = 0;
  const started = performance.now();
  for (; pace.running; found.asked++) {
    const dueAt = started + (found.asked / perSecond) * 1_000;
    const wait = dueAt - performance.now();
    if (wait > 0) await sleep(wait);
    const query = found.asked % (queries.length / dimension);
    const exact = found.asked % EXACT_EVERY === EXACT_EVERY - 1;
    const effort = exact ? { exact } : { target_recall: target };
    const body = Buffer.from(
      JSON.stringify({ vector: base64Of(asked.vector(query)), k: K, include: [], ...effort }),
    );
    const sentAt = performance.now();
    const response = await client
      .call('POST', `/v1/collections/${collection}/query`, body)
      .catch((error) => ({ status: 0, json: String(error) }));
    const now = performance.now();
    (exact ? found.exact : found.sent).push(now - sentAt);
    if (!exact) found.due.push(now - Math.min(dueAt, sentAt));
    const fault = faultOf(response);
    const right = fault === undefined ? asked.hits(query, idsOf(response.json), K) : 0;
    if (!exact) {
      hits += right;
      found.worst = Math.min(found.worst, right / K);
    }
    if (fault === undefined && (right === K || !exact)) continue;
    found.wrong++;
    if (found.faults.length < FAULTS_KEPT)
      found.faults.push(fault ?? `query ${query}, exact: ${right} of ${K} right`);
  }
  client.close();
  return { ...found, recall: hits / (found.sent.length * K) };
}

/** @param {any} answered @returns {string[]} */
const idsOf = ({ matches }) => matches.map((/** @type {{ id: string }} */ { id }) => id);

/** @param {{ status: number, json: any }} answered */
function faultOf({ status, json }) {
  if (status !== 200) return `${status} ${JSON.stringify(json)}`;
  /** @type {number[]} */
  const scores = json.matches.map((/** @type {{ score: number }} */ { score }) => score);
  if (scores.length !== K) return `${scores.length} matches of ${K}`;
  return scores.every((score, at) => at === 0 || score >= (scores[at - 1] ?? 0)) ? undefined : 'out of order';
}
