/**
 * Strategy: real data and generated, folded by real compactions, asked by handlers that hold nothing. What a probe of the nearest leaves
 * answers must keep the target, under filters, deletions and newer writes too, in three waves of reads, and must be what a scan answers
 * where all leaves are probed. When an index is read after all is counted in requests, never in time.
 */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import type {
  Collection,
  Database,
  Match,
  OpenOptions,
  QueryInput,
  QueryResult,
  SegmentExplanation,
} from '../../../core/index.js';
import { composeDatabase } from '../../../core/compose.js';
import { LeafScan } from '../../../core/index/index.js';
import { compileEmbeddedKernel } from '../../../core/kernel/index.js';
import { portableDeflate } from '../../../core/segment/index.js';
import { systemClock, systemRandom, systemSleep } from '../../../core/system-ports.js';
import { clustered, rowOf } from '../../index/fixture.js';
import { numberSource } from '../../kernel/number-source.js';
import { failure, newBench, seededRandom, storeOver } from '../fixture.js';
import type { Bench } from '../fixture.js';
import { inWaves } from './waves.js';

const MiB = 1024 * 1024;
const EDGE: OpenOptions = {
  tier: 'edge',
  memoryBudgetBytes: 96 * MiB,
  shareRequests: false,
  background: false,
};

/** Which rows are asked to calibrate is not left to chance: a sample may be too small to promise anything. */
const builder = (): OpenOptions => ({
  ...{ tier: 'server', memoryBudgetBytes: 512 * MiB },
  random: seededRandom(7),
});

interface Filling {
  readonly dimension: number;
  readonly metric: 'cosine' | 'euclidean' | 'dot' | 'manhattan';
  readonly vectors: Float32Array;
}

/** Record i has the id r{i} and the number i % 100; of what is written first, the last tenth is written in a segment of its own. */
async function fill(bench: Bench, { dimension, metric, vectors }: Filling): Promise<void> {
  const db = await bench.openAgain(builder());
  const c = await db.createCollection('c', { dimension, metric });
  const rows = vectors.length / dimension;
  for (let at = 0; at < rows; at += 8_000) {
    const part = vectors.subarray(at * dimension, (at + 8_000) * dimension);
    const ids = Array.from({ length: part.length / dimension }, (_, i) => `r${at + i}`);
    await c.upsert({ ids, vectors: part, metadata: ids.map((_, i) => ({ n: (at + i) % 100 })) });
  }
  await c.compact();
  await db.close();
}

async function segmentOf(c: Collection, asked: QueryInput): Promise<SegmentExplanation> {
  const { explain } = await c.explain(asked);
  return explain.segments[0]!;
}

type Truth = readonly Match[];

/** The nearest records of each query. */
async function truthOf(
  c: Collection,
  queries: readonly Float32Array[],
  asked: QueryInput,
): Promise<readonly Truth[]> {
  const { targetRecall: _, index: __, ...rest } = asked;
  const truth: Truth[] = [];
  for (const vector of queries)
    truth.push((await c.query({ ...rest, vector, exact: true, include: [] })).matches);
  return truth;
}

async function recallOf(
  c: Collection,
  queries: readonly Float32Array[],
  asked: QueryInput,
  known?: readonly Truth[],
): Promise<number> {
  const { k = 10 } = asked;
  let found = 0;
  let wanted = 0;
  const truths = known ?? (await truthOf(c, queries, asked));
  for (const [q, vector] of queries.entries()) {
    const truth = truths[q]!;
    const { matches } = await c.query({ ...asked, vector, include: [] });
    const scores = new Map(truth.map(({ id, score }) => [id, score]));
    for (const { id, score } of matches) if (scores.has(id)) expect(score).toBe(scores.get(id));
    found += matches.filter(({ id }) => scores.has(id)).length;
    wanted += Math.min(k, truth.length);
    expect(matches.length).toBe(truth.length);
  }
  return found / wanted;
}

const folder = process.env['CAIRN_DATA'] ?? new URL('../../../../shared/data', import.meta.url).pathname;
const hasData = existsSync(`${folder}/arxiv-20k/base-lsa256.f32.gz`);
const floatsIn = (name: string): Float32Array =>
  new Float32Array(Uint8Array.from(gunzipSync(readFileSync(`${folder}/${name}.gz`))).buffer);
