/**
 * Strategy: a whole store, in which one thing at a time is wrong: a bit flipped, an object cut, gone, or in another's place,
 * and (what no checksum tells) a value changed and sealed again. The findings are compared as a whole: the one that is meant
 * and no other, so that each check is seen to fail, and to fail alone (15).
 */
import { describe, expect, it, test } from 'vitest';
import { bytesToHex } from '../../../core/base/bytes.js';
import { headVersion, sequence } from '../../../core/base/ids.js';
import type { Uid } from '../../../core/base/ids.js';
import { encodeBatch } from '../../../core/log/batch-codec.js';
import { firstHead, headKey, openHead, openSlot, sealHead } from '../../../core/log/index.js';
import type { OpenedSlot } from '../../../core/log/index.js';
import { batchKey, inboxKey } from '../../../core/log/layout.js';
import { sealSlot } from '../../../core/log/slot-codec.js';
import { digests } from '../../log/fixture.js';
import { DIMENSION, newWorld, Scene, vectorOf } from './scene.js';

const UUID = '12345678-1234-4234-8234-123456789abc';

async function after(damage: (scene: Scene) => Promise<unknown>): Promise<readonly string[]> {
  const scene = await Scene.make();
  await damage(scene);
  return await scene.found();
}

/** The newest of the log; those before are 1 to 8. */
const LAST = 8;

describe('a sound store', () => {
  it('has no findings, and all of it is looked at', async () => {
    const scene = await Scene.make();
    const result = await scene.scrub();
    expect(scene.shown(result)).toEqual([]);
    expect(result).toMatchObject({ errorsTotal: 0, noticesTotal: 0, leftOut: 0, complete: true });
    const { store } = scene.world;
    for (const uid of [scene.papers, scene.notes]) {
      const listed = await store.list(`c/${uid}/`);
      const bytes = listed.reduce((sum, { size }) => sum + size, 0);
      const found = result.collections.find((one) => one.uid === uid)!;
      expect(found.stored).toEqual({ objects: listed.length, bytes });
      expect(found.checked).toEqual(found.stored);
      expect(found).toMatchObject({ state: 'active', garbage: { objects: 0 }, pending: { objects: 0 } });
    }
  });

  it('reads each byte of a segment once, and its ids twice', async () => {
    const scene = await Scene.make();
    const { bytesRead, collections } = await scene.scrub({ collection: 'papers' });
    const { bytes } = collections[0]!.stored;
    expect(collections.map(({ name }) => name)).toEqual(['papers']);
    // Heads, the ids for their comparison, and pages that two sections share.
    expect(bytesRead).toBeGreaterThan(bytes);
    expect(bytesRead).toBeLessThan(1.3 * bytes);
  });
});

describe('names', () => {
  test.each<[string, (scene: Scene) => Promise<unknown>, readonly string[]]>([
    ['a flipped bit', (s) => s.flip(s.entry('papers')), ['entry_corrupt catalog/706170657273']],
    ['lost', (s) => s.remove(s.entry('papers')), ['entry_missing catalog/706170657273']],
    [
      'of a head that is not there',
      (s) => s.forgeEntry('ghost', 'f'.repeat(32) as Uid),
      ['entry_without_head catalog/67686f7374'],
    ],
    [
      'of another collection',
      (s) => s.forgeEntry('papers', s.notes),
      ['entry_mismatch catalog/706170657273', 'entry_mismatch catalog/706170657273'],
    ],
    ['vacant', (s) => s.forgeEntry('papers', null), ['entry_mismatch catalog/706170657273']],
    [
      'of a dropped collection',
      (s) => s.forgeHead(() => ({ state: 'dropped', jobs: [] })),
      ['entry_of_dropped catalog/706170657273', 'garbage papers/'],
    ],
    [
      'of nothing: a create that died',
      async (s) => {
        const uid = 'e'.repeat(32) as Uid;
        const { namespace, schema } = await s.head();
        const made = { uid, nonce: '0'.repeat(32), namespace, name: 'young', createdMs: 0, schema };
        await s.put(headKey(uid), sealHead(digests, firstHead(made)));
      },
      [`head_unnamed c/${'e'.repeat(32)}/head`],
    ],
  ])('an entry: %s', async (_, damage, expected) => {
    expect(await after(damage)).toEqual(expected);
  });
});

