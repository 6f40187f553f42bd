/** The writer of a segment: what it needs of its caller, what it keeps in memory, and what it leaves when it is given up. */
import { describe, expect, test } from 'vitest';
import { CairnError } from '../../core/base/errors.js';
import { limits } from '../../core/base/limits.js';
import { portableDeflate, rowMaps, SegmentWriter } from '../../core/segment/index.js';
import type { ObjectStore, Upload } from '../../core/store/index.js';
import { digests, KEY, masks, newStore, openSegment, plainRows, UID, writeSegment } from './fixture.js';

const END = { numbers: {}, curve: null };

function newWriter(store: ObjectStore, rows = 2): Promise<SegmentWriter> {
  const options = {
    store,
    digests,
    deflate: portableDeflate,
    key: KEY,
    uid: UID,
    dimension: 2,
    metric: 'dot',
    rows,
    seqBase: 5,
    unfilterable: [],
    columnBytesMax: 1_048_576,
  };
  return SegmentWriter.create(options);
}

/** Writes two rows whole, but for what a test does otherwise. */
const steps: readonly (readonly [string, (writer: SegmentWriter) => Promise<unknown>])[] = [
  ['vectors', (writer) => writer.writeRaw(new Float32Array(4))],
  ['documents', (writer) => writer.writeDocuments(['', '{}'])],
  ['ids', (writer) => writer.writeIds(['a', 'b'])],
  ['seqs', (writer) => writer.writeSeqs([5, 6])],
  ['columns', (writer) => writer.writeColumns(new Uint32Array(0))],
  ['resident', (writer) => writer.writeResident([])],
];

async function expectRefused(run: Promise<unknown>): Promise<void> {
  await expect(run).rejects.toMatchObject({ kind: 'internal', code: 'assertion_failed' });
}

describe('the writer of a segment', () => {
  test('makes a segment without resident sections, leaves and curve', async () => {
    const store = newStore();
    const writer = await newWriter(store);
    for (const [, step] of steps) await step(writer);
    const ref = await writer.finish(END);
    const { SegmentReader } = await import('../../core/segment/index.js');
    const { PageCache } = await import('../../core/store/index.js');
    const cache = new PageCache({ budgetBytes: 0 });
    const expected = { dimension: 2, metric: 'dot' };
    const reader = await SegmentReader.open({
      store,
      digests,
      deflate: portableDeflate,
      cache,
      masks,
      ref,
      expected,
    });
    expect(reader).toMatchObject({ rows: 2, residentBytes: 0, residentSections: [], curve: null });
    expect([...reader.leafStarts]).toEqual([]);
    const load = reader.residentLoad(new Uint8Array(0));
    await load.fetchMissing();
    expect(load.complete).toBe(true);
    expect(await reader.seqs([1, 0])).toEqual([6, 5]);
    expect(await reader.idsOfRanks([0, 1])).toEqual(['a', 'b']);
  });

  test.each(steps)('refuses to go on or to end without %s', async (left) => {
    if (left === 'resident') return;
    const writer = await newWriter(newStore());
    const rest = steps.filter(([name]) => name !== left);
    await expectRefused(
      (async () => {
        for (const [, step] of rest) await step(writer);
        await writer.finish(END);
      })(),
    );
  });

  const wrongs: readonly (readonly [string, number, (writer: SegmentWriter) => Promise<unknown>])[] = [
    ['half a row', 0, (writer) => writer.writeRaw(new Float32Array(3))],
    ['too few vectors', 0, (writer) => writer.writeRaw(new Float32Array(2))],
    ['too many documents', 1, (writer) => writer.writeDocuments(['', '', ''])],
    ['a document that is too long', 1, (writer) => writer.writeDocuments(['', 'x'.repeat(65_537)])],
    ['ids out of order', 2, (writer) => writer.writeIds(['b', 'a'])],
    ['an id twice', 2, (writer) => writer.writeIds(['a', 'a'])],
    ['ids in the order of UTF-16', 2, (writer) => writer.writeIds(['\u{1f600}', '\ufffd'])],
    ['an empty id', 2, (writer) => writer.writeIds(['', 'a'])],
    ['an id that is too long', 2, (writer) => writer.writeIds(['a', 'b'.repeat(513)])],
    ['a sequence below the base', 3, (writer) => writer.writeSeqs([4, 5])],
    ['a sequence too far above it', 3, (writer) => writer.writeSeqs([5, 5 + 2 ** 32])],
  ];
  test.each(wrongs)('refuses %s', async (_, at, wrong) => {
    const writer = await newWriter(newStore());
    await expectRefused(
      (async () => {
        for (const [i, [, step]] of steps.entries()) await (i === at ? wrong(writer) : step(writer));
        await writer.finish(END);
      })(),
    );
  });

  test('leaves nothing when it is given up, at any point', async () => {
    for (let done = 0; done <= steps.length; done++) {
      const store = newStore();
      const writer = await newWriter(store);
      for (const [, step] of steps.slice(0, done)) await step(writer);
      await writer.abort();
      expect(await store.list('')).toEqual([]);
    }
  });

  test('sends large parts through one bounded buffer', async () => {
    const inner = newStore();
    const writes: number[] = [];
    const buffers = new Set<ArrayBufferLike>();
    const store: ObjectStore = {
      ...inner,
      get: (...request) => inner.get(...request),
      upload: async (key): Promise<Upload> => {
        const upload = await inner.upload(key);
        return {
          write: (bytes) => {
            writes.push(bytes.length);
            buffers.add(bytes.buffer);
            return upload.write(bytes);
          },
          finish: () => upload.finish(),
          abort: () => upload.abort(),
        };
      },
    };
    const rows = plainRows(5_000, 300);
    const codes = new Uint8Array(9_000_000).fill(7);
    const ref = await writeSegment(store, rows, {
      step: 5_000,
      residents: [{ kind: 'codes', bytes: codes, count: 9_000_000 }],
    });
    expect(Math.max(...writes)).toBe(limits.segmentBufferBytes);
    // The buffer, and the footer.
    expect(buffers.size).toBe(2);
    expect(writes.reduce((sum, length) => sum + length, 0)).toBe(ref.bytes);
    const reader = await openSegment(store, ref, rows);
    expect(await reader.vectors([4_999])).toEqual(rows.vectors.subarray(4_999 * 300));
  });
});

test('row maps are each the other, by UTF-8', () => {
  const ids = ['b', '\u{1f600}', 'a', '\uffee', 'é'];
  const { sortedIds, rowOfRank, rankOfRow } = rowMaps(ids);
  expect(sortedIds).toEqual(['a', 'b', 'é', '\uffee', '\u{1f600}']);
  expect([...rowOfRank]).toEqual([2, 0, 4, 3, 1]);
  expect([...rankOfRow]).toEqual([1, 4, 0, 3, 2]);
  expect(() => rowMaps(['a', 'b', 'a'])).toThrow('two rows have the id a');
  expect(() => rowMaps(['a', 'b', 'a'], (id) => new CairnError('corrupt', 'x', `again ${id}`))).toThrow(
    'again a',
  );
});
