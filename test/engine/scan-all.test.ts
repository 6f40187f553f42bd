/**
 * Scans of all records of one sequence. Strategy: what pages tell together is compared with what a scan told before, while
 * between the pages the collection is written, compacted and collected, by the same process or by another one.
 */
import { describe, expect, it } from 'vitest';
import type { Collection, RecordOutput, ScanAllInput } from '../../core/index.js';
import type { Database } from '../../core/index.js';
import { limits } from '../../core/base/limits.js';
import { byUtf8, failure, newBench } from './fixture.js';
import type { Bench } from './fixture.js';

const EVERYTHING: ScanAllInput = { include: ['vector', 'metadata', 'expires_at'], includeDeleted: true };
const PAGE = limits.scanAllRecords;

interface Site {
  readonly bench: Bench;
  readonly db: Database;
  readonly c: Collection;
}

async function site(rows = 3 * PAGE + 5): Promise<Site> {
  const bench = newBench();
  const db = await bench.openAgain();
  const c = await db.createCollection('c', { dimension: 2, metric: 'dot' });
  const ids = Array.from({ length: rows }, (_, n) => `id-${String(n).padStart(5, '0')}`);
  if (rows > 0) {
    await c.upsert({
      ids,
      vectors: Float32Array.from(ids.flatMap((_, n) => [n, 1])),
      metadata: ids.map((_, n) => ({ n })),
    });
  }
  return { bench, db, c };
}

async function all(
  collection: Collection,
  input: ScanAllInput = EVERYTHING,
  between: (page: number) => Promise<void> = async () => {},
): Promise<RecordOutput[]> {
  const records: RecordOutput[] = [];
  let pages = 0;
  for await (const page of collection.scanAll(input)) {
    records.push(...page.records);
    await between(++pages);
  }
  return records;
}

/** Every kind of change, of records before and behind the first page. */
async function disturb(c: Collection, round: number): Promise<void> {
  await c.upsert([
    { id: 'id-00000', vector: [round, 9] },
    { id: 'id-03000', vector: [round, 9] },
    { id: `new-${round}`, vector: [1, 1] },
    { id: 'id-020005', vector: [1, 1] },
  ]);
  await c.delete({ ids: ['id-02500', `id-0270${round}`] });
  await c.delete({ ids: ['id-02600', `id-0280${round}`], soft: true });
  await c.patch({ filter: 'n >= 2900 AND n < 2910', metadata: { round } });
}

/** What a collector would delete: segments that no head names any more. */
async function collectSegments({ bench, c }: Site): Promise<number> {
  const named = new Set((await c.stats()).segments.map(({ key }) => key));
  const keys = (await bench.store.list('c/')).map(({ key }) => key);
  const gone = keys.filter((key) => key.endsWith('.seg') && !named.has(key));
  await bench.store.delete(gone);
  return gone.length;
}

describe('a scan of all', () => {
  it('is in pages of one sequence, in the order of ids', async () => {
    const { c } = await site();
    await c.upsert([
      { id: '\uffff', vector: [1, 1] },
      { id: '\u{10000}', vector: [1, 1] },
    ]);
    const pages: number[] = [];
    const ids: string[] = [];
    for await (const { records, sequence } of c.scanAll({ include: [] })) {
      expect(sequence).toBe(2);
      pages.push(records.length);
      ids.push(...records.map(({ id }) => id));
    }
    expect(pages).toEqual([PAGE, PAGE, PAGE, 7]);
    expect(ids).toEqual([...ids].sort(byUtf8));
  });

  it('of nothing is one page that tells the sequence', async () => {
    const { c } = await site(0);
    const pages = [];
    for await (const page of c.scanAll()) pages.push(page);
    expect(pages).toEqual([{ records: [], sequence: 0 }]);
  });

  it.each(['the log', 'segments', 'both'])('over %s sees nothing of what comes later', async (lies) => {
    const { bench, c } = await site();
    if (lies !== 'the log') await c.compact();
    if (lies === 'both') await disturb(c, 0);
    const before = await all(c);
    const other = (await bench.openAgain()).collection('c');
    const seen = await all(c, EVERYTHING, async (page) => {
      await disturb(page % 2 === 0 ? c : other, page);
      if (page === 2) await c.compact({ minor: true });
    });
    expect(seen).toEqual(before);
    expect(await all(c)).not.toEqual(before);
  });

  it('goes on where it is told, as of the sequence that it is told', async () => {
    const { c } = await site();
    const before = await all(c);
    await disturb(c, 1);
    expect(await all(c, { ...EVERYTHING, asOf: 1 })).toEqual(before);
    expect(await all(c, { ...EVERYTHING, asOf: 1, after: 'id-02599' })).toEqual(before.slice(2_600));
    const refused = { kind: 'invalid', code: 'sequence_out_of_range' } as const;
    await failure(() => all(c, { asOf: 6 }), { ...refused, message: /has not happened yet.*sequence 5$/ });
    await c.compact();
    await failure(() => all(c, { asOf: 4 }), {
      ...refused,
      message: /no longer kept: the oldest sequence is 5$/,
    });
  });

  it('leaves out soft-deleted records, unless they are asked for', async () => {
    const { c } = await site(3);
    await c.delete({ ids: ['id-00001'], soft: true });
    expect((await all(c, {})).map(({ id }) => id)).toEqual(['id-00000', 'id-00002']);
    expect((await all(c))[1]).toMatchObject({ id: 'id-00001', deleted: true });
  });

  it('has a record that expires meanwhile in every page or in none', async () => {
    const { bench, c } = await site();
    const expiresAt = new Date(bench.clock.wallMs() + 1_000).toISOString();
    await c.upsert([{ id: 'z', vector: [1, 1], expiresAt }]);
    const seen = await all(c, EVERYTHING, async () => bench.clock.advance(10_000));
    expect(seen.at(-1)).toMatchObject({ id: 'z', expiresAt });
    expect((await all(c)).at(-1)!.id).not.toBe('z');
  });
});