describe('heads', () => {
  test.each<[string, (scene: Scene) => Promise<unknown>, readonly string[]]>([
    ['a flipped bit', (s) => s.flip(headKey(s.papers)), ['head_corrupt papers/head']],
    [
      'lost',
      (s) => s.remove(headKey(s.papers)),
      ['entry_without_head catalog/706170657273', 'head_missing papers/head'],
    ],
    ['a lost copy', (s) => s.remove(s.copy(2)), ['head_copy_missing papers/heads/1ffffffffffffd']],
    ['the oldest copy lost', (s) => s.remove(s.copy(1)), ['head_copy_missing papers/heads/1ffffffffffffe']],
    ['a flipped bit in a copy', (s) => s.flip(s.copy(3)), ['head_copy_corrupt papers/heads/1ffffffffffffc']],
    [
      'copies in each other’s place',
      (s) => s.swap(s.copy(1), s.copy(2)),
      ['head_lineage papers/heads/1ffffffffffffd', 'head_lineage papers/heads/1ffffffffffffe'],
    ],
    [
      'a copy of another lineage',
      async (s) => {
        const head = await s.head();
        const forged = { ...head, version: headVersion(4), nonce: 'a'.repeat(32) };
        await s.put(s.copy(4), sealHead(digests, forged));
      },
      ['head_lineage papers/heads/1ffffffffffffb'],
    ],
    [
      'a copy of another lineage, behind one that is lost',
      async (s) => {
        await s.remove(s.copy(4));
        const copy = openHead(digests, s.papers, await s.bytes(s.copy(3)));
        await s.put(s.copy(3), sealHead(digests, { ...copy, nonce: 'a'.repeat(32) }));
      },
      ['head_copy_missing papers/heads/1ffffffffffffb', 'head_lineage papers/heads/1ffffffffffffc'],
    ],
    [
      'a copy of which the swap broke a rule',
      async (s) => {
        const head = await s.head();
        const [nonce, ...nonces] = head.nonces;
        const forged = { ...head, version: headVersion(4), nonce: nonce!, nonces, foldedLabel: 9e15 };
        await s.put(s.copy(4), sealHead(digests, forged));
      },
      ['head_lineage papers/heads/1ffffffffffffb'],
    ],
    [
      'a copy of the current version that is not it',
      async (s) => s.put(s.copy(5), await s.bytes(s.copy(4))),
      ['head_lineage papers/heads/1ffffffffffffa'],
    ],
  ])('%s', async (_, damage, expected) => {
    expect(await after(damage)).toEqual(expected);
  });

  it('that went back to an earlier version are told by its copies', async () => {
    const found = await after(async (s) => s.put(headKey(s.papers), await s.bytes(s.copy(3))));
    expect(found).toContain('head_lineage papers/heads/1ffffffffffffb');
  });
});

