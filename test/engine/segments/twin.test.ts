/**
 * Strategy: two collections get the same writes; one is folded again and again, so that its records lie in segments, the
 * other keeps them all in its log. Whatever is asked of both is answered alike, to the bit: the state is a function of the
 * sequence, wherever its records lie (invariants 5 and 18). `exact` makes queries comparable.
 */
import { expect, test } from 'vitest';
import type { Collection, Database } from '../../../core/index.js';
import { newBench } from '../fixture.js';
import type { Bench } from '../fixture.js';
import { fold } from './fixture.js';

const DIMENSION = 12;
const METRICS = ['cosine', 'euclidean', 'dot', 'manhattan'] as const;

/** Numbers from 0 to 1 that a seed decides. */
function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

interface Twin {
  readonly bench: Bench;
  readonly db: Database;
  readonly collection: Collection;
}

async function newTwin(metric: (typeof METRICS)[number]): Promise<Twin> {
  const bench = newBench();
  const db = await bench.openAgain({ shareRequests: metric !== 'dot' });
  const collection = await db.createCollection('c', { dimension: DIMENSION, metric, softDeleteDays: 3_650 });
  return { bench, db, collection };
}

async function write(collection: Collection, next: () => number, nowMs: number): Promise<void> {
  const pick = (): string => `r${Math.floor(next() * 150)}`;
  const kind = next();
  if (kind < 0.1)
    await collection.patch({
      filter: { n: Math.floor(next() * 5) },
      metadata: { n: Math.floor(next() * 5) },
    });
  else if (kind < 0.6) {
    const records = Array.from({ length: 1 + Math.floor(next() * 20) }, () => {
      // Few values, so that distances are often equal.
      const vector = Array.from({ length: DIMENSION }, () => Math.ceil(next() * 3));
      const expires = next() < 0.1 ? { expiresAt: new Date(nowMs + next() * 100_000).toISOString() } : {};
      return { id: pick(), vector, metadata: { n: Math.floor(next() * 5) }, ...expires };
    });
    await collection.upsert(records);
  } else {
    const ids = Array.from({ length: 1 + Math.floor(next() * 6) }, pick);
    await collection.delete({ ids, soft: kind < 0.8 });
  }
}

/** Everything that a reader can ask, with what both should answer alike. */
async function answers(collection: Collection, next: () => number, foldedAt: number): Promise<unknown> {
  const vector = Array.from({ length: DIMENSION }, () => 1 + next() * 2);
  const k = 1 + Math.floor(next() * 30);
  const include = ['metadata', 'vector', 'expires_at'];
  const filter = { n: { $lt: 3 } };
  const { sequence } = await collection.count();
  const asOf = foldedAt + Math.floor(next() * (sequence - foldedAt + 1));
  const queries = [
    { vector, k, exact: true, include },
    { vector, k, exact: true, includeDeleted: true, include: [] },
    { vector, k, exact: true, filter },
    { vector, k, exact: true, asOf },
    { vector, k: 1_000, exact: true, asOf, includeDeleted: true },
    { vector, k, targetRecall: 1 },
    // Every row is a candidate: then approximate search is exact too.
    { vector, k: 100, filter, includeDeleted: true },
    { vector, k: 200 },
  ];
  const answered = await collection.queryMany(queries);
  const ids = Array.from({ length: 30 }, (_, i) => `r${i * 5}`);
  const pages: unknown[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await collection.scan({
      limit: 17,
      include,
      filter,
      ...(cursor === undefined ? {} : { cursor }),
    });
    pages.push(page);
    ({ cursor } = page);
    if (cursor === undefined) break;
  }
  const ordered: unknown[] = [];
  const orderBy = [{ field: 'n', direction: 'desc' }] as const;
  for (let cursor: string | undefined; ;) {
    const page = await collection.scan({
      ...{ orderBy, limit: 13, include },
      ...(cursor === undefined ? {} : { cursor }),
    });
    ordered.push(page);
    ({ cursor } = page);
    if (cursor === undefined) break;
  }
  const first5 = await collection.query({ orderBy, k: 5, filter, asOf, includeDeleted: true });
  const records = (await collection.stats()).records;
  const [first] = answered[0]!.matches;
  const byId =
    first === undefined ? [] : (await collection.query({ id: first.id, k: 5, exact: true })).matches;
  return {
    matches: answered.map((answer) => [answer.matches, answer.sequence]),
    ...{ byId, pages, ordered, records, first: first5.matches },
    fetched: await collection.fetch({ ids: [...ids, 'r0'], include }),
    hidden: await collection.fetch({ ids, includeDeleted: true, include: [] }),
    counts: [
      await collection.count(),
      await collection.count({ filter }),
      await collection.count({ filter, includeDeleted: true }),
      await collection.count({ includeDeleted: true }),
      await collection.count({ facets: { n: 3 } }),
      await collection.count({ facets: { n: 10, m: 1 }, filter, includeDeleted: true }),
    ],
    scan: await collection.scan({ limit: 1_000, includeDeleted: true }),
    described: (await collection.describe()).count,
  };
}

test.each(METRICS)('a folded collection answers as one that is not (%s)', async (metric) => {
  for (const seed of [1, 2]) {
    const plain = await newTwin(metric);
    const folded = await newTwin(metric);
    const next = numbers(seed * 100 + METRICS.indexOf(metric));
    let foldedAt = 0;
    for (let step = 0; step < 14; step++) {
      const writeSeed = next() * 1e9;
      for (const { bench, collection } of [plain, folded]) {
        const own = numbers(writeSeed);
        bench.clock.advance(5_000);
        for (let i = 0; i < 4; i++) await write(collection, own, bench.clock.wallMs());
      }
      if (step % 3 === 2) {
        const { store, clock } = folded.bench;
        await fold({ store, clock, parts: 1 + (step % 2), graph: seed === 2 });
        foldedAt = (await plain.collection.count()).sequence;
      }
      const readSeed = next() * 1e9;
      const expected = await answers(plain.collection, numbers(readSeed), foldedAt);
      expect(
        await answers(folded.collection, numbers(readSeed), foldedAt),
        `seed ${seed}, step ${step}`,
      ).toEqual(expected);
    }
    // A process that begins cold sees the same.
    const cold = await folded.bench.openAgain();
    const readSeed = next() * 1e9;
    expect(await answers(cold.collection('c'), numbers(readSeed), foldedAt)).toEqual(
      await answers(plain.collection, numbers(readSeed), foldedAt),
    );
    expect((await cold.collection('c').stats()).segments.length).toBeGreaterThan(1);
    await Promise.all([cold.close(), plain.db.close(), folded.db.close()]);
  }
});
