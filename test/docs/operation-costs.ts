/**
 * What each operation asks of a store, counted by the accounting wrapper next to the store itself: below retries and
 * below everything the engine shares. Clock, chance and input are fixed, so the bytes are the same in every run.
 */
import type { Collection, Database } from '../../core/index.js';
import { accountingStore, memoryStore, usageBetween } from '../../core/store/index.js';
import type { AccountingStore, StoreUsage } from '../../core/store/index.js';
import { FixedWorld } from './fixed-world.js';

export interface OperationCost {
  readonly operation: string;
  readonly usage: StoreUsage;
}

const dimension = 256;
const batchRows = 100;
const settings = { dimension, metric: 'cosine' } as const;

/** Two processes on one store: `ours` is measured, `theirs` is the other one. */
class Bench {
  readonly costs: OperationCost[] = [];
  readonly #world = new FixedWorld();
  readonly #store: AccountingStore = accountingStore(memoryStore({ clock: this.#world.clock }));

  database(): Promise<Database> {
    return this.#world.process(this.#store);
  }

  async measure(operation: string, run: () => Promise<unknown>): Promise<void> {
    const before = this.#store.snapshot();
    await run();
    this.costs.push({ operation, usage: usageBetween(before, this.#store.snapshot()) });
  }

  /** For operations that share a row: each is run, and all must cost the same. Bytes sent may differ. */
  async measureAlike(operation: string, runs: readonly (() => Promise<unknown>)[]): Promise<void> {
    const first = this.costs.length;
    for (const run of runs) await this.measure(operation, run);
    const [shared, ...others] = this.costs.splice(first).map(({ usage }) => usage);
    const shape = ({ outcomes, roundTrips }: StoreUsage): string => JSON.stringify([outcomes, roundTrips]);
    if (others.some((other) => shape(other) !== shape(shared!)))
      throw new Error(`${operation} differ in cost`);
    this.costs.push({ operation, usage: shared! });
  }

  now(): string {
    return this.#world.now();
  }

  close(): Promise<void> {
    return this.#world.close();
  }
}

function batch(name: string, rows = batchRows): Parameters<Collection['upsert']>[0] {
  return Array.from({ length: rows }, (_, row) => ({
    id: `${name}-${String(row).padStart(6, '0')}`,
    vector: Float32Array.from({ length: dimension }, (_value, i) => ((row + i) % 7) + 1),
    metadata: { year: 2020 + (row % 5) },
  }));
}

/** In the order of the table in ARCHITECTURE.md. */
export async function measureOperations(): Promise<readonly OperationCost[]> {
  const bench = new Bench();
  const [ours, theirs] = [await bench.database(), await bench.database()];
  const papers = ours.collection('papers');
  await bench.measure('create a collection', () => ours.createCollection('papers', settings));
  await bench.measure('create it again', () => ours.createCollection('papers', settings));
  await bench.measure('first write', () => papers.upsert(batch('a')));
  await measureWrites(bench, papers, theirs.collection('papers'));
  await measureReads(bench, papers, theirs.collection('papers'));
  const cold = (await bench.database()).collection('papers');
  await bench.measure('query, cold, 11 slots', () => cold.query({ id: 'a-000000' }));
  await bench.measure('scrub one collection, 11 slots', () => ours.scrub({ collection: 'papers' }));
  await bench.measure('write of 10 MiB', () => papers.upsert(batch('large', 10_000)));
  await bench.measure('list one collection', () => ours.listCollections());
  await bench.measure('drop', () => ours.dropCollection('papers'));
  await bench.measure('collect what one drop left', () => ours.collect());
  await measurePast(bench, ours);
  await bench.close();
  return bench.costs;
}

async function measureWrites(bench: Bench, ours: Collection, theirs: Collection): Promise<void> {
  const write = () => ours.upsert(batch('b'), { idempotencyKey: 'once' });
  await bench.measure('write, uncontended', write);
  await bench.measure('the same write again, same key', write);
  await bench.measureAlike('patch, delete, restore', [
    () => ours.patch({ records: [{ id: 'a-000000', metadata: { year: 2030 } }] }),
    () => ours.delete({ ids: ['a-000001'] }),
    () => ours.delete({ filter: { year: 2023 }, soft: true }),
    () => ours.restore({ ids: ['a-000003'] }),
  ]);
  await bench.measure('10 writes at once in one process', () =>
    Promise.all(Array.from({ length: 10 }, (_, i) => ours.upsert(batch(`c${i}`, 10)))),
  );
  await theirs.upsert(batch('d'));
  await bench.measure('write, one lost race', () => ours.upsert(batch('e')));
}

async function measureReads(bench: Bench, ours: Collection, theirs: Collection): Promise<void> {
  await bench.measure('query, warm, strong', () => ours.query({ id: 'a-000000' }));
  await bench.measure('query, warm, eventual', () => ours.query({ id: 'a-000000', consistency: 'eventual' }));
  await bench.measureAlike('fetch, count, scan, stats, recall', [
    () => ours.fetch({ ids: ['a-000000'] }),
    () => ours.count(),
    () => ours.count({ facets: { year: 3 } }),
    () => ours.scan(),
    () => ours.scan({ orderBy: [{ field: 'year' }] }),
    () => ours.stats(),
    () => ours.recall(),
  ]);
  await theirs.upsert(batch('f'));
  await bench.measure('query after a write elsewhere', () => ours.query({ id: 'f-000000' }));
}

/** Of a collection of one segment and one slot; then both are folded, and the state before is the past. */
async function measurePast(bench: Bench, ours: Database): Promise<void> {
  const notes = await ours.createCollection('notes', settings);
  await notes.upsert(batch('a'));
  await notes.compact();
  const { sequence } = await notes.upsert(batch('b'));
  const then = bench.now();
  await bench.measure('snapshot', () => notes.createSnapshot({ name: 'kept' }));
  await bench.measure('branch of 1 segment and 1 slot', () => notes.branch('other'));
  await notes.upsert(batch('c'));
  await notes.compact();
  await bench.measure('count as of a folded state', () => notes.count({ asOf: sequence }));
  await bench.measure('count as of a time', () => notes.count({ asOf: then }));
  await bench.measure('restore in place', () => notes.restoreTo({ snapshot: 'kept' }));
}
