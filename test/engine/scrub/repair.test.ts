/**
 * Strategy: what can be repaired is lost, and comes back; what only could be guessed stays as it is; and in no case is anything
 * deleted or replaced that was there.
 */
import { describe, expect, it } from 'vitest';
import { headKey, sealHead } from '../../../core/log/index.js';
import { digests } from '../../log/fixture.js';
import { Scene } from './scene.js';

describe('repair', () => {
  it('makes a lost entry anew, and the collection is there again', async () => {
    const scene = await Scene.make();
    await scene.remove(scene.entry('papers'));
    expect(await scene.found({ repair: true })).toEqual(['entry_missing catalog/706170657273 repaired']);
    expect(await scene.found()).toEqual([]);
    const db = await scene.world.openAgain();
    expect((await db.collection('papers').fetch({ ids: ['late'] })).records).toHaveLength(1);
    await db.close();
  });

  it('finds a collection by its name though the entry is lost', async () => {
    const scene = await Scene.make();
    await scene.remove(scene.entry('papers'));
    const result = await scene.scrub({ collection: 'papers', repair: true });
    expect(scene.shown(result)).toEqual(['entry_missing catalog/706170657273 repaired']);
    expect(result.collections.map(({ uid }) => uid)).toEqual([scene.papers]);
  });

  it('does not choose between two of one name, nor beside one that nobody can read', async () => {
    const twins = await Scene.make();
    await twins.remove(twins.entry('papers'));
    const notes = await twins.head(twins.notes);
    await twins.put(headKey(twins.notes), sealHead(digests, { ...notes, name: 'papers' }));
    await twins.remove(twins.entry('notes'));
    expect(await twins.found({ repair: true })).toEqual(Array(2).fill('entry_missing catalog/706170657273'));
    const beside = await Scene.make();
    await beside.remove(beside.entry('papers'));
    await beside.flip(headKey(beside.notes));
    expect(await beside.found({ repair: true })).toEqual([
      'entry_missing catalog/706170657273',
      'head_corrupt notes/head',
    ]);
  });

  it('vacates the name of a dropped collection', async () => {
    const scene = await Scene.make();
    await scene.forgeHead(() => ({ state: 'dropped', jobs: [] }));
    expect(await scene.found({ repair: true })).toContain('entry_of_dropped catalog/706170657273 repaired');
    expect(await scene.found()).toEqual(['garbage papers/']);
  });

  it('writes nothing where it is not asked for, and deletes nothing in any case', async () => {
    const scene = await Scene.make();
    const { store } = scene.world;
    for (const key of [scene.entry('papers'), scene.slot(6), scene.copy(2)]) await scene.remove(key);
    const keys = async (): Promise<string[]> => (await store.list('')).map(({ key }) => key);
    const before = await keys();
    await scene.scrub();
    expect(await keys()).toEqual(before);
    await scene.scrub({ repair: true });
    expect(await keys()).toEqual([...before, scene.entry('papers')].sort());
  });
});
