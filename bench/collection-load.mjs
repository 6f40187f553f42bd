/**
 * How a set gets into a collection through HTTP: columns with base64 vectors, in batches, waiting as long as a 429
 * says; and how the collection is compacted until nothing is left to do.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { mustCall } from './http-client.mjs';

/** @typedef {import('./http-client.mjs').Client} Client */

/** A server that says 429 or 503 longer than this is stuck. */
const PATIENCE_MS = 600_000;
/** Calls of compact that still found work: far more than any collection here needs. */
const COMPACTIONS = 1_000;

/**
 * Waits where the server asks for it: 429 (too much that is not folded yet) and 503 with `Retry-After`.
 * @param {Client} client
 * @param {Parameters<Client['call']>} call
 * @returns {Promise<{ json: any, waits: number, waitedMs: number }>}
 */
export async function callPatiently(client, ...call) {
  const started = performance.now();
  for (let waits = 0, waitedMs = 0; ; waits++) {
    const { status, json, headers } = await client.call(...call);
    if (status >= 200 && status < 300) return { json, waits, waitedMs };
    const seconds = Number(headers['retry-after'] ?? Number.NaN);
    if (
      (status !== 429 && status !== 503) ||
      Number.isNaN(seconds) ||
      performance.now() - started > PATIENCE_MS
    )
      throw new Error(`${call[0]} ${call[1]}: ${status} ${JSON.stringify(json)}`);
    waitedMs += seconds * 1_000;
    await sleep(seconds * 1_000);
  }
}

/**
 * The bodies of upserts, encoded before any clock starts.
 * @param {Pick<import('./real-sets.mjs').BenchSet, 'ids' | 'vectors' | 'documents' | 'dimension'>} set
 * @param {number} batchRows
 */
export function upsertBodies({ ids, vectors, documents, dimension }, batchRows) {
  return Array.from({ length: Math.ceil(ids.length / batchRows) }, (_, batch) => {
    const [from, to] = [batch * batchRows, Math.min(ids.length, (batch + 1) * batchRows)];
    const rows = vectors.subarray(from * dimension, to * dimension);
    return Buffer.from(
      JSON.stringify({
        ids: ids.slice(from, to),
        vectors: Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength).toString('base64'),
        metadata: documents?.slice(from, to),
      }),
    );
  });
}

/**
 * One batch after another on one connection.
 * @param {Client} client
 * @param {string} collection
 * @param {readonly Buffer[]} bodies
 */
export async function load(client, collection, bodies) {
  const started = performance.now();
  let waits = 0;
  let waitedMs = 0;
  for (const body of bodies) {
    const answer = await callPatiently(client, 'POST', `/v1/collections/${collection}/upsert`, body);
    waits += answer.waits;
    waitedMs += answer.waitedMs;
  }
  return { ms: performance.now() - started, waits, waitedMs };
}

/**
 * @typedef {object} Compaction
 * @property {number} ms of all calls
 * @property {number} calls
 * @property {number} foldedSlots
 * @property {number} segmentsWritten
 * @property {number} segmentsMerged
 */

/**
 * Until a call finds nothing to do, or, where writes go on, until everything that was written before is folded. One
 * call may take minutes; the client waits for ever.
 * @param {Client} client
 * @param {string} collection
 * @param {{ underWrites?: boolean }} [options]
 * @returns {Promise<Compaction>}
 */
export async function compactAll(client, collection, { underWrites = false } = {}) {
  const { sequence } = underWrites ? await statsOf(client, collection) : { sequence: Infinity };
  const done = { ms: 0, calls: 0, foldedSlots: 0, segmentsWritten: 0, segmentsMerged: 0 };
  const started = performance.now();
  for (; done.calls < COMPACTIONS; done.calls++) {
    const { json } = await callPatiently(client, 'POST', `/v1/collections/${collection}/compact`, {});
    // The call that finds nothing is no part of the work.
    if (json.folded_slots + json.segments_written + json.segments_merged === 0) return done;
    done.ms = performance.now() - started;
    done.foldedSlots += json.folded_slots;
    done.segmentsWritten += json.segments_written;
    done.segmentsMerged += json.segments_merged;
    if (underWrites && (await statsOf(client, collection)).log.folded_sequence >= sequence) return done;
  }
  throw new Error(`${collection} is not compact after ${COMPACTIONS} calls`);
}

/** @param {Client} client @param {string} collection @returns {Promise<any>} */
export async function statsOf(client, collection) {
  return await mustCall(client, 'GET', `/v1/collections/${collection}/stats`);
}
