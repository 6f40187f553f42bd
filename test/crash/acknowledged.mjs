/**
 * What a collection must hold after a kill: every acknowledged write, and of each request that has no answer yet either
 * all of its effect or nothing.
 */
import assert from 'node:assert/strict';
import { mustCall, scanAll } from '../../bench/http-client.mjs';

/** @typedef {import('./server-kill-client.mjs').Stored} Stored */
/** @typedef {import('./server-kill-client.mjs').KillClient} KillClient */

/**
 * Requires: nobody writes meanwhile.
 * @param {import('../../bench/http-client.mjs').Client} client
 * @param {string} collection
 * @param {{ base: { model: Map<string, Stored> }, clients: readonly KillClient[] }} written
 * @returns {Promise<number>} records that are there
 */
export async function mustHoldWrites(client, collection, { base, clients }) {
  const records = await scanAll(client, collection, { limit: 5_000 });
  /** @type {Map<string, Stored>} */
  const found = new Map(records.map(({ id, ...stored }) => [id, stored]));
  assert.equal(found.size, records.length, 'an id comes once');
  const { count } = await mustCall(client, 'POST', `/v1/collections/${collection}/count`, {});
  assert.equal(count, records.length, 'count and scan agree');
  const models = [base.model, ...clients.map((one) => withEffectFound(one, found))];
  let expected = 0;
  for (const model of models) {
    expected += model.size;
    for (const [id, stored] of model) mustBeStored(id, found.get(id), stored);
  }
  if (expected === records.length) return expected;
  const known = new Set(models.flatMap((model) => [...model.keys()]));
  const besides = [...found.keys()].filter((id) => !known.has(id));
  return assert.fail(`${besides.length} records besides, ${besides.slice(0, 3).join(', ')} among them`);
}

/** Much faster than deepEqual where all is well. @param {string} id @param {Stored | undefined} found @param {Stored} expected */
function mustBeStored(id, found, expected) {
  if (found === undefined) assert.fail(`record ${id} is lost`);
  const { vector, metadata } = found;
  const same =
    vector.length === expected.vector.length && vector.every((value, at) => value === expected.vector[at]);
  if (!same || JSON.stringify(metadata) !== JSON.stringify(expected.metadata))
    assert.deepEqual({ vector, metadata }, expected, `record ${id}`);
}

/**
 * The client's records with the request that it waits for, or without, whichever is what was found.
 * @param {KillClient} client
 * @param {Map<string, Stored>} found
 */
function withEffectFound({ report: { model }, pending }, found) {
  if (pending === undefined) return model;
  const after = new Map(model);
  const derived = derivedIds(pending.body, found);
  if (derived === undefined) return model;
  pending.apply(after, { ids: derived });
  const touched = [...new Set([...idsIn(pending.body), ...derived])];
  // One record that the request changes tells whether it had its effect; the comparison of all tells whether wholly.
  const changed = touched.find((id) => JSON.stringify(after.get(id)) !== JSON.stringify(model.get(id)));
  if (changed === undefined) return after;
  const expected = after.get(changed);
  const there = found.get(changed);
  const had = expected === undefined ? there === undefined : there !== undefined && isSame(there, expected);
  return had ? after : model;
}

/** Keys in any order. @param {Stored} a @param {Stored} b */
function isSame(a, b) {
  try {
    assert.deepEqual({ vector: a.vector, metadata: a.metadata }, b);
    return true;
  } catch {
    return false;
  }
}

/**
 * The ids that the server made up for rows without one, in row order: found by what the rows hold. None where the request
 * has had no effect.
 * @param {any} body
 * @param {Map<string, Stored>} found
 * @returns {string[] | undefined}
 */
function derivedIds(body, found) {
  const rows = (body.records ?? []).filter((/** @type {{ id?: string }} */ { id }) => id === undefined);
  if (rows.length === 0) return [];
  const byText = new Map([...found].map(([id, { metadata }]) => [JSON.stringify(metadata), id]));
  const ids = rows.map((/** @type {Stored} */ { metadata }) => byText.get(JSON.stringify(metadata)));
  return ids.includes(undefined) ? undefined : ids;
}

/** Every id that a request names. @param {any} body @returns {string[]} */
function idsIn(body) {
  const named = [body, body.upsert ?? {}, body.patch ?? {}, body.delete ?? {}];
  return named.flatMap(({ ids = [], records = [] }) => [
    ...ids,
    ...records.flatMap((/** @type {{ id?: string }} */ { id }) => (id === undefined ? [] : [id])),
  ]);
}
