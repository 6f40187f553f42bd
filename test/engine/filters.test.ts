/**
 * Strategy: random filters over random documents through the collection's own interface, against the naive evaluator over a
 * Map: in the log, in one segment, in several, with rows replaced, deleted and soft-deleted, and after a merge. Whatever
 * answers a filter (the memtable, columns, or documents where columns leave rows open), count, scan and query name the same
 * records. FILTERS=10000 asks so many; by default few are.
 */
import fc from 'fast-check';
import { test } from 'vitest';
import type { Collection, JsonObject } from '../../core/index.js';
import { compileFilter, filterToText } from '../../core/filter/index.js';
import type { Filter } from '../../core/filter/index.js';
import { documentArbitrary, filterArbitrary } from '../filter/arbitraries.js';
import { longTextFilterArbitrary, longTexts } from '../filter/long-texts.js';
import { mustEqual, newBench } from './fixture.js';

const FILTERS_PER_RUN = 25;
const filtersAsked = Number(process.env['FILTERS'] ?? 250);

const metadata: fc.Arbitrary<JsonObject> = fc.oneof(
  {
    weight: 3,
    // No record may have such a field.
    arbitrary: documentArbitrary.filter((document) => !JSON.stringify(document).includes('"__proto__"')),
  },
  {
    weight: 1,
    arbitrary: fc.record(
      { a: fc.constantFrom(...longTexts), b: fc.array(fc.constantFrom(...longTexts), { maxLength: 3 }) },
      { requiredKeys: [] },
    ),
  },
) as fc.Arbitrary<JsonObject>;
const filter = fc.oneof(
  { weight: 4, arbitrary: filterArbitrary },
  { weight: 1, arbitrary: longTextFilterArbitrary },
);

interface Known {
  readonly document: JsonObject;
  readonly hidden: boolean;
}

class Model {
  readonly records = new Map<string, Known>();
  readonly #collection: Collection;

  constructor(collection: Collection) {
    this.#collection = collection;
  }

  async upsert(first: number, documents: readonly JsonObject[]): Promise<void> {
    const records = documents.map((document, i) => ({
      id: `r${String(first + i).padStart(3, '0')}`,
      vector: [first + i, 1],
      metadata: document,
    }));
    await this.#collection.upsert(records);
    records.forEach(({ id, metadata: document }) => this.records.set(id, { document, hidden: false }));
  }

  async remove(every: number, soft: boolean): Promise<void> {
    const ids = [...this.records.keys()].filter((_, i) => i % every === 1);
    if (ids.length === 0) return;
    await this.#collection.delete({ ids, soft });
    for (const id of ids) {
      const { document } = this.records.get(id)!;
      if (soft) this.records.set(id, { document, hidden: true });
      else this.records.delete(id);
    }
  }

  async mustAnswer(asked: Filter, includeDeleted: boolean): Promise<void> {
    const matches = compileFilter(asked);
    const wanted = [...this.records]
      .filter(([, { document, hidden }]) => (includeDeleted || !hidden) && matches(document))
      .map(([id]) => id)
      .sort();
    const options = { filter: filterToText(asked), includeDeleted };
    const collection = this.#collection;
    const { records } = await collection.scan({ ...options, limit: 1_000, include: [] });
    mustEqual(
      records.map(({ id }) => id),
      wanted,
    );
    mustEqual((await collection.count(options)).count, wanted.length);
    const query = { ...options, vector: [0, 1], k: 1_000, include: [] };
    const { matches: found } = await collection.query(query);
    mustEqual(found.map(({ id }) => id).sort(), wanted);
  }
}

test('filters mean the same wherever records lie', { timeout: 3_600_000 }, async () => {
  const documents = fc.array(metadata, { minLength: 1, maxLength: 40 });
  const filters = fc.array(filter, { minLength: FILTERS_PER_RUN, maxLength: FILTERS_PER_RUN });
  await fc.assert(
    fc.asyncProperty(documents, documents, filters, fc.boolean(), async (first, second, asked, withheld) => {
      const db = await newBench().openAgain();
      const fields = { b: { filterable: !withheld } };
      const collection = await db.createCollection('c', { dimension: 2, metric: 'euclidean', fields });
      const model = new Model(collection);
      const check = async (): Promise<void> => {
        for (const [i, one] of asked.entries()) await model.mustAnswer(one, i % 4 === 0);
      };
      await model.upsert(0, first);
      await check();
      await collection.compact();
      await check();
      // Half of them replace what is in the segment.
      await model.upsert(Math.floor(first.length / 2), second);
      await check();
      await collection.compact({ minor: true });
      await check();
      await model.remove(5, false);
      await model.remove(4, true);
      await check();
      await collection.compact();
      await check();
      await db.close();
    }),
    { numRuns: Math.ceil(filtersAsked / FILTERS_PER_RUN) },
  );
});
