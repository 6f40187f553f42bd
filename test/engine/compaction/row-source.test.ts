import { describe, expect, it } from 'vitest';
import { memtableSource, segmentSource } from '../../../core/engine/compaction/row-source.js';
import type { DropRule, RowSource } from '../../../core/engine/compaction/row-source.js';
import { RowSet } from '../../../core/engine/compaction/row-set.js';
import { Memtable } from '../../../core/engine/memtable/index.js';
import type { LiveSegment, SegmentFile } from '../../../core/engine/segments/index.js';
import { Kernel, compileEmbeddedKernel } from '../../../core/kernel/index.js';
import { OP_DELETE, OP_HIDE, OP_UPSERT } from '../../../core/log/index.js';
import type { CollectionSchema } from '../../../core/log/index.js';
import { sequence } from '../../../core/base/ids.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NEVER: DropRule = { storeMs: undefined, softDeleteDays: 1 };
const schema: CollectionSchema = {
  dimension: 2,
  metric: 'euclidean',
  tier: 'server',
  index: { m: 16, efConstruction: 100 },
  quantization: 'sq8',
  fields: {},
  softDeleteDays: 1,
};

async function memtable(): Promise<{
  readonly table: Memtable;
  readonly put: (seq: number, ...records: readonly (readonly [string, number, number?])[]) => void;
  readonly remove: (
    seq: number,
    label: number,
    kind: typeof OP_DELETE | typeof OP_HIDE,
    ...ids: string[]
  ) => void;
}> {
  const kernel = new Kernel(await compileEmbeddedKernel(), { memoryBudgetBytes: 1 << 26 });
  const table = new Memtable({ kernel, schema, overSegments: true });
  const at = (seq: number, label: number) => ({ seq: sequence(seq), label, storeMs: undefined });
  return {
    table,
    put: (seq, ...records) =>
      table.apply(
        {
          kinds: new Uint8Array(records.length).fill(OP_UPSERT),
          ids: records.map(([id]) => id),
          dimension: 2,
          vectors: Float32Array.from(records.flatMap(([, x]) => [x, 1])),
          metadata: records.map(([id]) => `{"id":"${id}"}`),
          expiresMs: Float64Array.from(records, ([, , expiry]) => expiry ?? Infinity),
        },
        at(seq, seq),
      ),
    remove: (seq, label, kind, ...ids) =>
      table.apply(
        {
          kinds: new Uint8Array(ids.length).fill(kind),
          ids,
          dimension: 2,
          vectors: new Float32Array(),
          metadata: [],
          expiresMs: undefined,
        },
        at(seq, label),
      ),
  };
}

async function contents(source: RowSource): Promise<unknown> {
  const set = new RowSet([source]);
  const all = Uint32Array.from({ length: set.rows }, (_, row) => row);
  const chunks: number[] = [];
  for await (const { first, vectors } of set.chunks(16)) {
    expect(first * 2).toBe(chunks.length);
    chunks.push(...vectors);
  }
  const vectors = new Float32Array(set.rows * 2);
  await set.vectors(all, vectors);
  expect([...vectors]).toEqual(chunks);
  const ids = await set.ids();
  const texts = await set.documents(all);
  const seqs = await set.seqs();
  return ids.map((id, i) => ({ id, x: vectors[i * 2], text: texts[i], seq: seqs[i] }));
}

const row = (id: string, x: number, seq: number) => ({ id, x, seq, text: `{"id":"${id}"}` });

