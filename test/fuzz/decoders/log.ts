/**
 * A log whose second slot nobody of ours would write: ids, metadata, dates and vectors that are none, in a batch and a slot
 * that are well formed, or nearly; or a restore to whatever state. A whole process reads it, writes over it and compacts it.
 */
import { headVersion, sequence } from '../../../core/base/ids.js';
import type { Uid } from '../../../core/base/ids.js';
import { limits } from '../../../core/index.js';
import type { Collection } from '../../../core/index.js';
import { encodeBatch } from '../../../core/log/batch-codec.js';
import { emptyBatch, NO_COUNTS, slotKey } from '../../../core/log/index.js';
import type { Batch } from '../../../core/log/index.js';
import { encodeRestore } from '../../../core/log/restore-target.js';
import type { RestoreTarget } from '../../../core/log/restore-target.js';
import { openSlot, sealSlot } from '../../../core/log/slot-codec.js';
import type { SlotBatch } from '../../../core/log/slot-codec.js';
import { memoryStore } from '../../../core/store/index.js';
import type { ObjectStore } from '../../../core/store/index.js';
import { digests, FreshProcess } from '../../corruption/fresh-process.js';
import { copyOf, imageOf } from '../../corruption/image.js';
import type { Chance } from '../../log/virtual-time.js';
import { damaged } from '../byte-edits.js';
import { hexOf, mustHold } from '../decoder.js';
import type { Decoder } from '../decoder.js';
import { editedJson, nestedText } from '../json-edits.js';

const NOW_MS = 1_767_225_600_000;
const options = { nowMs: NOW_MS, seed: 1 };

/** A collection with one sound write: what all inputs have in common. */
async function start(): Promise<ObjectStore> {
  const store = memoryStore({ clock: { wallMs: () => NOW_MS } });
  const process = new FreshProcess(store, options);
  const c = await process.database.createCollection('c', { dimension: 2, metric: 'cosine' });
  await c.upsert([{ id: 'a', vector: [1, 2], metadata: { n: 1 } }]);
  await process.end();
  return store;
}

const image = await imageOf(await start());
const firstKey = [...image.keys()].find((key) => key.includes('/log/'))!;
const uid = firstKey.split('/')[1]! as Uid;
const first = openSlot(digests, uid, sequence(1), image.get(firstKey)!);

const ids = ['a', 'b', '', '\0', 'é', '😀', 'x'.repeat(512), 'x'.repeat(511), '__proto__'];
const dates = [
  Infinity,
  NOW_MS + 1,
  NOW_MS - 1,
  0,
  -1,
  8.64e15,
  8.65e15,
  -8.65e15,
  1e300,
  Number.NaN,
  -Infinity,
];
const numbers = [0, 1, -1, 0.5, 1e-30, 1e30, 3e38, -3e38, Number.NaN, Infinity, 1e-45];
const texts = [
  '',
  '{}',
  '{',
  'null',
  '[1]',
  '7',
  '{"a":1e999}',
  '{"__proto__":{"n":1}}',
  '{"n":1,"n":{}}',
  '{"a.b":[[]]}',
];
const document = { n: 1, tags: ['x', 2, null], deep: { t: 'é', l: [{ m: true }] }, when: '2024-05-01' };

function metadataOf(chance: Chance): string {
  if (chance.happens(0.05)) return nestedText(chance, 65_000);
  if (chance.happens(0.3)) return chance.pick(texts);
  return JSON.stringify(editedJson(chance, document)) ?? '';
}

function batchOf(chance: Chance): Batch {
  const ops = 1 + chance.below(4);
  const kinds = Uint8Array.from({ length: ops }, () => chance.pick([0, 0, 0, 1, 2]));
  const upserts = kinds.filter((kind) => kind === 0).length;
  const odd = chance.happens(0.3);
  return {
    ...emptyBatch(2),
    kinds,
    ids: Array.from(kinds, () => chance.pick(ids)),
    vectors: Float32Array.from({ length: 2 * upserts }, () =>
      odd ? chance.pick(numbers) : 1 + chance.below(9),
    ),
    metadata: Array.from({ length: upserts }, () => metadataOf(chance)),
    expiresMs: chance.happens(0.4)
      ? Float64Array.from({ length: upserts }, () => chance.pick(dates))
      : undefined,
  };
}