describe('the log', () => {
  async function forgeSlot(
    scene: Scene,
    seq: number,
    edit: (slot: OpenedSlot) => Partial<OpenedSlot>,
  ): Promise<void> {
    const key = scene.slot(seq);
    const slot = openSlot(digests, scene.papers, sequence(seq), await scene.bytes(key));
    await scene.put(key, sealSlot(digests, { ...slot, ...edit(slot) }).bytes);
  }

  const key = (seq: number): string => `papers/log/${(Number.MAX_SAFE_INTEGER - seq).toString(16)}`;

  test.each<[string, (scene: Scene) => Promise<unknown>, readonly string[]]>([
    ['a slot lost', (s) => s.remove(s.slot(6)), [`slot_missing ${key(6)}`]],
    ['a folded slot lost, above the floor', (s) => s.remove(s.slot(2)), [`slot_missing ${key(2)}`]],
    ['a flipped bit', (s) => s.flip(s.slot(6)), [`slot_corrupt ${key(6)}`]],
    [
      'cut',
      async (s) => s.put(s.slot(6), (await s.bytes(s.slot(6))).slice(0, -9)),
      [`slot_corrupt ${key(6)}`],
    ],
    [
      'slots in each other’s place',
      (s) => s.swap(s.slot(6), s.slot(7)),
      [6, 7].map((n) => `slot_corrupt ${key(n)}`).sort(),
    ],
    [
      'a slot that follows another',
      (s) => forgeSlot(s, LAST, () => ({ prevChain: 'a'.repeat(64) })),
      [`chain_broken ${key(LAST)}`],
    ],
    [
      'a slot that the next one does not follow',
      (s) => forgeSlot(s, 6, () => ({ nonce: 'a'.repeat(32) })),
      [`chain_broken ${key(7)}`],
    ],
    [
      'another slot where the fold ended',
      (s) => s.forgeHead(() => ({ foldedChain: 'a'.repeat(64) })),
      [`chain_broken ${key(4)}`],
    ],
    [
      'another label where the fold ended',
      (s) => s.forgeHead(() => ({ foldedLabel: 9e15 })),
      [`chain_broken ${key(4)}`],
    ],
    [
      'a batch object that no slot of this number may refer to',
      (s) =>
        forgeSlot(s, LAST, ({ batches }) => ({
          batches: batches.map((batch) => ({
            ...batch,
            content: { after: sequence(LAST), uuid: UUID, bytes: 9 },
          })),
        })),
      [`batch_missing papers/batch/1ffffffffffff7-${UUID}`, `slot_corrupt ${key(LAST)}`],
    ],
    ['a label that goes back', (s) => forgeSlot(s, LAST, () => ({ label: 5 })), [`label_back ${key(LAST)}`]],
    [
      'content of another hash',
      (s) =>
        forgeSlot(s, LAST, ({ batches }) => ({
          batches: batches.map((batch) => ({ ...batch, contentSha: 'b'.repeat(64) })),
        })),
      [`batch_corrupt ${key(LAST)}`],
    ],
    [
      'content that is no batch',
      (s) =>
        forgeSlot(s, LAST, ({ batches }) => {
          const inline = new Uint8Array(100);
          const contentSha = bytesToHex(digests.sha256(inline));
          return { batches: batches.map((batch) => ({ ...batch, contentSha, content: { inline } })) };
        }),
      [`batch_corrupt ${key(LAST)}`],
    ],
    [
      'a document that is no JSON',
      (s) =>
        forgeSlot(s, LAST, ({ batches }) => {
          const inline = encodeBatch({
            kinds: Uint8Array.of(0),
            ids: ['x'],
            dimension: DIMENSION,
            vectors: Float32Array.from(vectorOf(1)),
            metadata: ['{"n":'],
            expiresMs: undefined,
          });
          const contentSha = bytesToHex(digests.sha256(inline));
          return { batches: batches.map((batch) => ({ ...batch, contentSha, content: { inline } })) };
        }),
      [`batch_corrupt ${key(LAST)}`],
    ],
    [
      'a batch object that is not there',
      (s) =>
        forgeSlot(s, LAST, ({ batches }) => ({
          batches: batches.map((batch) => ({
            ...batch,
            content: { after: sequence(5), uuid: UUID, bytes: 9 },
          })),
        })),
      [`batch_missing papers/batch/1ffffffffffffa-${UUID}`],
    ],
    [
      'an inbox object that nobody can read',
      (s) => s.put(inboxKey(s.papers, sequence(7), UUID), new Uint8Array(99)),
      [`inbox_corrupt papers/inbox/1ffffffffffff8-${UUID}`],
    ],
    [
      'its end lost, as a batch tells that was written after it',
      (s) => s.put(inboxKey(s.papers, sequence(12), UUID), new Uint8Array(99)),
      [`inbox_corrupt papers/inbox/1ffffffffffff3-${UUID}`, `slot_missing ${key(12)}`],
    ],
  ])('%s', async (_, damage, expected) => {
    expect(await after(damage)).toEqual([...expected].sort());
  });

  it('of which the end that was folded is lost', async () => {
    expect(
      await after(async (s) => {
        for (const seq of [4, 5, 6, 7, 8]) await s.remove(s.slot(seq));
      }),
    ).toEqual([`slot_missing ${key(4)}`]);
  });

  it('with a batch in an object of its own, damaged, and not', async () => {
    const world = newWorld();
    const db = await world.openAgain();
    const wide = await db.createCollection('wide', { dimension: 2_000, metric: 'dot' });
    const vector = Float32Array.from({ length: 2_000 }, (_, i) => i);
    await wide.upsert(Array.from({ length: 1_100 }, (_, i) => ({ id: `${i}`, vector })));
    const [batch] = (await world.store.list('c/')).filter(({ key: of }) => of.includes('/batch/'));
    expect(await db.scrub()).toMatchObject({
      ...{ errorsTotal: 0, noticesTotal: 0 },
      collections: [{ pending: { objects: 0 } }],
    });
    const got = await world.store.get(batch!.key);
    if (got.status !== 'found') throw new Error('no batch');
    const flipped = got.bytes.slice();
    flipped[5_000_000]! ^= 1;
    await world.store.put(batch!.key, flipped, { if: 'any' });
    const { collections } = await db.scrub();
    expect(collections[0]!.findings).toMatchObject([{ code: 'batch_corrupt', key: batch!.key }]);
    await db.close();
  });
});

