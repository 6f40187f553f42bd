/**
 * Collection of what drops and failed creates leave. Strategy: the collector's wait and every delete are watched against
 * the store's clock; it is made to fail at each of its requests in turn; creators stall for days.
 *
 * Held here: the fence is durable before a delete (7), nothing reachable is deleted (8), progress when faults stop (17).
 */
import { describe, expect, it } from 'vitest';
import { limits } from '../../core/base/limits.js';
import type { Uid } from '../../core/base/ids.js';
import { sequence } from '../../core/base/ids.js';
import { firstHead, headKey, sealHead, swapHead, workKey } from '../../core/log/index.js';
import { slotKey } from '../../core/log/layout.js';
import { digests, errorOf } from '../log/fixture.js';
import { CatalogWorld } from './catalog-world.js';
import type { CatalogProcess } from './catalog-world.js';

const DAY_MS = 24 * 60 * 60 * 1_000;

/** A dropped collection with `slots` objects in its log. */
async function dropped(
  world: CatalogWorld,
  { catalog }: CatalogProcess,
  name: string,
  slots = 3,
): Promise<Uid> {
  const { head } = await world.run(catalog.create(name, world.schema));
  for (let seq = 1; seq <= slots; seq++) {
    await world.bucket.truth.put(slotKey(head.uid, sequence(seq)), new Uint8Array(10), { if: 'any' });
  }
  await world.run(catalog.drop(name));
  return head.uid;
}

