/**
 * What each writer writes, as a function of its number: the writers write it, and the end is compared with it.
 *
 * A write of a writer's own puts two records, of which its next one deletes the brief one: were it to have its effect twice, with the next
 * in between, the brief record would be there again. Every few writes two neighbours make the same request under one key, in a race.
 */

/** @typedef {import('../../../dist/core/index.js').RecordInput} RecordInput */

/**
 * @typedef {object} PlannedWrite
 * @property {string} key idempotency key
 * @property {readonly RecordInput[]} upsert
 * @property {readonly string[]} deleted ids
 */

export const COLLECTION = 'killed';
export const DIMENSION = 8;
const SHARED_EVERY = 4;

/** @param {number} writer @param {number} count @returns {readonly PlannedWrite[]} */
export function writesOf(writer, count) {
  return Array.from({ length: count }, (_, at) => {
    if (at % SHARED_EVERY === SHARED_EVERY - 1) {
      const pair = Math.floor(writer / 2);
      return { key: `pair-${pair}/${at}`, upsert: [recordOf(`pair-${pair}-${at}`, pair, at)], deleted: [] };
    }
    const before = at % SHARED_EVERY === 0 ? at - 2 : at - 1;
    const name = `writer-${writer}`;
    return {
      key: `${name}/${at}`,
      upsert: ['kept', 'brief'].map((part) => recordOf(`${name}-${at}-${part}`, writer, at)),
      deleted: before < 0 ? [] : [`${name}-${before}-brief`],
    };
  });
}

/** What a collection holds after all of them. @param {number} writers @param {number} count @returns {ReadonlyMap<string, RecordInput>} */
export function recordsAfter(writers, count) {
  /** @type {Map<string, RecordInput>} */
  const records = new Map();
  for (let writer = 0; writer < writers; writer++) {
    for (const { upsert, deleted } of writesOf(writer, count)) {
      for (const id of deleted) records.delete(id);
      for (const record of upsert) records.set(/** @type {string} */ (record.id), record);
    }
  }
  return records;
}

/** Numbers that 32-bit floats hold exactly. @param {string} id @param {number} writer @param {number} at @returns {RecordInput} */
function recordOf(id, writer, at) {
  const vector = Array.from({ length: DIMENSION }, (_, i) => ((writer * 977 + at * 31 + i * 7) % 4_001) / 8);
  return { id, vector, metadata: { writer, at, in: { id } } };
}
