/**
 * Strategy: segments whose indexes and checksums lie apart from the tail, as those of millions of rows do, made with a limit of none. All ways
 * to ask must answer what they answer where everything is in the tail, a handler that holds nothing must wait for no more waves, and one that
 * needs none of it must not read it.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Collection, OpenOptions, QueryInput } from '../../../core/index.js';
import { compileEmbeddedKernel, createDigests, Kernel } from '../../../core/kernel/index.js';
import { decodeFooter, footerOffset } from '../../../core/segment/footer.js';
import type { SegmentSection } from '../../../core/segment/footer.js';
import { apartKinds } from '../../../core/segment/section-layout.js';
import { clustered } from '../../index/fixture.js';
import { withLimits } from '../../small-limits.js';
import { newBench, seededRandom } from '../fixture.js';
import type { Bench } from '../fixture.js';
import { inWaves } from './waves.js';
import type { WavedGet } from './waves.js';

const MiB = 1024 * 1024;
const ROWS = 24_000;
const DIMENSION = 64;
const vectors = clustered(ROWS, DIMENSION, 3);
const vectorOf = (row: number): Float32Array => vectors.slice(row * DIMENSION, (row + 1) * DIMENSION);
const EDGE: OpenOptions = {
  ...{ tier: 'edge', memoryBudgetBytes: 96 * MiB },
  ...{ shareRequests: false, background: false },
};

async function fill(bench: Bench): Promise<void> {
  const random = seededRandom(7);
  const db = await bench.openAgain({ tier: 'server', memoryBudgetBytes: 512 * MiB, random });
  const c = await db.createCollection('c', { dimension: DIMENSION, metric: 'euclidean' });
  for (let at = 0; at < ROWS; at += 8_000) {
    const ids = Array.from({ length: 8_000 }, (_, i) => `r${at + i}`);
    const part = vectors.subarray(at * DIMENSION, (at + 8_000) * DIMENSION);
    await c.upsert({ ids, vectors: part, metadata: ids.map((id, i) => ({ n: (at + i) % 100, id })) });
  }
  await c.compact();
  await db.close();
}

describe('a segment of which all indexes lie apart', () => {
  const near = newBench();
  const apart = newBench();
  let sections: readonly SegmentSection[];

  beforeAll(async () => {
    await fill(near);
    await withLimits({ indexInTailBytes: 0 }, () => fill(apart));
    const [object] = (await apart.store.list('c/')).filter(({ key }) => key.endsWith('.seg'));
    const found = await apart.store.get(object!.key);
    if (found.status !== 'found') throw new Error(found.status);
    const offset = footerOffset(object!.key, found.bytes, 0);
    const digests = createDigests(new Kernel(await compileEmbeddedKernel(), { memoryBudgetBytes: MiB }));
    const end = found.bytes.subarray(offset);
    ({ sections } = decodeFooter(digests, { key: object!.key, offset }, end));
  }, 300_000);

  /** Which of what lies apart a read meets. */
  const kindsOf = ({ range }: WavedGet): readonly string[] =>
    sections
      .filter(({ kind }) => (apartKinds as readonly string[]).includes(kind))
      .filter(({ offset, length }) => range.offset < offset + length && range.offset + range.length > offset)
      .map(({ kind }) => kind);

  async function asked<T>(use: (c: Collection) => Promise<T>): Promise<{
    readonly answer: T;
    readonly waves: number;
    readonly kinds: readonly string[];
  }> {
    const { store, waves } = inWaves(apart.store);
    const db = await apart.openAgain({ ...EDGE, store });
    const answer = await use(db.collection('c'));
    await db.close();
    const reads = waves.filter(({ key }) => key.endsWith('.seg'));
    const kinds = [...new Set(reads.flatMap(kindsOf))].toSorted();
    return { answer, waves: new Set(reads.map(({ wave }) => wave)).size, kinds };
  }

  async function sameOf<T>(use: (c: Collection) => Promise<T>): Promise<T> {
    const db = await near.openAgain(EDGE);
    const answer = await use(db.collection('c'));
    await db.close();
    return answer;
  }

  test('has them all', () => {
    const kinds = sections.map(({ kind }) => kind);
    expect(kinds.slice(kinds.indexOf('documentIndex')).slice(0, 4)).toEqual(apartKinds);
  });

  test('is probed in two waves, and nothing of them is read', async () => {
    const query: QueryInput = { vector: vectorOf(77), include: [], index: 'ivf' };
    const { answer, waves, kinds } = await asked(async (c) => await c.query(query));
    expect(answer.matches).toEqual((await sameOf(async (c) => await c.query(query))).matches);
    expect(waves).toBe(2);
    expect(kinds).toEqual([]);
  });

  test('is probed for documents in one wave more, what these are found by beside the leaves', async () => {
    const query: QueryInput = { vector: vectorOf(77), include: ['metadata'], index: 'ivf' };
    const { answer, waves, kinds } = await asked(async (c) => await c.query(query));
    expect(answer.matches).toEqual((await sameOf(async (c) => await c.query(query))).matches);
    expect(answer.matches[0]).toMatchObject({ id: 'r77', metadata: { n: 77, id: 'r77' } });
    expect(waves).toBe(3);
    expect(kinds).toEqual(['documentIndex', 'pageChecksums']);
  });

  test('is read into memory with the table of checksums beside the codes, and what ids are found by', async () => {
    const query: QueryInput = { vector: vectorOf(77), include: [], index: 'hnsw' };
    const { answer, kinds, waves } = await asked(async (c) => await c.query(query));
    expect(answer.matches).toEqual((await sameOf(async (c) => await c.query(query))).matches);
    expect(kinds).toContain('pageChecksums');
    // The index, rows, and their ids.
    expect(waves).toBe(3);
  });

  test.each<[string, (c: Collection) => Promise<unknown>]>([
    ['a filter', async (c) => (await c.query({ vector: vectorOf(5), filter: 'n < 5' })).matches],
    ['an exact query', async (c) => (await c.query({ vector: vectorOf(5), exact: true })).matches],
    ['a scan of the codes', async (c) => (await c.query({ vector: vectorOf(5), index: 'flat' })).matches],
    [
      'fetch',
      async (c) =>
        (await c.fetch({ ids: ['r7', 'r23999', 'none'], include: ['vector', 'metadata'] })).records,
    ],
    ['scan', async (c) => (await c.scan({ limit: 70, include: ['metadata'] })).records],
    ['count', async (c) => await c.count({ filter: 'n = 7', facets: { n: 3 } })],
  ])('answers %s as one whose indexes are in the tail', async (_, use) => {
    const { answer } = await asked(use);
    expect(answer).toEqual(await sameOf(use));
  });

  test('is written over, merged and scrubbed', { timeout: 120_000 }, async () => {
    const db = await apart.openAgain({ tier: 'server', memoryBudgetBytes: 512 * MiB });
    const c = db.collection('c');
    await c.upsert([{ id: 'r77', vector: vectorOf(78), metadata: { n: 1_000 } }]);
    await c.delete({ ids: ['r79'] });
    const { matches } = await c.query({ vector: vectorOf(78), k: 3, include: ['metadata'] });
    expect(matches.find(({ id }) => id === 'r77')?.metadata).toEqual({ n: 1_000 });
    expect(matches.some(({ id }) => id === 'r79')).toBe(false);
    await c.compact();
    const { records } = await c.fetch({ ids: ['r77', 'r79'], include: ['metadata'] });
    expect(records).toMatchObject([{ id: 'r77', metadata: { n: 1_000 } }]);
    const { collections } = await db.scrub();
    expect(collections.flatMap(({ findings }) => findings)).toEqual([]);
    await db.close();
  });
});