describe('rows of the log', () => {
  it('are those of the fold, whatever came later', async () => {
    const { table, put, remove } = await memtable();
    put(1, ['a', 1], ['b', 2], ['c', 3], ['d', 4]);
    put(2, ['b', 5]);
    remove(3, 333, OP_DELETE, 'c');
    remove(4, 444, OP_HIDE, 'd');
    remove(5, 555, OP_DELETE, 'a');
    put(6, ['b', 6], ['e', 7]);
    const source = memtableSource(table, 4, NEVER);
    expect(await contents(source)).toEqual([row('a', 1, 1), row('d', 4, 1), row('b', 5, 2)]);
    expect(source.hidden).toEqual([{ row: 1, seq: 4, ms: 444 }]);
    expect(source.rowsIn).toBe(5);
    expect(source.expiresMs).toBeUndefined();
    const before = memtableSource(table, 3, NEVER);
    expect(before.hidden).toEqual([]);
  });

  it('are dropped a day after they expired or were gone, by the date of the store', async () => {
    const { table, put, remove } = await memtable();
    put(1, ['old', 1, 5 * DAY], ['young', 2, 5 * DAY + 1], ['never', 3], ['gone', 4], ['hid', 5]);
    remove(2, 4 * DAY - 1, OP_HIDE, 'gone');
    remove(3, 4 * DAY, OP_HIDE, 'hid');
    const kept = async (storeMs: number | undefined) => {
      const source = memtableSource(table, 3, { storeMs, softDeleteDays: 1 });
      expect(source.rowsIn).toBe(5);
      return (await source.ids()).join(' ');
    };
    expect(await kept(undefined)).toBe('old young never gone hid');
    expect(await kept(6 * DAY)).toBe('old young never hid');
    expect(await kept(6 * DAY + 1)).toBe('young never');
    const source = memtableSource(table, 3, { storeMs: 6 * DAY, softDeleteDays: 1 });
    expect([...source.expiresMs!]).toEqual([5 * DAY, 5 * DAY + 1, Infinity, Infinity]);
  });
});

/** In an order that is not that of rows. */
const idOf = (one: number): string => `id${9 - one}`;

function segment(
  dead: readonly number[],
  hidden: readonly number[],
  expiries: readonly [number, number][],
): LiveSegment {
  const rows = 10;
  const bits = (list: readonly number[]): Uint8Array => {
    const out = new Uint8Array(2);
    for (const one of list) out[one >> 3]! |= 1 << (one & 7);
    return out;
  };
  const file: Partial<SegmentFile> = {
    rows,
    vectors: (wanted) => Float32Array.from(Array.from(wanted).flatMap((one) => [one, 1])),
    documents: (wanted) => Array.from(wanted, (one) => `{"id":"${idOf(one)}"}`),
    seqs: (wanted) => Array.from(wanted, (one) => one + 1),
    idsOfRanks: (ranks) => Array.from(ranks, (rank) => `id${rank}`),
    rowsOfRanks: (ranks) => ranks.map((rank) => 9 - rank),
    async *rawChunks() {
      for (let first = 0; first < rows; first += 4) {
        const count = Math.min(4, rows - first);
        const vectors = Float32Array.from(Array.from({ length: count }).flatMap((_, i) => [first + i, 1]));
        yield await Promise.resolve({ firstRow: first, vectors });
      }
    },
  };
  return {
    entry: { key: 's', rows, live: rows } as LiveSegment['entry'],
    file: file as SegmentFile,
    recallCurve: undefined,
    probeCurve: undefined,
    deletions: {
      rows,
      hidden: bits(hidden),
      dead: bits(dead),
      hiddenRows: Uint32Array.from(hidden),
      hiddenSeqs: Float64Array.from(hidden, () => 7),
      hiddenMs: Float64Array.from(hidden, () => 2 * DAY),
    },
    expiries: {
      rows: Uint32Array.from(expiries, ([one]) => one),
      ms: Float64Array.from(expiries, ([, ms]) => ms),
    },
  };
}

