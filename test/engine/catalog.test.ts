/**
 * Create and drop. Strategy: racers over a faulty store, a drop at every moment of a write and of a create, processes
 * that still hold the name of what is gone.
 *
 * Held here: one winner per name (12), nothing is acknowledged on a dropped collection (21).
 */
import { describe, expect, it } from 'vitest';
import type { CairnError } from '../../core/base/errors.js';
import { limits } from '../../core/base/limits.js';
import type { HeadVersion, Uid } from '../../core/base/ids.js';
import { openSealed, sealJson } from '../../core/base/sealed-object.js';
import {
  DEFAULT_NAMESPACE_UID,
  entryKey,
  headKey,
  sealHead,
  tryReadHead,
  workKey,
} from '../../core/log/index.js';
import type { Head } from '../../core/log/index.js';
import { headCopyKey } from '../../core/log/layout.js';
import { usageBetween } from '../../core/store/index.js';
import { randomFaults } from '../log/faulty-store.js';
import { digests, errorOf } from '../log/fixture.js';
import { Chance } from '../log/virtual-time.js';
import { CatalogWorld } from './catalog-world.js';
import { portableDeflate } from '../../core/segment/index.js';

async function headOf(world: CatalogWorld, uid: Uid): Promise<Head | undefined> {
  const ports = {
    clock: world.time.clock,
    sleep: world.time.sleep,
    random: world.chance,
    digests,
    deflate: portableDeflate,
  };
  return (await tryReadHead({ store: world.bucket.truth, ports, uid }))?.head;
}

const settings = { dimension: 2, metric: 'euclidean' } as const;
const record = (id: string) => [{ id, vector: [1, 2] }];

describe('creating', () => {
  it('32 at once make one collection', async () => {
    const world = new CatalogWorld();
    const racers = Array.from({ length: 32 }, (_, i) => world.process(`p${i}`));
    const made = await world.run(
      Promise.all(racers.map(({ catalog }) => catalog.create('papers', world.schema))),
    );
    expect(made.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(made.map(({ head }) => head.uid)).size).toBe(1);
    // Every other head is a tombstone.
    const heads = (await world.keys('c/')).filter((key) => key.endsWith('/head'));
    const states = await Promise.all(
      heads.map(async (key) => (await headOf(world, key.slice(2, 34) as Uid))?.state),
    );
    expect(states.filter((state) => state === 'active')).toHaveLength(1);
  });

  it('with every kind of fault: whoever is told of a collection is told of the same one', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const world = new CatalogWorld(seed);
      world.bucket.script = randomFaults(new Chance(seed), 0.2);
      const racers = Array.from({ length: seed % 20 === 0 ? 32 : 6 }, (_, i) => world.process(`p${i}`));
      const ends = await world.run(
        Promise.allSettled(racers.map(({ catalog }) => catalog.create('papers', world.schema))),
      );
      await world.bucket.landAll();
      world.bucket.script = () => undefined;
      const made = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
      for (const end of ends) {
        if (end.status === 'rejected') expect(end.reason).toMatchObject({ kind: 'unavailable' });
      }
      const uid = await world.run(world.process('judge').catalog.find('papers'));
      for (const { head } of made) expect(head.uid, `seed ${seed}`).toBe(uid);
      expect(made.filter(({ created }) => created).length, `seed ${seed}`).toBeLessThanOrEqual(1);
      if (made.length > 0) expect((await headOf(world, uid!))?.state, `seed ${seed}`).toBe('active');
    }
  });

  it.each(['landed', 'lost', 'retried'] as const)(
    'is decided by what stands there when each first put is %s',
    async (put) => {
      const world = new CatalogWorld();
      world.bucket.script = ({ op, nth }) => (op === 'put' && nth === 0 ? { put } : undefined);
      const { catalog } = world.process('a');
      const { head, created } = await world.run(catalog.create('papers', world.schema));
      expect(created).toBe(true);
      expect(await world.run(catalog.find('papers'))).toBe(head.uid);
      expect((await headOf(world, head.uid))?.state).toBe('active');
    },
  );

  it('costs what the catalog says', async () => {
    const world = new CatalogWorld();
    const { catalog, store } = world.process('a');
    const start = store.snapshot();
    await world.run(catalog.create('papers', world.schema));
    const made = store.snapshot();
    await world.run(catalog.create('papers', world.schema));
    const { get_found: found, get_absent: absent, put_applied: put } = usageBetween(start, made).outcomes;
    expect([found + absent, put]).toEqual([3, 2]);
    expect(usageBetween(made, store.snapshot())).toMatchObject({ requests: 2 });
  });

  it('again is the same collection, or a conflict that names what differs', async () => {
    const world = new CatalogWorld();
    const [a, b] = await Promise.all([world.database('a'), world.database('b')]);
    expect((await world.run(a.createCollection('papers', settings))).created).toBe(true);
    expect((await world.run(b.createCollection('papers', settings))).created).toBe(false);
    const error = await errorOf(world.run(b.createCollection('papers', { ...settings, dimension: 3 })));
    expect(error).toMatchObject({ kind: 'conflict', code: 'collection_exists', outcome: 'not_applied' });
    expect(error.details['differing']).toEqual(['dimension']);
  });

  it('at once with other settings: one is made, the other is a conflict', async () => {
    const world = new CatalogWorld();
    const [a, b] = await Promise.all([world.database('a'), world.database('b')]);
    const ends = await world.run(
      Promise.allSettled([
        a.createCollection('papers', settings),
        b.createCollection('papers', { ...settings, dimension: 3 }),
      ]),
    );
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('cold open and query take three dependent round trips', async () => {
    const world = new CatalogWorld();
    const a = await world.database('a');
    const papers = await world.run(a.createCollection('papers', settings));
    for (let i = 0; i < 5; i++) await world.run(papers.upsert(record(`x${i}`)));
    const b = await world.database('b');
    const before = b.storeUsage();
    await world.run(b.collection('papers').query({ vector: [1, 2], k: 1 }));
    const cost = usageBetween(before, b.storeUsage());
    expect(cost.roundTrips).toBe(3);
    // Of a collection without segments there is no root.
    expect(cost.outcomes).toMatchObject({ get_found: 7, get_absent: 1, list_answered: 1 });
    expect(cost.requests).toBe(9);
    const warm = b.storeUsage();
    await world.run(b.collection('papers').query({ vector: [1, 2], k: 1 }));
    expect(usageBetween(warm, b.storeUsage())).toMatchObject({ requests: 2, roundTrips: 1, bytesRead: 0 });
  });
});