describe('the collector', () => {
  it('deletes all of a dropped collection but its head, and the hint', async () => {
    const world = new CatalogWorld();
    const a = world.process('a');
    const uid = await dropped(world, a, 'papers');
    const { head } = await world.run(a.catalog.create('kept', world.schema));
    await world.bucket.truth.put(slotKey(head.uid, sequence(1)), new Uint8Array(10), { if: 'any' });
    // A hint says that there may be work, not what.
    await world.bucket.truth.put(workKey(head.uid), new Uint8Array(0), { if: 'any' });
    // Three slots and the copy of the first head.
    expect(await world.run(a.collector.run())).toMatchObject({ objects: 4, collections: 1 });
    expect(await world.keys(`c/${uid}/`)).toEqual([headKey(uid)]);
    expect(await world.keys(`c/${head.uid}/`)).toHaveLength(2);
    expect(await world.keys('work/')).toEqual([]);
    expect(await world.run(a.collector.run())).toMatchObject({ objects: 0, bytes: 0, collections: 0 });
  });

  it('reaches what a drop left behind more than a thousand tombstones', async () => {
    const world = new CatalogWorld();
    const a = world.process('a');
    const uid = await dropped(world, a, 'papers');
    for (let i = 0; i <= 1_000; i++) {
      // Before every random uid in key order, with nothing to collect.
      const tombstone = i.toString(16).padStart(32, '0') as Uid;
      const head = firstHead({
        uid: tombstone,
        nonce: '0'.repeat(32),
        namespace: a.catalog.namespace,
        name: `old-${i}`,
        createdMs: 0,
        schema: world.schema,
      });
      const bytes = sealHead(digests, { ...head, state: 'dropped' });
      await world.bucket.truth.put(headKey(tombstone), bytes, { if: 'any' });
    }
    // The hint is lost: the sweep over all heads makes another.
    await world.bucket.truth.delete([workKey(uid)]);
    await world.run(a.collector.run());
    expect(await world.keys(`c/${uid}/`)).toEqual([headKey(uid)]);
    expect(await world.keys('work/')).toEqual([]);
  });

  it('waits D by itself between reading `dropped` and deleting, however long ago the drop was', async () => {
    const world = new CatalogWorld();
    const a = world.process('a');
    const uid = await dropped(world, a, 'papers');
    world.time.jump(10 * limits.fenceMs);
    let readAt = 0;
    let deletedAt = 0;
    world.bucket.script = ({ op, key }) => {
      if (op === 'get' && key === headKey(uid) && deletedAt === 0) readAt = world.time.nowMs;
      if (op === 'delete' && key.includes(uid) && deletedAt === 0) deletedAt = world.time.nowMs;
      return undefined;
    };
    await world.run(a.collector.run());
    expect(deletedAt - readAt).toBeGreaterThanOrEqual(limits.fenceMs);
  });

  it('leaves what appears where there was nothing to wait for, and waits for that the next time', async () => {
    const world = new CatalogWorld();
    const a = world.process('a');
    const uid = await dropped(world, a, 'papers');
    await world.run(a.collector.run());
    await world.bucket.truth.put(workKey(uid), new Uint8Array(0), { if: 'any' });
    const slot = slotKey(uid, sequence(1));
    let looked = false;
    // A stalled writer's put arrives right after the collector has found nothing under the prefix.
    world.bucket.script = async ({ op, key }) => {
      if (looked) await world.bucket.truth.put(slot, new Uint8Array(1), { if: 'absent' });
      looked ||= op === 'list' && key === `c/${uid}/`;
      return undefined;
    };
    await world.run(a.collector.run());
    world.bucket.script = () => undefined;
    const before = world.time.nowMs;
    expect(await world.keys(`c/${uid}/log/`)).toEqual([slot]);
    expect(await world.keys('work/')).toEqual([workKey(uid)]);
    expect(await world.run(a.collector.run())).toMatchObject({ objects: 1 });
    expect(world.time.nowMs - before).toBeGreaterThanOrEqual(limits.fenceMs);
  });

  it('that dies at any request does no harm, and the next one finishes', async () => {
    for (let die = 0; ; die++) {
      const world = new CatalogWorld();
      const a = world.process('a');
      const uid = await dropped(world, a, 'papers');
      const { head } = await world.run(a.catalog.create('kept', world.schema));
      let requests = 0;
      world.bucket.script = ({ op, process }) => {
        if (process !== 'b' || requests++ < die) return undefined;
        if (op === 'get') return { get: 'unavailable' };
        if (op === 'list') return { list: 'unavailable' };
        return op === 'put' ? { put: 'lost' } : { delete: 'unavailable' };
      };
      const [died] = await world.run(Promise.allSettled([world.process('b').collector.run()]));
      world.bucket.script = () => undefined;
      await world.run(world.process('c').collector.run());
      expect(await world.keys(`c/${uid}/`)).toEqual([headKey(uid)]);
      expect(await world.keys(`c/${head.uid}/`)).toEqual([headKey(head.uid)]);
      expect(await world.run(a.catalog.find('kept'))).toBe(head.uid);
      if (died?.status === 'fulfilled') {
        expect(die).toBeGreaterThan(8);
        return;
      }
    }
  });

  it('goes on past a corrupt head, and says so at the end', async () => {
    const world = new CatalogWorld();
    const a = world.process('a');
    const uids = [await dropped(world, a, 'x'), await dropped(world, a, 'y'), await dropped(world, a, 'z')];
    const key = headKey(uids[1]!);
    world.bucket.script = (request) =>
      request.op === 'get' && request.key === key ? { get: 'flipped' } : undefined;
    expect(await errorOf(world.run(a.collector.run()))).toMatchObject({ kind: 'corrupt', details: { key } });
    expect(await world.keys(`c/${uids[0]!}/`)).toHaveLength(1);
    expect(await world.keys(`c/${uids[1]!}/`)).toHaveLength(5);
    expect(await world.keys(`c/${uids[2]!}/`)).toHaveLength(1);
  });

  it('is not held up by objects that are not ours', async () => {
    const world = new CatalogWorld();
    const a = world.process('a');
    const uid = await dropped(world, a, 'papers');
    await world.bucket.truth.delete([workKey(uid)]);
    for (const key of [
      'c/',
      'c/x',
      `c/${'0'.repeat(32)}x`,
      `c/${'f'.repeat(32)}zzz/head`,
      `c/${'g'.repeat(32)}/a`,
    ]) {
      if (key !== 'c/') await world.bucket.truth.put(key, new Uint8Array(1), { if: 'any' });
    }
    await world.bucket.truth.put('work/odd', new Uint8Array(0), { if: 'any' });
    const requests = (): number => world.bucket.trace.length;
    const before = requests();
    expect(await world.run(a.collector.run())).toMatchObject({ objects: 4 });
    expect(requests() - before).toBeLessThan(40);
    expect(await world.keys('work/')).toEqual(['work/odd']);
  });
});