const bytesIn = (name: string): Float32Array =>
  Float32Array.from(gunzipSync(readFileSync(`${folder}/${name}.gz`)));

describe.runIf(hasData).each([
  [
    'arXiv',
    'cosine',
    256,
    (): Float32Array => floatsIn('arxiv-20k/base-lsa256.f32'),
    'arxiv-20k/query-lsa256.f32',
  ],
  [
    'Fashion-MNIST',
    'euclidean',
    784,
    (): Float32Array => bytesIn('fashion-mnist/train.u8').subarray(0, 20_000 * 784),
    'fashion-mnist/test-1000.u8',
  ],
] as const)('%s', (name, metric, dimension, read, asked) => {
  const bench = newBench();
  const queries: Float32Array[] = [];
  let truth: readonly Truth[];
  beforeAll(async () => {
    await fill(bench, { dimension, metric, vectors: read() });
    const all = name === 'arXiv' ? floatsIn(asked) : bytesIn(asked);
    for (let q = 0; q < 60; q++) queries.push(all.subarray(q * dimension, (q + 1) * dimension));
    const db = await bench.openAgain(EDGE);
    truth = await truthOf(db.collection('c'), queries, {});
    await db.close();
  }, 300_000);

  test.each([0.9, 0.95, 0.99])('probes keep a target of %d', { timeout: 300_000 }, async (targetRecall) => {
    const db = await bench.openAgain(EDGE);
    const c = db.collection('c');
    const probed = await segmentOf(c, { vector: queries[0]!, targetRecall, index: 'ivf' });
    expect(probed.plan).toBe('probe');
    expect(probed.leaves).toBeGreaterThan(0);
    // Of 60 queries a share of a hundredth says nothing.
    const recall = await recallOf(c, queries, { targetRecall, index: 'ivf' }, truth);
    expect(recall).toBeGreaterThan(targetRecall - 0.01);
    await db.close();
  });

  test.each([50, 5])(
    'probes keep it of the %d %% that a filter lets by',
    { timeout: 300_000 },
    async (percent) => {
      const db = await bench.openAgain(EDGE);
      const c = db.collection('c');
      const filtered = { filter: `n < ${percent}`, index: 'ivf' } as const;
      const { plan, leaves } = await segmentOf(c, { vector: queries[0]!, ...filtered });
      expect(plan).toBe('probe');
      const all = await segmentOf(c, { vector: queries[0]!, index: 'ivf' });
      expect(leaves).toBeGreaterThan(all.leaves!);
      expect(await recallOf(c, queries.slice(0, 30), filtered)).toBeGreaterThan(0.94);
      await db.close();
    },
  );
});

const DIMENSION = 64;
const ROWS = 24_000;
/** More than is read at once whatever a probe takes. */
const generated = clustered(ROWS, DIMENSION, 3);
/** Enough leaves to choose from, where it does not matter how much is read. */
const FEWER_ROWS = 8_000;
const vectorOf = (row: number): Float32Array => generated.slice(row * DIMENSION, (row + 1) * DIMENSION);

