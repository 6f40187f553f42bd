/**
 * What `target_recall` promises, on real data: abstracts of 12,000 papers (256 dimensions, LSA) under each metric that a coding is for,
 * and the first 12,000 images of Fashion-MNIST; all rows, and those that a filter leaves. Skipped where the data is not there: CAIRN_DATA
 * names the folder.
 */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Collection, CollectionSettings, QueryInput } from '../../core/index.js';
import type { Metric } from '../../core/kernel/index.js';
import { rowOf } from '../index/fixture.js';
import { newBench } from './fixture.js';

const folder = process.env['CAIRN_DATA'] ?? new URL('../../../shared/data', import.meta.url).pathname;
const ROWS = 12_000;
/** With fewer, what chance does to their mean is more than the slack. */
const QUERIES = 200;
/** Of 2,000 neighbours a few may be missed by chance. */
const SLACK = 0.003;

function read(name: string): ArrayBuffer {
  return Uint8Array.from(gunzipSync(readFileSync(`${folder}/${name}.gz`))).buffer;
}

interface Data {
  readonly dimension: number;
  readonly rows: Float32Array;
  readonly queries: Float32Array;
}

function arxiv(): Data {
  const rows = new Float32Array(read('arxiv-20k/base-lsa256.f32')).subarray(0, ROWS * 256);
  return { dimension: 256, rows, queries: new Float32Array(read('arxiv-20k/query-lsa256.f32')) };
}

function fashion(): Data {
  const rows = Float32Array.from(new Uint8Array(read('fashion-mnist/train.u8')).subarray(0, ROWS * 784));
  return {
    dimension: 784,
    rows,
    queries: Float32Array.from(new Uint8Array(read('fashion-mnist/test-1000.u8'))),
  };
}

/** All rows in the log. */
async function written(
  { dimension, rows }: Data,
  settings: Pick<CollectionSettings, 'metric' | 'quantization'>,
): Promise<Collection> {
  const db = await newBench().openAgain();
  const c = await db.createCollection('c', { dimension, ...settings });
  for (let first = 0; first < ROWS; first += 4_000) {
    const vectors = rows.subarray(first * dimension, (first + 4_000) * dimension);
    const ids = Array.from({ length: 4_000 }, (_, i) => String(first + i));
    await c.upsert({ ids, vectors, metadata: ids.map((_, i) => ({ n: (first + i) % 20 })) });
  }
  return c;
}

interface Asked {
  readonly vectors: readonly Float32Array[];
  readonly filter: string | undefined;
}

/** Ids of the ten nearest of each query. */
type Truth = readonly ReadonlySet<string>[];

function queryOf(vector: Float32Array, { filter }: Asked): QueryInput {
  return { vector, k: 10, include: [], ...(filter === undefined ? {} : { filter }) };
}

async function truthOf(c: Collection, asked: Asked): Promise<Truth> {
  const truth: Set<string>[] = [];
  for (const vector of asked.vectors) {
    const { matches } = await c.query({ ...queryOf(vector, asked), exact: true });
    truth.push(new Set(matches.map(({ id }) => id)));
  }
  return truth;
}

async function recallOf(c: Collection, asked: Asked, truth: Truth, targetRecall: number): Promise<number> {
  let found = 0;
  for (const [q, vector] of asked.vectors.entries()) {
    const { matches } = await c.query({ ...queryOf(vector, asked), targetRecall });
    found += matches.filter(({ id }) => truth[q]!.has(id)).length;
  }
  return found / (10 * QUERIES);
}

const FILTERS: readonly (string | undefined)[] = [undefined, 'n = 7', 'n < 12'];

/** Of data under a metric: whatever codes its rows, they are the same. */
const truths = new Map<string, readonly Truth[]>();

/** Asked before there are codes: what is exact is scanned in memory then, and not read from the store for each query. */
async function truthsOf(
  name: string,
  c: Collection,
  vectors: readonly Float32Array[],
): Promise<readonly Truth[]> {
  const known = truths.get(name);
  if (known !== undefined) return known;
  const found: Truth[] = [];
  for (const filter of FILTERS) found.push(await truthOf(c, { vectors, filter }));
  truths.set(name, found);
  return found;
}

const sets = { arXiv: arxiv, 'Fashion-MNIST': fashion };

interface Case {
  readonly data: keyof typeof sets;
  readonly metric: Metric;
  readonly quantization: NonNullable<CollectionSettings['quantization']>;
}

const cases: readonly Case[] = [
  { data: 'arXiv', metric: 'cosine', quantization: 'rabitq' },
  { data: 'arXiv', metric: 'euclidean', quantization: { type: 'rabitq', bits: 2 } },
  { data: 'arXiv', metric: 'dot', quantization: 'rabitq' },
  { data: 'arXiv', metric: 'manhattan', quantization: 'none' },
  { data: 'Fashion-MNIST', metric: 'euclidean', quantization: 'rabitq' },
  { data: 'Fashion-MNIST', metric: 'cosine', quantization: { type: 'rabitq', bits: 4 } },
  { data: 'arXiv', metric: 'cosine', quantization: 'pq' },
  { data: 'arXiv', metric: 'dot', quantization: { type: 'pq', compression: 32 } },
  { data: 'arXiv', metric: 'manhattan', quantization: { type: 'pq', compression: 8 } },
  { data: 'Fashion-MNIST', metric: 'euclidean', quantization: { type: 'pq', compression: 32 } },
];

describe.skipIf(!existsSync(`${folder}/README.md`))('recall on real data is what was asked for', () => {
  test.each(cases)('$data, $metric, $quantization', async ({ data, metric, quantization }) => {
    const given = sets[data]();
    const c = await written(given, { metric, quantization });
    const vectors = Array.from({ length: QUERIES }, (_, q) => rowOf(given.queries, given.dimension, q));
    const all = await truthsOf(`${data} ${metric}`, c, vectors);
    await c.compact();
    for (const [i, filter] of FILTERS.entries()) {
      for (const target of [0.95, 0.99])
        expect(await recallOf(c, { vectors, filter }, all[i]!, target)).toBeGreaterThan(target - SLACK);
    }
  });
});