describe('what nothing names', () => {
  it('is told apart: strange keys, garbage, and what a job may need', async () => {
    const scene = await Scene.make();
    const nonce = (digit: string): string => digit.repeat(32);
    const prefix = `c/${scene.papers}/`;
    const job = { nonce: nonce('7'), inputs: [], fold: undefined, startedMs: 0 };
    await scene.forgeHead(() => ({ jobs: [job] }));
    const odd = [`${prefix}log/x`, `${prefix}other`, 'c/x', 'catalog/x', 'work/x', 'stray'];
    for (const key of odd) await scene.put(key, new Uint8Array(3));
    await scene.put(`${prefix}seg/${nonce('7')}-0.seg`, new Uint8Array(50));
    await scene.put(`${prefix}seg/${nonce('8')}-0.seg`, new Uint8Array(70));
    await scene.put(`${prefix}seg/${nonce('8')}.job`, new Uint8Array(0));
    await scene.put(batchKey(scene.papers, sequence(7), UUID), new Uint8Array(40));
    const result = await scene.scrub();
    expect(scene.shown(result)).toEqual(
      [...odd.map((key) => `unknown_key ${scene.short(key)}`), 'garbage papers/'].sort(),
    );
    const papers = result.collections.find(({ uid }) => uid === scene.papers)!;
    expect(papers).toMatchObject({ garbage: { objects: 2, bytes: 70 }, pending: { objects: 2, bytes: 90 } });
  });

  it('of many findings the first are kept, and all are counted', async () => {
    const scene = await Scene.make();
    for (let i = 0; i < 130; i++) await scene.put(`c/${scene.papers}/odd/${i}`, new Uint8Array(1));
    const result = await scene.scrub();
    expect(result).toMatchObject({ noticesTotal: 130, errorsTotal: 0, leftOut: 30 });
    expect(scene.shown(result)).toHaveLength(100);
  });
});

it('refuses what it does not know, and a collection that is not there', async () => {
  const scene = await Scene.make();
  await expect(scene.scrub({ fix: true } as never)).rejects.toMatchObject({ code: 'unknown_field' });
  await expect(scene.scrub({ collection: '' })).rejects.toMatchObject({ code: 'invalid_name' });
  await expect(scene.scrub({ collection: 'nobody' })).rejects.toMatchObject({ code: 'collection_not_found' });
});

it('ends early where it is told to', async () => {
  const scene = await Scene.make();
  const signal = AbortSignal.abort();
  expect(await scene.scrub({ signal })).toMatchObject({ complete: false, collections: [] });
});