describe('generated rows', () => {
  const bench = newBench();
  beforeAll(() => fill(bench, { dimension: DIMENSION, metric: 'euclidean', vectors: generated }), 120_000);

  async function opened<T>(
    options: OpenOptions,
    use: (c: Collection, db: Database) => Promise<T>,
  ): Promise<T> {
    const db = await bench.openAgain({ ...EDGE, ...options });
    try {
      return await use(db.collection('c'), db);
    } finally {
      await db.close();
    }
  }

  test('are probed where no index is in memory, in two waves after the head', async () => {
    const { store, waves } = inWaves(bench.store);
    const db = await bench.openAgain({ ...EDGE, store });
    const { matches, usage, explain } = await db
      .collection('c')
      .query({ vector: vectorOf(77), include: [], explain: true });
    expect(matches[0]).toMatchObject({ id: 'r77', score: 0 });
    expect(explain?.segments[0]).toMatchObject({ plan: 'probe' });
    expect(usage.rowsScanned).toBeLessThan(ROWS / 2);
    const ofSegment = waves.filter(({ key }) => key.endsWith('.seg'));
    // Leaves, then rows: the tail came with the head.
    expect(new Set(ofSegment.map(({ wave }) => wave)).size).toBe(2);
    // Far less than the codes of all rows.
    expect(ofSegment.reduce((sum, { range }) => sum + range.length, 0)).toBeLessThan(ROWS * DIMENSION);
    expect(ofSegment.length).toBeLessThanOrEqual(6 + 6);
    expect((await db.collection('c').stats()).segments[0]!.loaded).toBe(false);
    await db.close();
  });

  test.each(['edge', 'server'] as const)('are read while the log is still listed, once: %s', async (tier) => {
    const asked: string[] = [];
    let ask = (): void => {};
    const leavesAsked = new Promise<void>((resolve) => (ask = resolve));
    const store = storeOver(bench.store, {
      list: async (prefix, options) => {
        // With this it waits for ever where leaves wait for it.
        if (prefix.endsWith('/log/')) await leavesAsked;
        return await bench.store.list(prefix, options);
      },
      get: async (key, options) => {
        if (key.endsWith('.seg')) {
          asked.push(`${options?.range?.offset} ${options?.range?.length}`);
          ask();
        }
        return await bench.store.get(key, options);
      },
    });
    const shared = tier === 'server' ? { shareRequests: true, background: true } : {};
    const db = await bench.openAgain({ ...EDGE, ...shared, tier, store });
    const query: QueryInput = { vector: vectorOf(77), include: [], explain: true };
    const { matches, explain } = await db.collection('c').query(query);
    expect(explain?.segments[0]).toMatchObject({ plan: 'probe' });
    expect(new Set(asked).size).toBe(asked.length);
    await db.close();
    await opened({}, async (c) => {
      expect((await c.query(query)).matches).toEqual(matches);
    });
  });

  test('are answered as a scan does where all leaves are probed', () =>
    opened({}, async (c) => {
      const k = 3_000;
      for (const row of [3, 9_000]) {
        const asked = { vector: vectorOf(row), k, include: [], targetRecall: 0.95 };
        const probed = await c.query({ ...asked, index: 'ivf', explain: true });
        const scanned = await c.query({ ...asked, index: 'flat', explain: true });
        expect(probed.explain?.segments[0]?.plan).toBe('probe');
        expect(scanned.explain?.segments[0]?.plan).toBe('scan');
        expect(probed.matches.slice(0, 500)).toEqual(scanned.matches.slice(0, 500));
      }
    }));

  test('are walked by hnsw, scanned by flat, probed by ivf, whatever is in memory', () =>
    opened({}, async (c) => {
      const vector = vectorOf(5);
      for (let round = 0; round < 2; round++) {
        expect(await segmentOf(c, { vector, index: 'ivf' })).toMatchObject({ plan: 'probe' });
        expect(await segmentOf(c, { vector, index: 'hnsw' })).toMatchObject({ plan: 'walk' });
        expect(await segmentOf(c, { vector, index: 'flat' })).toMatchObject({ plan: 'scan' });
      }
      expect(await segmentOf(c, { vector })).toMatchObject({ plan: 'walk' });
    }));

  test('are read into memory once probes have read as much', () =>
    opened({}, async (c) => {
      const plans: string[] = [];
      for (let i = 0; i < 40; i++) plans.push((await segmentOf(c, { vector: vectorOf(600 * i) })).plan);
      const walked = plans.indexOf('walk');
      expect(walked).toBeGreaterThan(1);
      expect(new Set(plans.slice(0, walked))).toEqual(new Set(['probe']));
      expect(new Set(plans.slice(walked))).toEqual(new Set(['walk']));
    }));

  test('are read into memory beside the queries where the host goes on after an answer', () =>
    opened({ shareRequests: true, background: true }, async (c) => {
      expect(await segmentOf(c, { vector: vectorOf(1) })).toMatchObject({ plan: 'probe' });
      await expect.poll(async () => (await c.stats()).segments[0]!.loaded).toBe(true);
      expect(await segmentOf(c, { vector: vectorOf(2) })).toMatchObject({ plan: 'walk' });
    }));

  test('are read into memory after the answer where a host can be told to wait for that', async () => {
    const waiting: Promise<void>[] = [];
    const db = composeDatabase({
      ...{ store: bench.store, identity: 'probes', deflate: portableDeflate, sha256: undefined },
      ports: { clock: systemClock, random: systemRandom, sleep: systemSleep },
      kernelModule: await compileEmbeddedKernel(),
      ...{ memoryBudgetBytes: 96 * MiB, tier: 'edge', hedgeReads: false },
      ...{ shareRequests: false, background: false, waitUntil: (call) => waiting.push(call) },
    });
    const c = db.collection('c');
    const { plan } = await segmentOf(c, { vector: vectorOf(1) });
    expect(plan).toBe('probe');
    // Beside the calls of the store, which are waited for one by one.
    while (waiting.length > 0) await waiting.shift();
    expect((await c.stats()).segments[0]!.loaded).toBe(true);
    await db.close();
  });

  test('are closed in the middle of that', async () => {
    const db = await bench.openAgain({ ...EDGE, shareRequests: true, background: true });
    const { arenaBytes } = db.memoryUsage();
    await db.collection('c').query({ vector: vectorOf(1) });
    await db.close();
    expect(db.memoryUsage()).toMatchObject({ arenaBytes, tailBytes: 0 });
  });

  test('are probed for good where there is no room for the index', () =>
    opened({ memoryBudgetBytes: 4 * MiB }, async (c, db) => {
      for (let i = 0; i < 30; i++) {
        expect(await segmentOf(c, { vector: vectorOf(700 * i) })).toMatchObject({ plan: 'probe' });
      }
      expect(db.memoryUsage().peakBytes).toBeLessThan(4 * MiB);
      // A target that no probe keeps.
      expect(await segmentOf(c, { vector: vectorOf(1), targetRecall: 0.99999 })).toMatchObject({
        plan: 'stream',
      });
    }));

  test('that are deleted, hidden or replaced are no answers, and those of the log are', () =>
    opened({}, async (c) => {
      const [vector, second] = [vectorOf(123), vectorOf(124)];
      const asked = { vector, k: 5, include: [], index: 'ivf' } as const;
      const before = await c.query(asked);
      expect(before.matches[0]!.id).toBe('r123');
      await c.delete({ ids: ['r123'] });
      await c.delete({ ids: [before.matches[1]!.id], soft: true });
      await c.upsert([
        { id: before.matches[2]!.id, vector: second },
        { id: 'late', vector },
      ]);
      const { matches } = await c.query(asked);
      expect(matches[0]).toMatchObject({ id: 'late', score: 0 });
      const gone = new Set(before.matches.slice(0, 3).map(({ id }) => id));
      expect(matches.some(({ id }) => gone.has(id))).toBe(false);
      expect((await c.query({ ...asked, asOf: before.sequence })).matches).toEqual(before.matches);
      const shown = await c.query({ ...asked, includeDeleted: true });
      expect(shown.matches.map(({ id }) => id)).toContain(before.matches[1]!.id);
      const others = Array.from({ length: 30 }, (_, i) => vectorOf(790 * i));
      expect(await recallOf(c, others, { index: 'ivf' })).toBeGreaterThan(0.94);
    }));

  test.each([
    [{ index: 'ifv' }, /index must be auto, hnsw, ivf, flat, got "ifv"/],
    [{ index: 'ivf', exact: true }, /exact compares every record/],
    [{ index: 'ivf', ef: 40 }, /ef is the width of a walk/],
  ])('refuse %j', (wrong, message) =>
    opened({}, async (c) => {
      const asked = { vector: vectorOf(1), ...wrong } as QueryInput;
      const error = await failure(() => c.query(asked), {
        kind: 'invalid',
        code: 'invalid_request',
        message,
      });
      expect(error.outcome).toBeUndefined();
    }),
  );
});