/** The collection goes back to what it was, or to what is not kept, or never was. */
function restoreOf(chance: Chance): RestoreTarget {
  return {
    version: headVersion(chance.pick([1, 1, 1, 2, 3, 2 ** 40])),
    seq: sequence(chance.pick([0, 1, 1, 2, 3, 2 ** 40])),
    nonce: '22'.repeat(16),
  };
}

function slotOf(chance: Chance, given: Uint8Array): Uint8Array {
  const restore = chance.happens(0.1) ? restoreOf(chance) : undefined;
  const inline = restore === undefined ? given : encodeRestore(restore);
  const entry: SlotBatch = {
    keyHash: 'ab'.repeat(16),
    requestHash: 'cd'.repeat(32),
    contentSha: Buffer.from(digests.sha256(inline)).toString('hex'),
    counts: NO_COUNTS,
    resolvedAt: restore !== undefined || chance.happens(0.2) ? sequence(1) : undefined,
    content: { inline },
    restore,
  };
  return sealSlot(digests, {
    ...{ uid, seq: sequence(2), nonce: '11'.repeat(16), prevChain: first.chain },
    label: chance.pick([NOW_MS, NOW_MS, NOW_MS, 0, -1e300, 1e300]),
    batches: [entry],
  }).bytes;
}

const everything = ['metadata', 'vector', 'expires_at'];

/** Each on its own: one that is refused says nothing of the next. */
const calls: readonly ((c: Collection) => Promise<unknown>)[] = [
  (c) => c.query({ vector: [1, 1], k: 9, include: everything, includeDeleted: true }),
  (c) => c.query({ vector: [1, 1], exact: true, filter: "n = 1 OR deep.l.m = TRUE OR when > '2024'" }),
  (c) => c.fetch({ ids: ['a', 'b', 'é'], include: [...everything, 'metadata.deep.t'], includeDeleted: true }),
  (c) => c.count({ filter: 'EXISTS(n)', facets: { n: 3, tags: 3, 'deep.t': 3 } }),
  (c) => c.scan({ include: everything, includeDeleted: true }),
  (c) => c.scan({ orderBy: [{ field: 'n' }, { field: 'deep' }], limit: 2 }),
  (c) => c.stats(),
  (c) => c.recall({ queries: 2, k: 1 }),
  (c) => c.patch({ filter: 'EXISTS(n) OR EXISTS(tags)', metadata: { seen: true } }),
  (c) => c.restore({ ids: ['a', 'b'] }),
  (c) => c.compact(),
  (c) => c.scan({ include: everything, includeDeleted: true, filter: 'NOT n = 7' }),
];

function mustBeAnswer(answer: unknown): void {
  // As it leaves a server.
  mustHold(typeof JSON.stringify(answer) === 'string', 'an answer has a JSON form');
  const { matches = [] } = answer as { readonly matches?: readonly { readonly score: number }[] };
  mustHold(
    matches.every(({ score }) => Number.isFinite(score)),
    'scores are numbers',
  );
}

export const log: Decoder = {
  name: 'log',
  refusals: ['corrupt'],
  // Compactions write through one.
  bufferBytes: limits.segmentBufferBytes,
  cost: 4,
  next: (chance) => {
    const whole = encodeBatch(batchOf(chance));
    const inline = chance.happens(0.2) ? damaged(chance, whole) : whole;
    const slot = slotOf(chance, inline);
    return {
      size: inline.length,
      show: () => hexOf(inline),
      run: async () => {
        const store = await copyOf(image, NOW_MS);
        await store.put(slotKey(uid, sequence(2)), slot, { if: 'absent' });
        const process = new FreshProcess(store, options);
        const refused: unknown[] = [];
        for (const call of calls) {
          try {
            mustBeAnswer(await process.run(() => call(process.database.collection('c'))));
          } catch (error) {
            refused.push(error);
          }
        }
        await process.end();
        const worst = refused.find((error) => !isCorrupt(error)) ?? refused[0];
        if (worst !== undefined) throw worst;
      },
    };
  },
};

function isCorrupt(error: unknown): boolean {
  return (error as { readonly kind?: unknown }).kind === 'corrupt';
}