describe('rows of a segment', () => {
  const ended = (one: number, endedAt: number, hiddenAt = Infinity) => ({
    row: one,
    endedAt,
    hiddenAt,
    hiddenMs: 3 * DAY,
  });

  it('are those that neither head nor log took out', async () => {
    const source = segmentSource({
      segment: segment([0, 5], [3], [[8, 9 * DAY]]),
      dimension: 2,
      ends: [ended(1, 20), ended(2, 21), ended(4, Infinity, 20), ended(9, Infinity, 21)],
      folded: 20,
      rule: NEVER,
    });
    const left = [2, 3, 4, 6, 7, 8, 9];
    expect(await contents(source)).toEqual(left.map((one) => row(idOf(one), one, one + 1)));
    expect(source.hidden).toEqual([
      { row: 1, seq: 7, ms: 2 * DAY },
      { row: 2, seq: 20, ms: 3 * DAY },
    ]);
    expect([...source.sourceRowOf]).toEqual([-1, -1, 0, 1, 2, -1, 3, 4, 5, 6]);
    expect(source.rowsIn).toBe(10);
    expect([...source.expiresMs!].filter((ms) => ms !== Infinity)).toEqual([9 * DAY]);
  });

  it('are dropped a day after they expired or were gone', async () => {
    const rule = { storeMs: 4 * DAY + 1, softDeleteDays: 1 };
    const given = segment(
      [],
      [3],
      [
        [6, 3 * DAY],
        [8, 3 * DAY + 1],
      ],
    );
    const source = segmentSource({
      segment: given,
      dimension: 2,
      ends: [ended(4, Infinity, 20)],
      folded: 20,
      rule,
    });
    expect(await source.ids()).toEqual([0, 1, 2, 4, 5, 7, 8, 9].map(idOf));
  });
});

describe('rows of a segment that lies under right checksums', () => {
  const sourceOf = (lies: Partial<SegmentFile>): RowSource => {
    const sound = segment([], [], []);
    const file = { ...sound.file, ref: { key: 's' } as SegmentFile['ref'], ...lies };
    return segmentSource({ segment: { ...sound, file }, dimension: 2, ends: [], folded: 10, rule: NEVER });
  };
  const corruptObject = { kind: 'corrupt', details: { key: 's' } };

  it.each<{ what: string; lies: Partial<SegmentFile> }>([
    {
      what: 'two ranks of one row',
      lies: { rowsOfRanks: (ranks) => ranks.map((rank) => Math.max(1, rank)) },
    },
    {
      what: 'ids out of order',
      lies: { idsOfRanks: (ranks) => Array.from(ranks, (rank) => `id${9 - rank}`) },
    },
    { what: 'an id twice', lies: { idsOfRanks: (ranks) => Array.from(ranks, (rank) => `id${rank >> 1}`) } },
  ])('are refused with $what', async ({ lies }) => {
    await expect(sourceOf(lies).ids()).rejects.toMatchObject(corruptObject);
  });

  it('are refused with sequences that are not folded yet', async () => {
    const seqs = (last: number): Partial<SegmentFile> => ({
      seqs: (wanted) => Array.from(wanted, (one) => (one === 9 ? last : 1)),
    });
    await expect(sourceOf(seqs(10)).seqs()).resolves.toHaveLength(10);
    await expect(sourceOf(seqs(11)).seqs()).rejects.toMatchObject(corruptObject);
  });
});

describe('a set of sources', () => {
  it('finds every row in its source', async () => {
    const { table, put } = await memtable();
    put(1, ['a', 50], ['b', 51]);
    const own = { dimension: 2, ends: [], folded: 20, rule: NEVER };
    const set = new RowSet([
      segmentSource({ segment: segment([0], [], []), ...own }),
      memtableSource(table, 1, NEVER),
      segmentSource({ segment: segment([9], [], []), ...own }),
    ]);
    expect(set.rows).toBe(20);
    const wanted = Uint32Array.of(19, 10, 0, 9, 11, 8);
    const vectors = new Float32Array(12);
    await set.vectors(wanted, vectors);
    expect([...vectors].filter((_, i) => i % 2 === 0)).toEqual([8, 51, 1, 50, 0, 9]);
    expect(await set.documents(wanted)).toEqual(
      [idOf(8), 'b', idOf(1), 'a', idOf(0), idOf(9)].map((id) => `{"id":"${id}"}`),
    );
    expect((await set.ids()).slice(7, 13)).toEqual([idOf(8), idOf(9), 'a', 'b', idOf(0), idOf(1)]);
    expect([...(await set.seqs())].slice(8, 12)).toEqual([10, 1, 1, 1]);
  });
});
