/**
 * Strategy: a store in which a snapshot alone keeps a version of the head, the slots over it and what it names: sound as it is, and
 * with each of these gone the very finding.
 */
import { expect, test } from 'vitest';
import type { Database, ScrubResult } from '../../../core/index.js';
import { newWorld } from './scene.js';
import type { World } from './scene.js';

interface Kept {
  readonly world: World;
  readonly db: Database;
  readonly keys: readonly string[];
}

const row = (id: string, x: number) => ({ id, vector: [x, 1] });

/** Folded twice; the snapshot is of the second of three slots over the first fold. */
async function kept(): Promise<Kept> {
  const world = newWorld();
  const db = await world.openAgain();
  const c = await db.createCollection('papers', { dimension: 2 });
  await c.upsert([row('a', 1)]);
  await c.compact();
  await c.upsert([row('b', 2)]);
  await c.delete({ ids: ['a'] });
  await c.createSnapshot({ name: 'one' });
  await c.upsert([row('c', 3)]);
  await c.compact();
  await db.collect();
  const all = (await world.store.list('c/')).map(({ key }) => key);
  return { world, db, keys: all };
}

const found = ({ findings, collections }: ScrubResult): readonly string[] =>
  [...findings, ...collections.flatMap((collection) => collection.findings)].map(({ code }) => code);

test('what a snapshot keeps is looked at, and is no garbage', async () => {
  const { world, db } = await kept();
  const result = await db.scrub();
  expect(found(result)).toEqual([]);
  const [papers] = result.collections;
  expect(papers!.checked).toEqual(papers!.stored);
  expect(papers).toMatchObject({ garbage: { objects: 0 }, pending: { objects: 0 } });
  await db.collection('papers').deleteSnapshot('one');
  const after = await db.scrub();
  expect(found(after)).toEqual(['garbage']);
  // Two slots, the copy of the head, and the first fold's segment and window.
  expect(after.collections[0]!.garbage.objects).toBeGreaterThanOrEqual(5);
  await db.collect();
  expect(found(await db.scrub())).toEqual([]);
  expect((await world.store.list('c/')).length).toBeGreaterThan(0);
});

test.each([
  [
    'the copy of the head',
    (keys: readonly string[]) => keys.filter((key) => key.includes('/heads/')).slice(-1),
    'head_copy_missing',
  ],
  [
    'the slot that it is of',
    (keys: readonly string[]) => keys.filter((key) => key.includes('/log/')).slice(1, 2),
    'slot_missing',
  ],
  [
    'a slot before that',
    (keys: readonly string[]) => keys.filter((key) => key.includes('/log/')).slice(-1),
    'slot_missing',
  ],
])('without %s there is a finding', async (_, pick, code) => {
  const { world, db, keys } = await kept();
  const gone = pick(keys);
  expect(gone).toHaveLength(1);
  await world.store.delete(gone);
  expect(found(await db.scrub())).toContain(code);
});

test.each([
  ['.seg', 'segment_missing'],
  ['.win', 'window_missing'],
])(
  'without a %s there is a finding, whether the newest head names it or the pinned one',
  async (ending, code) => {
    const { world, db, keys } = await kept();
    const named = keys.filter((key) => key.endsWith(ending));
    expect(named).toHaveLength(2);
    for (const key of named) {
      const copy = await world.store.get(key);
      await world.store.delete([key]);
      expect(found(await db.scrub()), key).toContain(code);
      if (copy.status === 'found') await world.store.put(key, copy.bytes, { if: 'any' });
    }
    expect(found(await db.scrub())).toEqual([]);
  },
);
