/**
 * Strategy: a store with a collection that went back to a state, and a branch of it that shares its segments: sound as
 * it is, and with each thing gone that one of them needs of the other the very finding.
 */
import { describe, expect, test } from 'vitest';
import { sequence } from '../../../core/base/ids.js';
import type { Uid } from '../../../core/base/ids.js';
import type { Database, ScrubResult } from '../../../core/index.js';
import { openHead } from '../../../core/log/head-codec.js';
import { headKey, sealHead, slotKey } from '../../../core/log/index.js';
import type { Head } from '../../../core/log/index.js';
import { headCopyKey } from '../../../core/log/layout.js';
import { digests } from '../../log/fixture.js';
import { newWorld } from './scene.js';
import type { World } from './scene.js';

interface Made {
  readonly world: World;
  readonly db: Database;
  /** Of the collection of that name. */
  readonly head: (name: string) => Head;
}

const row = (id: string, x: number) => ({ id, vector: [x, 1] });

async function bytesOf({ store }: World, key: string): Promise<Uint8Array> {
  const got = await store.get(key);
  if (got.status !== 'found') throw new Error(`no object ${key}`);
  return got.bytes;
}

/** `papers` folded `a`, then went back from `c` to `b`; `draft` began with `a` and `b`, and has `d`. */
async function made(): Promise<Made> {
  const world = newWorld();
  const db = await world.openAgain();
  const papers = await db.createCollection('papers', { dimension: 2 });
  await papers.upsert([row('a', 1)]);
  await papers.compact();
  await papers.upsert([row('b', 2)]);
  await papers.branch('draft');
  await db.collection('draft').upsert([row('d', 4)]);
  await papers.upsert([row('c', 3)]);
  await papers.restoreTo({ asOf: 2 });
  const heads = new Map<string, Head>();
  for (const { key } of await world.store.list('c/')) {
    if (!key.endsWith('/head')) continue;
    const head = openHead(digests, key.split('/')[1] as Uid, await bytesOf(world, key));
    heads.set(head.name, head);
  }
  return { world, db, head: (name) => heads.get(name)! };
}

/** Another head under the same version. */
async function forge({ world, head }: Made, name: string, edit: Partial<Head>): Promise<void> {
  const next = { ...head(name), ...edit };
  await world.store.put(headKey(next.uid), sealHead(digests, next), { if: 'any' });
}

/** By collection, the catalog first. */
function found({ findings, collections }: ScrubResult): Record<string, readonly string[]> {
  const codes = (list: ScrubResult['findings']): string[] => list.map(({ code, key }) => `${code} ${key}`);
  const named = collections.map(({ name, findings: own }) => [name ?? 'unreadable', codes(own)] as const);
  return Object.fromEntries(
    [['catalog', codes(findings)] as const, ...named].filter(([, list]) => list.length > 0),
  );
}

describe('restores and branches', () => {
  test('are sound as they are, folded and collected too', async () => {
    const { db } = await made();
    expect(found(await db.scrub())).toEqual({});
    await db.collection('papers').compact();
    expect((await db.scrub()).errorsTotal).toBe(0);
    await db.collect();
    expect(found(await db.scrub())).toEqual({});
    await db.dropCollection('papers');
    await db.collect();
    expect((await db.scrub()).errorsTotal).toBe(0);
  });

  test('a restore whose state the head does not keep is told', async () => {
    const all = await made();
    const { db, head } = all;
    await forge(all, 'papers', { restores: [] });
    expect(found(await db.scrub())).toEqual({
      papers: [`restore_unkept ${slotKey(head('papers').uid, sequence(4))}`],
    });
  });

  test('one that is kept as another state is not kept', async () => {
    const all = await made();
    const { db, head } = all;
    const [restore] = head('papers').restores;
    await forge(all, 'papers', { restores: [{ ...restore!, seq: sequence(1) }] });
    expect(found(await db.scrub())['papers']).toContain(
      `restore_unkept ${slotKey(head('papers').uid, sequence(4))}`,
    );
  });

  test('a branch that its parent does not list is told', async () => {
    const all = await made();
    const { db, head } = all;
    await forge(all, 'papers', { branches: [] });
    expect(found(await db.scrub())).toEqual({
      draft: [`branch_unlisted ${headKey(head('draft').uid)}`],
    });
  });

  test('a segment that a branch shares is missed in both', async () => {
    const { world, db, head } = await made();
    const { key } = head('papers').segments[0]!;
    expect(head('draft').segments.map((segment) => segment.key)).toContain(key);
    await world.store.delete([key]);
    expect(found(await db.scrub())).toMatchObject({
      papers: [`segment_missing ${key}`],
      draft: [`segment_missing ${key}`],
    });
  });

  test('what a restore or a branch keeps of an older head is missed', async () => {
    const { world, db, head } = await made();
    const { uid, restores, branches } = head('papers');
    await db.collection('papers').compact();
    await db.collect();
    expect(found(await db.scrub())).toEqual({});
    const version = branches[0]!.version;
    expect([restores.length, branches.length]).toEqual([1, 1]);
    await world.store.delete([headCopyKey(uid, version)]);
    expect(found(await db.scrub())).toEqual({ papers: [`head_copy_missing ${headCopyKey(uid, version)}`] });
  });

  test('a branch without a head is unborn, where its parent lists it', async () => {
    const all = await made();
    const { world, db, head } = all;
    const { uid } = head('draft');
    await world.store.delete([
      headKey(uid),
      `catalog/${'0'.repeat(32)}/${Buffer.from('draft').toString('hex')}`,
    ]);
    const result = await db.scrub();
    expect(found(result)).toEqual({ unreadable: [`branch_unborn ${headKey(uid)}`] });
    expect([result.errorsTotal, result.noticesTotal]).toEqual([0, 1]);
    await forge(all, 'papers', { branches: [] });
    expect(found(await db.scrub())).toEqual({ unreadable: [`head_missing ${headKey(uid)}`] });
  });
});