describe('dropping', () => {
  it('keeps the exact bytes of the head that was, whatever a later release put into it', async () => {
    const world = new CatalogWorld();
    const { catalog } = world.process('a');
    const { head } = await world.run(catalog.create('papers', world.schema));
    const identity = { kind: 'HED', key: headKey(head.uid) } as const;
    const text = new TextDecoder().decode(openSealed(digests, identity, sealHead(digests, head)));
    const later = { ...(JSON.parse(text) as object), a_field_of_later: [1] };
    const bytes = sealJson(digests, identity, later, limits.headBytes);
    await world.bucket.truth.put(identity.key, bytes, { if: 'any' });
    await world.run(catalog.drop('papers'));
    const copy = await world.bucket.truth.get(headCopyKey(head.uid, 1 as HeadVersion));
    expect(copy.status === 'found' && Buffer.from(copy.bytes).equals(bytes)).toBe(true);
  });

  it.each(['landed', 'lost', 'retried'] as const)('is done once when each first put is %s', async (put) => {
    const world = new CatalogWorld();
    const { catalog } = world.process('a');
    const { head } = await world.run(catalog.create('papers', world.schema));
    world.bucket.script = ({ op, key, nth }) =>
      op === 'put' && !key.startsWith('work/') && nth <= 1 ? { put } : undefined;
    expect(await world.run(world.process('b').catalog.drop('papers'))).toBe(true);
    expect(await headOf(world, head.uid)).toMatchObject({ state: 'dropped', version: 2 });
    expect(await world.run(catalog.find('papers'))).toBeUndefined();
    expect(await world.run(catalog.drop('papers'))).toBe(false);
  });

  it('does not fail because no hint could be left', async () => {
    const world = new CatalogWorld();
    const { catalog } = world.process('a');
    await world.run(catalog.create('papers', world.schema));
    world.bucket.script = ({ op, key }) =>
      op === 'put' && key.startsWith('work/') ? { put: 'not_applied' } : undefined;
    expect(await world.run(catalog.drop('papers'))).toBe(true);
    expect(await world.run(catalog.find('papers'))).toBeUndefined();
  });

  it('never takes the name from a collection made meanwhile', async () => {
    const world = new CatalogWorld();
    const [a, b] = [world.process('a'), world.process('b')];
    await world.run(a.catalog.create('papers', world.schema));
    // `a` stalls before it frees the name; `b` finds the name with a dropped head and takes it.
    world.bucket.script = ({ process, op, key }) =>
      process === 'a' && op === 'put' && key.startsWith('catalog/') ? { before: 60_000 } : undefined;
    const drop = a.catalog.drop('papers');
    const again = world.time.sleep(10_000).then(() => b.catalog.create('papers', world.schema));
    const [, made] = await world.run(Promise.all([drop, again]));
    expect(made.created).toBe(true);
    expect(await world.run(b.catalog.find('papers'))).toBe(made.head.uid);
    expect((await headOf(world, made.head.uid))?.state).toBe('active');
  });

  it('at any moment of a write: acknowledged before the drop, or not at all', async () => {
    for (let delay = 0; delay < 16; delay++) {
      const world = new CatalogWorld();
      const [a, b] = await Promise.all([world.database('a'), world.database('b')]);
      const papers = await world.run(a.createCollection('papers', settings));
      await world.run(papers.upsert(record('warm')));
      let droppedAt = Infinity;
      let acknowledgedAt = Infinity;
      const drop = (async () => {
        await world.time.sleep(delay);
        await b.dropCollection('papers');
        droppedAt = world.time.nowMs;
      })();
      const write = (async () => {
        const [end] = await Promise.allSettled([papers.upsert(record('x'))]);
        if (end.status === 'fulfilled') acknowledgedAt = world.time.nowMs;
        else expect((end.reason as CairnError).code).toBe('collection_not_found');
      })();
      await world.run(Promise.all([drop, write]));
      if (acknowledgedAt !== Infinity) expect(acknowledgedAt).toBeLessThanOrEqual(droppedAt);
      expect(await errorOf(world.run(papers.upsert(record('y'))))).toMatchObject({
        code: 'collection_not_found',
      });
      expect(await errorOf(world.run(papers.count()))).toMatchObject({ code: 'collection_not_found' });
    }
  });

  it('at the moment after the slot was won: the write is not acknowledged', async () => {
    const world = new CatalogWorld();
    const [a, b] = await Promise.all([world.database('a'), world.database('b')]);
    const papers = await world.run(a.createCollection('papers', settings));
    await world.run(papers.upsert(record('warm')));
    world.bucket.script = async ({ process, op, key }) => {
      if (process !== 'a' || op !== 'put' || !key.includes('/log/')) return undefined;
      return { slow: 5_000 };
    };
    const write = errorOf(papers.upsert(record('x')));
    const drop = world.time.sleep(1_000).then(() => b.dropCollection('papers'));
    const [error] = await world.run(Promise.all([write, drop]));
    expect(error).toMatchObject({ kind: 'not_found', code: 'collection_not_found' });
  });
});