test(
  'a query is compared with the centroids of a segment once, though its leaves are planned before and after the log is read',
  { timeout: 60_000 },
  async () => {
    const bench = newBench();
    const vectors = generated.slice(0, FEWER_ROWS * DIMENSION);
    await fill(bench, { dimension: DIMENSION, metric: 'euclidean', vectors });
    const query = { vector: vectorOf(77), k: 300, index: 'ivf', include: [] } as const;
    const compared = vi.spyOn(LeafScan.prototype, 'centroidDistances');
    const asked = async (): Promise<QueryResult> => {
      const db = await bench.openAgain(EDGE);
      const c = db.collection('c');
      compared.mockClear();
      const answer = await c.query(query);
      expect(compared).toHaveBeenCalledTimes(1);
      // Of a collection that is open nothing is planned ahead: the same, by distances that were measured for this state.
      expect((await c.query(query)).matches).toEqual(answer.matches);
      expect(compared).toHaveBeenCalledTimes(2);
      await db.close();
      return answer;
    };
    const before = await asked();
    const nearest = new Set(before.matches.slice(0, 250).map(({ id }) => id));
    const db = await bench.openAgain(builder());
    await db.collection('c').delete({ ids: [...nearest] });
    await db.close();
    // The state has deletions that were not known when leaves were planned for it ahead.
    const after = await asked();
    expect(after.matches.length).toBe(300);
    expect(after.matches.some(({ id }) => nearest.has(id))).toBe(false);
    compared.mockRestore();
  },
);