describe('an orphan', () => {
  /** A create that stops before it takes the name. */
  async function orphan(world: CatalogWorld, name = 'lonely'): Promise<Uid> {
    world.bucket.script = ({ process, op, key }) =>
      process === 'dying' && op === 'put' && key.startsWith('catalog/') ? { before: 1e12 } : undefined;
    void world.process('dying').catalog.create(name, world.schema);
    await world.run(world.time.sleep(1_000));
    const [key] = await world.keys('c/');
    return key!.slice(2, 34) as Uid;
  }

  it("is collected after 24 hours by the store's dates, not before", async () => {
    const world = new CatalogWorld();
    const uid = await orphan(world);
    const { collector } = world.process('a');
    world.time.jump(DAY_MS - 10_000);
    await world.run(collector.run());
    const young = await world.bucket.truth.get(headKey(uid));
    expect(young.status === 'found' && new TextDecoder().decode(young.bytes)).toContain('"active"');
    world.time.jump(20_000);
    await world.run(collector.run());
    const old = await world.bucket.truth.get(headKey(uid));
    expect(old.status === 'found' && new TextDecoder().decode(old.bytes)).toContain('"dropped"');
    expect(await world.keys(`c/${uid}/`)).toEqual([headKey(uid)]);
  });

  it.each<[string, (world: CatalogWorld, uid: Uid) => Promise<unknown>]>([
    [
      'a slot',
      (world, uid) => world.bucket.truth.put(slotKey(uid, sequence(1)), new Uint8Array(10), { if: 'any' }),
    ],
    ['a second version', (world, uid) => swapHead(world.process('other').collector.context(uid), () => ({}))],
  ])('is no head with %s: that one lost its entry, and is kept', async (_, use) => {
    const world = new CatalogWorld();
    const uid = await orphan(world);
    await world.run(use(world, uid));
    world.time.jump(2 * DAY_MS);
    await world.run(world.process('a').collector.run());
    const kept = await world.bucket.truth.get(headKey(uid));
    expect(kept.status === 'found' && new TextDecoder().decode(kept.bytes)).toContain('"active"');
  });

  it('is what a creator finds that comes back after days: it makes another head', async () => {
    const world = new CatalogWorld();
    const a = world.process('a');
    const stall = 3 * DAY_MS;
    world.bucket.script = ({ process, op, key, nth }) =>
      process === 'slow' && op === 'put' && key.startsWith('catalog/') && nth === 0
        ? { before: stall }
        : undefined;
    const create = world.process('slow').catalog.create('papers', world.schema);
    const collect = world.time.sleep(2 * DAY_MS).then(() => a.collector.run());
    const [made] = await world.run(Promise.all([create, collect]));
    expect(await world.run(a.catalog.find('papers'))).toBe(made.head.uid);
    const head = await world.bucket.truth.get(headKey(made.head.uid));
    expect(head.status === 'found' && new TextDecoder().decode(head.bytes)).toContain('"active"');
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'that gets its name while a slow collector looks at it (request %i) lives on',
    async (request) => {
      const world = new CatalogWorld();
      const a = world.process('a');
      let requests = 0;
      // The creator comes back at 3 days; the collector, begun at 2 days, sleeps over that at one of its requests.
      world.bucket.script = ({ process, op, key, nth }) => {
        if (process === 'slow' && op === 'put' && key.startsWith('catalog/') && nth === 0) {
          return { before: 3 * DAY_MS };
        }
        return process === 'a' && ++requests === request ? { slow: 2 * DAY_MS } : undefined;
      };
      const create = world.process('slow').catalog.create('papers', world.schema);
      const collect = world.time.sleep(2 * DAY_MS).then(() => a.collector.run());
      const [made] = await world.run(Promise.all([create, collect]));
      const uid = await world.run(a.catalog.find('papers'));
      expect(uid).toBe(made.head.uid);
      const head = await world.bucket.truth.get(headKey(made.head.uid));
      expect(head.status === 'found' && new TextDecoder().decode(head.bytes)).toContain('"active"');
    },
  );

  it('is never what another namespace calls its own', async () => {
    const world = new CatalogWorld();
    const a = world.process('a');
    const { head } = await world.run(a.catalog.create('papers', world.schema));
    const uid = 'e'.repeat(32) as Uid;
    const other = { ...head, uid, namespace: 'd'.repeat(32) as Uid };
    await world.bucket.truth.put(headKey(uid), sealHead(digests, other), { if: 'any' });
    world.time.jump(2 * DAY_MS);
    await world.run(a.collector.run());
    const found = await world.bucket.truth.get(headKey(uid));
    expect(found.status === 'found' && new TextDecoder().decode(found.bytes)).toContain('"active"');
  });
});