describe('a name made anew', () => {
  it('is found by processes that still hold the old collection, in one more look', async () => {
    const world = new CatalogWorld();
    const [a, b] = await Promise.all([world.database('a'), world.database('b')]);
    await world.run(a.createCollection('papers', settings));
    await world.run(a.collection('papers').upsert(record('old')));
    expect((await world.run(b.collection('papers').count())).count).toBe(1);
    await world.run(a.dropCollection('papers'));
    await world.run(a.createCollection('papers', { ...settings, dimension: 3 }));
    const before = b.storeUsage();
    expect((await world.run(b.collection('papers').count())).count).toBe(0);
    // The old head and slot, the entry, the new head and LIST.
    expect(usageBetween(before, b.storeUsage()).requests).toBe(5);
    const three = [{ id: 'new', vector: [1, 2, 3] }];
    expect(await world.run(b.collection('papers').upsert(three))).toMatchObject({ sequence: 1 });
    expect((await world.run(a.collection('papers').count())).count).toBe(1);
  });

  it('gets the write of a process that still holds the old collection', async () => {
    const world = new CatalogWorld();
    const [a, b] = await Promise.all([world.database('a'), world.database('b')]);
    await world.run(a.createCollection('papers', settings));
    await world.run(b.collection('papers').upsert(record('old')));
    await world.run(a.dropCollection('papers'));
    await world.run(a.createCollection('papers', settings));
    const many = Array.from({ length: 5 }, (_, i) => b.collection('papers').upsert(record(`x${i}`)));
    await world.run(Promise.all(many));
    expect((await world.run(a.collection('papers').count())).count).toBe(5);
  });

  it('is opened once, though two calls found different collections under it', async () => {
    const world = new CatalogWorld();
    const [a, b] = await Promise.all([world.database('a'), world.database('b')]);
    await world.run(a.createCollection('papers', settings));
    let first = true;
    world.bucket.script = ({ process, op, key }) => {
      if (process !== 'b' || op !== 'get' || !key.startsWith('catalog/') || !first) return undefined;
      first = false;
      return { slow: 1_000 };
    };
    // The first call reads the old uid and stalls; the second opens the new collection; then the first goes on.
    const stalled = b.collection('papers').count();
    const rest = (async () => {
      await world.time.sleep(100);
      await a.dropCollection('papers');
      await a.createCollection('papers', settings);
      return await b.collection('papers').upsert(record('x'));
    })();
    await world.run(Promise.all([stalled, rest]));
    // One cold load by `b`: had the log that was open been pushed out, its memory would never come back.
    const loads = world.bucket.trace.filter(({ process, op, key }) => {
      return process === 'b' && op === 'list' && key.endsWith('/log/');
    });
    expect(loads).toHaveLength(1);
    const before = b.storeUsage();
    await world.run(b.collection('papers').count());
    expect(usageBetween(before, b.storeUsage()).requests).toBe(2);
  });
});