test(
  'rows that are compared by sums of differences have no leaves, and are loaded',
  { timeout: 60_000 },
  async () => {
    const bench = newBench();
    const vectors = generated.slice(0, FEWER_ROWS * DIMENSION);
    await fill(bench, { dimension: DIMENSION, metric: 'manhattan', vectors });
    const db = await bench.openAgain(EDGE);
    expect(await segmentOf(db.collection('c'), { vector: vectorOf(1), index: 'ivf' })).toMatchObject({
      plan: 'walk',
    });
    await db.close();
  },
);

test.each([
  ['dot', 1],
  ['euclidean', 1e15],
  ['euclidean', 1e-17],
] as const)(
  'probes by %s of numbers of about %d keep the target',
  { timeout: 120_000 },
  async (metric, scale) => {
    const bench = newBench();
    const vectors = generated.slice(0, FEWER_ROWS * DIMENSION).map((value) => value * scale);
    await fill(bench, { dimension: DIMENSION, metric, vectors });
    const db = await bench.openAgain(EDGE);
    const c = db.collection('c');
    const queries = Array.from({ length: 20 }, (_, i) => rowOf(vectors, DIMENSION, 390 * i));
    expect(await segmentOf(c, { vector: queries[0]!, index: 'ivf' })).toMatchObject({ plan: 'probe' });
    expect(await recallOf(c, queries, { index: 'ivf' })).toBeGreaterThan(0.94);
    await db.close();
  },
);

/** Most rows lie in one cloud, the others by thirties far away from all else: whoever asks there is near few leaves. */
function thirties(count: number, dimension: number): Float32Array {
  const next = numberSource(11);
  const rows = new Float32Array(count * dimension);
  const inCloud = 0.9 * count;
  let centre = new Float32Array(dimension);
  for (let row = 0; row < count; row++) {
    if (row >= inCloud && row % 30 === 0)
      centre = Float32Array.from({ length: dimension }, () => 100 * next());
    const spread = row < inCloud ? 1 : 0.01;
    for (let d = 0; d < dimension; d++) rows[row * dimension + d] = centre[d]! + spread * next();
  }
  return rows;
}

test('probes answer k matches where the leaves in reach hold fewer rows', { timeout: 120_000 }, async () => {
  const bench = newBench();
  const [rows, dimension] = [5_000, 16];
  const vectors = thirties(rows, dimension);
  await fill(bench, { dimension, metric: 'euclidean', vectors });
  const db = await bench.openAgain(EDGE);
  const c = db.collection('c');
  for (const k of [50, 100]) {
    for (let row = rows - 1; row > 0.9 * rows; row -= 60) {
      const asked = { vector: rowOf(vectors, dimension, row), k, include: [], targetRecall: 0.5 };
      const { matches, explain } = await c.query({ ...asked, index: 'ivf', explain: true });
      expect(explain?.segments[0]?.plan).toBe('probe');
      expect(matches.length).toBe(k);
    }
  }
  await db.close();
});

