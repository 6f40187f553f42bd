/** Reads of a collection of one segment and a few slots, in processes that know it and in processes that know nothing. */
import type { Collection } from '../../../core/index.js';
import { count, newSite, RecordSource } from './scenario.js';
import type { Scenario, Site } from './scenario.js';

const READ_ROWS = 10_000;
const READ_DIMENSION = 256;
const READ_SLOTS = 10;
const QUERIES = 200;
const BATCH = 100;

export interface ReadSite extends Site {
  readonly records: RecordSource;
}

/** A segment, and slots of 10 records over it. Nothing is left to collect. */
export async function newReadSite(): Promise<ReadSite> {
  const site = newSite();
  const records = new RecordSource(READ_DIMENSION);
  const database = await site.world.process(site.bucket);
  const papers = await database.createCollection('papers', { dimension: READ_DIMENSION });
  for (let row = 0; row < READ_ROWS; row += 1_000) await papers.upsert(records.records(1_000));
  await papers.compact();
  for (let slot = 0; slot < READ_SLOTS; slot++) await papers.upsert(records.records(10));
  await database.maintain();
  return { ...site, records };
}

async function coldCollection({ world, bucket }: Site): Promise<Collection> {
  return (await world.process(bucket)).collection('papers');
}

export async function countReads(site: ReadSite): Promise<readonly Scenario[]> {
  const queries = Array.from({ length: QUERIES }, () => site.records.vector());
  const each = async (query: (vector: Float32Array) => Promise<unknown>): Promise<void> => {
    for (const vector of queries) await query(vector);
  };
  const tested = await count(
    site,
    { name: 'first query of a process, with the test of the bucket', times: 1 },
    async () => {
      await site.bucket.selfTest();
      return (await coldCollection(site)).query({ vector: queries[0]! });
    },
  );
  const papers = await coldCollection(site);
  const first = await count(site, { name: 'first query of a process, without', times: 1 }, () =>
    papers.query({ vector: queries[0]! }),
  );
  const strong = (vector: Float32Array): Promise<unknown> => papers.query({ vector });
  const next = await count(site, { name: `the next ${QUERIES} queries, strong`, times: QUERIES }, () =>
    each(strong),
  );
  const warm = await count(site, { name: 'query, warm, strong', times: QUERIES }, () => each(strong));
  return [tested, first, next, warm, ...(await countWarm(site, papers, queries))];
}

async function countWarm(
  site: ReadSite,
  papers: Collection,
  queries: readonly Float32Array[],
): Promise<readonly Scenario[]> {
  const batch = queries.slice(0, BATCH).map((vector) => ({ vector }));
  const fetched = { ids: ['document-000000001'] };
  await papers.fetch(fetched);
  const scenarios = [
    await count(site, { name: `query, warm, strong, ${BATCH} in one call`, times: BATCH }, () =>
      papers.queryMany(batch),
    ),
    await count(site, { name: 'query, warm, eventual, one a second', times: QUERIES }, async () => {
      for (const vector of queries) {
        await papers.query({ vector, consistency: 'eventual' });
        site.world.pass(1_000);
      }
    }),
    await count(site, { name: 'fetch or count, warm, strong', times: 2 }, async () => {
      await papers.fetch(fetched);
      await papers.count();
    }),
  ];
  const elsewhere = await coldCollection(site);
  await elsewhere.count();
  await elsewhere.upsert(site.records.records(10));
  const behind = await count(site, { name: 'query after a write elsewhere', times: 1 }, () =>
    papers.query({ vector: queries[0]! }),
  );
  return [...scenarios, behind];
}