describe('names', () => {
  it('are listed in order and in pages, odd keys passed over', async () => {
    const world = new CatalogWorld();
    const { catalog } = world.process('a');
    const names = ['B', 'a', 'a.b', 'b', 'z9'];
    for (const name of names) await world.run(catalog.create(name, world.schema));
    const prefix = `catalog/${DEFAULT_NAMESPACE_UID}/`;
    for (const odd of ['ff', '20', 'xyz', '61g', '6', '', '2e2e2f']) {
      await world.bucket.truth.put(`${prefix}${odd}`, new Uint8Array(1), { if: 'any' });
    }
    expect(await world.run(catalog.names('', '', 100))).toEqual(names);
    expect(await world.run(catalog.names('', '', 1))).toEqual(['B']);
    expect(await world.run(catalog.names('', 'B', 2))).toEqual(['a', 'a.b']);
    expect(await world.run(catalog.names('a', '', 100))).toEqual(['a', 'a.b']);
    expect(await world.run(catalog.names('', 'z9', 100))).toEqual([]);
    const db = await world.database('b');
    const listed = await world.run(db.listCollections({ limit: 2 }));
    expect(listed.collections.map(({ name }) => name)).toEqual(['B', 'a']);
  });

  it('whose entry is damaged are a corrupt error naming it; others go on', async () => {
    const world = new CatalogWorld();
    const { catalog } = world.process('a');
    await world.run(catalog.create('good', world.schema));
    await world.run(catalog.create('bad', world.schema));
    const key = entryKey(DEFAULT_NAMESPACE_UID, 'bad');
    world.bucket.script = (request) =>
      request.key === key && request.op === 'get' ? { get: 'flipped' } : undefined;
    const calls: readonly Promise<unknown>[] = [
      catalog.find('bad'),
      catalog.create('bad', world.schema),
      catalog.drop('bad'),
    ];
    const errors = await world.run(Promise.all(calls.map((call) => errorOf(call))));
    for (const error of errors) {
      expect(error).toMatchObject({ kind: 'corrupt', details: { key } });
    }
    expect(await world.run(catalog.find('good'))).toBeDefined();
  });

  it('leave a hint for the collector when they go', async () => {
    const world = new CatalogWorld();
    const { catalog } = world.process('a');
    const { head } = await world.run(catalog.create('papers', world.schema));
    await world.run(catalog.drop('papers'));
    expect(await world.keys('work/')).toEqual([workKey(head.uid)]);
  });
});