/** Clusters of so few rows that of a tenth of all the nearest hundred lie in several; record i is of cluster i % 100. */
function clustersOfFew(count: number, dimension: number, seed: number): Float32Array {
  const next = numberSource(seed);
  const normal = (): number => next() + next() + next();
  const centres = Float32Array.from({ length: 100 * dimension }, normal);
  return Float32Array.from({ length: count * dimension }, (_, at) => {
    const cluster = Math.floor(at / dimension) % 100;
    return centres[cluster * dimension + (at % dimension)]! + normal();
  });
}

describe.each(['cosine', 'dot'] as const)('probes of clusters of few rows, by %s', (metric) => {
  const bench = newBench();
  const [rows, dimension] = [12_000, 96];
  const vectors = clustersOfFew(rows + 90, dimension, 5);
  const queries = Array.from({ length: 90 }, (_, q) => rowOf(vectors, dimension, rows + q));
  beforeAll(async () => {
    const db = await bench.openAgain(builder());
    const c = await db.createCollection('c', { dimension, metric });
    for (let at = 0; at < rows; at += 6_000) {
      const ids = Array.from({ length: 6_000 }, (_, i) => `r${at + i}`);
      const part = vectors.subarray(at * dimension, (at + 6_000) * dimension);
      const metadata = ids.map((_, i) => ({ any: Math.floor((at + i) / 100) % 10, cluster: (at + i) % 100 }));
      await c.upsert({ ids, vectors: part, metadata });
    }
    await c.compact();
    await db.close();
  }, 120_000);

  // Where no query is, which are of the clusters 0 to 89, leaves that are about as far away all may hold the nearest.
  test.each([
    ['any = 0', 1, 0.94],
    ['any = 0', 10, 0.94],
    ['any = 0', 100, 0.94],
    ['cluster >= 90', 1, 0.84],
    ['cluster >= 90', 10, 0.92],
    ['cluster >= 90', 100, 0.94],
  ])('find what they should where %s, of %d neighbours', { timeout: 60_000 }, async (filter, k, least) => {
    const db = await bench.openAgain(EDGE);
    const c = db.collection('c');
    const asked = { filter, k, index: 'ivf' } as const;
    expect((await segmentOf(c, { vector: queries[0]!, ...asked })).plan).toBe('probe');
    expect(await recallOf(c, queries, asked)).toBeGreaterThan(least);
    await db.close();
  });
});

/** Each too small to be merged with the one before. */
const SEVERAL: readonly number[] = [8_000, 3_000, 2_100];
const byFirst = Float32Array.from(
  Array.from({ length: 13_100 }, (_, row) => row)
    .sort((a, b) => generated[a * DIMENSION]! - generated[b * DIMENSION]!)
    .flatMap((row) => Array.from(vectorOf(row))),
);

test.each([
  ['by chance', generated],
  ['by likeness', byFirst],
] as const)(
  'several segments with rows dealt %s are probed in one wave, and of all candidates the nearest compared',
  { timeout: 120_000 },
  async (_, vectors) => {
    const bench = newBench();
    const db = await bench.openAgain(builder());
    const c = await db.createCollection('c', { dimension: DIMENSION, metric: 'euclidean' });
    let at = 0;
    for (const rows of SEVERAL) {
      for (const end = at + rows; at < end;) {
        const count = Math.min(8_000, end - at);
        const ids = Array.from({ length: count }, (_id, i) => `r${at + i}`);
        await c.upsert({ ids, vectors: vectors.slice(at * DIMENSION, (at + count) * DIMENSION) });
        at += count;
      }
      await c.compact();
    }
    await db.close();
    const cold = await bench.openAgain(EDGE);
    const asked = cold.collection('c');
    const queries = Array.from({ length: 40 }, (_query, i) => vectorOf(320 * i));
    expect(await recallOf(asked, queries, { index: 'ivf' })).toBeGreaterThan(0.94);
    const { explain, usage } = await asked.explain({ vector: queries[3]!, index: 'ivf' });
    // Of one with few clusters alone, whose rows are all alike, estimates may promise too little.
    const probed = explain.segments.filter(({ plan }) => plan === 'probe').length;
    expect(probed).toBeGreaterThan(0);
    expect(usage.segmentsProbed).toBe(probed);
    await cold.close();
  },
);
