/**
 * Strategy: collections of every quantization through a life: folded, merged by copying a graph and by making one, snapshots, branches
 * and states of before read again, checked by scrub, streamed where there is no room. What is asked for exactly is the same in all of
 * them, record by record; what is asked for at a recall reaches it, with filters and without. Segments of before, whatever
 * their collection asks for, are sq8: they are searched, and what is made of them is coded as asked.
 */
import { describe, expect, test } from 'vitest';
import type { Collection, CollectionSettings } from '../../core/index.js';
import type { Metric } from '../../core/kernel/index.js';
import { clustered, rowOf } from '../index/fixture.js';
import { newBench } from './fixture.js';
import type { Bench } from './fixture.js';
import { fold } from './segments/fixture.js';

const DIMENSION = 48;
const QUERIES = 40;
/** What is asked for is more than that: of 400 neighbours a few may be missed by chance. */
const TARGET = 0.95;
const rows = clustered(4_400, DIMENSION, 3);
const asked = clustered(QUERIES, DIMENSION, 3).map((value, i) => value + 0.05 * Math.sin(i));

type Quantization = NonNullable<CollectionSettings['quantization']>;
const cases: readonly (readonly [Quantization, Metric])[] = [
  ['none', 'cosine'],
  ['none', 'euclidean'],
  ['none', 'dot'],
  ['none', 'manhattan'],
  ['rabitq', 'cosine'],
  ['rabitq', 'euclidean'],
  ['rabitq', 'dot'],
  [{ type: 'rabitq', bits: 2 }, 'cosine'],
  [{ type: 'rabitq', bits: 4 }, 'euclidean'],
  ['pq', 'cosine'],
  [{ type: 'pq', compression: 8 }, 'euclidean'],
  [{ type: 'pq', compression: 32 }, 'dot'],
  ['pq', 'manhattan'],
];

async function put(c: Collection, first: number, count: number): Promise<void> {
  const ids = Array.from({ length: count }, (_, i) => `r${first + i}`);
  const vectors = rows.subarray(first * DIMENSION, (first + count) * DIMENSION);
  await c.upsert({ ids, vectors, metadata: ids.map((_, i) => ({ n: (first + i) % 10 })) });
}

interface Wanted {
  readonly targetRecall: number;
  readonly filter?: string;
}

/** The share of the ten nearest that is found; scores are those of the exact answer. */
async function recallOf(c: Collection, { targetRecall, filter }: Wanted): Promise<number> {
  let found = 0;
  const options = { k: 10, include: [], ...(filter === undefined ? {} : { filter }) };
  for (let q = 0; q < QUERIES; q++) {
    const vector = rowOf(asked, DIMENSION, q);
    const truth = await c.query({ vector, exact: true, ...options });
    const { matches } = await c.query({ vector, targetRecall, ...options });
    expect(matches).toHaveLength(10);
    const scores = new Map(truth.matches.map(({ id, score }) => [id, score]));
    for (const { id, score } of matches) {
      if (!scores.has(id)) continue;
      expect(score).toBe(scores.get(id));
      found++;
    }
  }
  return found / (10 * QUERIES);
}

async function mustReachTargets(c: Collection): Promise<void> {
  for (const filter of [undefined, 'n = 3', 'n != 3', 'n < 4'])
    expect(await recallOf(c, { targetRecall: 0.97, ...(filter && { filter }) })).toBeGreaterThan(TARGET);
}

async function scanned(c: Collection, asOf?: number): Promise<unknown> {
  const { records } = await c.scan({ limit: 10_000, include: ['vector', 'metadata'], ...(asOf && { asOf }) });
  return records;
}

async function made(bench: Bench, settings: Partial<CollectionSettings>): Promise<Collection> {
  const db = await bench.openAgain();
  return await db.createCollection('c', { dimension: DIMENSION, ...settings });
}

describe.each(cases)('%j under %s', (quantization, metric) => {
  test('answers at the recall that is asked for, through merges, copies and streams', async () => {
    const bench = newBench();
    const c = await made(bench, { metric, quantization });
    await put(c, 0, 2_600);
    await c.compact();
    await mustReachTargets(c);
    await c.createSnapshot({ name: 'first' });
    const { sequence } = await c.describe();
    const before = await scanned(c);
    // Few: the graph is copied, and what was measured of it stays.
    await put(c, 2_600, 200);
    await c.delete({ ids: Array.from({ length: 100 }, (_, i) => `r${i * 7}`) });
    await c.compact();
    await mustReachTargets(c);
    // Many: what is measured is measured anew.
    await put(c, 2_800, 1_600);
    await c.compact();
    const { segments } = await c.stats();
    expect(segments.map(({ graph }) => graph)).toContain(true);
    await mustReachTargets(c);
    expect(await scanned(c, sequence)).toEqual(before);
    await c.branch('other', { asOf: sequence });
    const other = await bench.openAgain();
    const branch = other.collection('other');
    expect(await scanned(branch)).toEqual(before);
    expect(await recallOf(branch, { targetRecall: 0.97 })).toBeGreaterThan(TARGET);
    expect(await other.scrub()).toMatchObject({ errorsTotal: 0, noticesTotal: 0 });
    await other.close();
    const small = await bench.openAgain({ memoryBudgetBytes: 2_000_000 });
    expect(await recallOf(small.collection('c'), { targetRecall: 0.97 })).toBeGreaterThan(TARGET);
    await small.close();
  });
});

/** One of each coding: which metric it is for makes no difference to what is taken over. */
const codings = [...new Map(cases.map((each) => [JSON.stringify(each[0]), each])).values()];

test.each(codings)(
  '%j under %s takes over segments of before, which are sq8',
  async (quantization, metric) => {
    const bench = newBench();
    const c = await made(bench, { metric, quantization });
    await put(c, 0, 2_400);
    await fold({ ...bench, graph: true });
    expect(await recallOf(c, { targetRecall: 0.97 })).toBeGreaterThan(TARGET);
    const old = (await c.stats()).segments[0]!;
    await put(c, 2_400, 2_000);
    await c.compact();
    const { segments } = await c.stats();
    expect(segments).toHaveLength(1);
    const bytesOfRow = ({ residentBytes, rows: count }: typeof old): number => residentBytes / count;
    expect(Math.abs(bytesOfRow(segments[0]!) - bytesOfRow(old))).toBeGreaterThan(4);
    await mustReachTargets(c);
  },
);

test.each([
  ['sq8', 'ivf'] as const,
  ['rabitq', 'auto'] as const,
  [{ type: 'rabitq', bits: 4 }, 'auto'] as const,
])('%j, index %s: products reach it by queries of any length', async (quantization, index) => {
  const bench = newBench();
  const c = await made(bench, { metric: 'dot', quantization });
  await put(c, 0, 4_400);
  await c.compact();
  for (const length of [1, 100, 0.01, 1e-6]) {
    let found = 0;
    for (let q = 0; q < QUERIES; q++) {
      const vector = rowOf(asked, DIMENSION, q).map((value) => value * length);
      const truth = await c.query({ vector, k: 10, include: [], exact: true });
      const { matches } = await c.query({ vector, k: 10, include: [], targetRecall: 0.97, index });
      const ids = new Set(truth.matches.map(({ id }) => id));
      found += matches.filter(({ id }) => ids.has(id)).length;
    }
    expect(found / (10 * QUERIES)).toBeGreaterThan(TARGET);
  }
});