describe('a collector under a scan of all', () => {
  /** Rows so wide that a reader's pages do not hold all of them. */
  const WIDE = 64;
  const MORE = 2_000;

  async function wide(): Promise<Site & { readonly reader: Collection }> {
    const bench = newBench();
    const db = await bench.openAgain();
    const c = await db.createCollection('wide', { dimension: WIDE, metric: 'dot' });
    await add(c, 'a', 1_990);
    await c.compact();
    const reader = (await bench.openAgain({ memoryBudgetBytes: 1024 * 1024 })).collection('wide');
    return { bench, db, c, reader };
  }

  async function add(c: Collection, prefix: string, rows: number): Promise<void> {
    const ids = Array.from({ length: rows }, (_, n) => `${prefix}${n}`);
    await c.upsert({ ids, vectors: Float32Array.from({ length: rows * WIDE }, (_, i) => Math.sin(i)) });
  }

  it('is no matter where what it left still tells of the sequence', async () => {
    const made = await wide();
    await add(made.c, 'b', MORE);
    await made.c.compact({ minor: true });
    const before = await all(made.c);
    let collected = 0;
    const seen = await all(made.reader, EVERYTHING, async (page) => {
      if (page !== 1) return;
      await made.c.compact();
      collected = await collectSegments(made);
    });
    expect(collected).toBe(2);
    expect(seen).toEqual(before);
  });

  it('ends it where a fold has gone beyond the sequence', async () => {
    const made = await wide();
    const scanning = all(made.reader, EVERYTHING, async (page) => {
      if (page !== 1) return;
      await add(made.c, 'b', MORE);
      await made.c.compact();
      expect(await collectSegments(made)).toBe(1);
    });
    await failure(() => scanning, {
      kind: 'invalid',
      code: 'sequence_out_of_range',
      message: /as_of 1 is no longer kept: the oldest sequence is 2$/,
    });
  });

  it('ends it where the collection is another one by now', async () => {
    const { bench, db, c, reader } = await wide();
    const scanning = all(reader, EVERYTHING, async (page) => {
      if (page !== 1) return;
      const segments = (await c.stats()).segments.map(({ key }) => key);
      expect(segments.length).toBe(1);
      await db.dropCollection('wide');
      await bench.store.delete(segments);
      await add(await db.createCollection('wide', { dimension: WIDE, metric: 'dot' }), 'z', 2);
    });
    await failure(() => scanning, { kind: 'not_found', code: 'collection_not_found' });
  });
});

describe('the memory of a scan of all', () => {
  it('is given back at its end, when it is left, and where it fails', async () => {
    const { bench, c } = await site();
    const db = await bench.openAgain({ memoryBudgetBytes: 2 * 1024 * 1024 });
    const reader = db.collection('c');
    for (let round = 0; round < 50; round++) {
      // Each of them holds a memtable that nobody else does any more.
      for await (const { records } of reader.scanAll()) {
        expect(records.length).toBe(PAGE);
        await c.upsert([{ id: 'b', vector: [round, 1] }]);
        await c.compact({ minor: true });
        await reader.count();
        break;
      }
      await failure(() => all(reader, { asOf: 1 }), { kind: 'invalid', code: 'sequence_out_of_range' });
    }
    expect((await all(reader)).length).toBe(3 * PAGE + 6);
    await db.close();
  });

  it('does not keep the database from closing', async () => {
    const { db, c } = await site();
    await c.compact();
    const pages = c.scanAll();
    await pages.next();
    await db.close();
    await failure(() => pages.next(), { kind: 'unavailable', code: 'closed' });
    expect(await pages.next()).toEqual({ done: true, value: undefined });
  });

  it('of inputs that are wrong is none', async () => {
    const { c } = await site(1);
    const wrong = (input: unknown): Promise<unknown> => all(c, input as ScanAllInput);
    const error = await failure(() => wrong({ cursor: 'x' }), { kind: 'invalid', code: 'unknown_field' });
    expect(error.details).toMatchObject({ field: 'cursor' });
    await failure(() => wrong({ after: '' }), { kind: 'invalid', code: 'invalid_id' });
    await failure(() => wrong({ asOf: -1 }), { kind: 'invalid', code: 'invalid_request' });
    await failure(() => wrong({ include: ['x'] }), { kind: 'invalid', code: 'invalid_request' });
  });
});
