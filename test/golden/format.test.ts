/**
 * Strategy: objects of every kind, made from fixed numbers, must be the bytes that are kept in format-1/, open with every
 * check, and come out of a second encoding unchanged; a store of those bytes must open as a collection. Those of format-0/ must
 * open, too, and come out of it as objects of format 1. The computed parts of docs/FORMAT.md must be what this tree computes.
 * UPDATE_GOLDEN=1 writes format-1/ and the page anew: for kinds of objects that are new. To change a file that is there is a
 * break.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { isCairnError, open } from '../../core/index.js';
import { memoryStore } from '../../core/store/index.js';
import { systemClock } from '../../core/system-ports.js';
import { exampleText, replaceSection, segmentExampleText, sizesText } from './format-page.js';
import { firstReleaseHead, goldenObjects } from './objects.js';
import { rowsByIndex, uncolumnedSegment } from './segment-objects.js';

const update = process.env['UPDATE_GOLDEN'] === '1';
const folder = fileURLToPath(new URL('format-1/', import.meta.url));
const olderFolder = fileURLToPath(new URL('format-0/', import.meta.url));
const page = fileURLToPath(new URL('../../docs/FORMAT.md', import.meta.url));

if (update) for (const { file, bytes } of goldenObjects) writeFileSync(folder + file, bytes);

const golden = (file: string): Uint8Array => new Uint8Array(readFileSync(folder + file));
const older = (file: string): Uint8Array => new Uint8Array(readFileSync(olderFolder + file));

const olderObjects = goldenObjects.filter(({ newIn = 0 }) => newIn === 0);

describe.each(olderObjects)('$file of format 0', ({ file, reencode, reencodeOlder = reencode }) => {
  test('opens, and is the same when written again', async () => {
    expect(older(file)[8]).toBe(0);
    expect(Buffer.from(await reencodeOlder(older(file))).equals(golden(file))).toBe(true);
  });
});

describe.each(goldenObjects)('$file', ({ file, bytes, reencode }) => {
  test('is what this release writes', () => {
    expect(Buffer.from(bytes).toString('hex')).toBe(Buffer.from(golden(file)).toString('hex'));
  });

  test('opens, and is the same when written again', async () => {
    expect(Buffer.from(await reencode(golden(file))).equals(golden(file))).toBe(true);
  });

  test('with any bit flipped, or cut anywhere, is corrupt, and says where', async () => {
    const stored = golden(file);
    // Of a segment, which is mostly zeros between pages, each 61st byte: test/segment/damage.test.ts takes all of one.
    const step = stored.length > 16_384 ? 61 : 1;
    const damaged = function* (): Generator<Uint8Array> {
      for (let offset = 0; offset < stored.length; offset += step) {
        const flipped = stored.slice();
        flipped[offset]! ^= 1 << (offset % 8);
        yield flipped;
        yield stored.slice(0, offset);
      }
    };
    for (const bad of damaged()) {
      let error: unknown;
      try {
        await reencode(bad);
      } catch (thrown) {
        error = thrown;
      }
      if (!isCairnError(error)) throw new Error(`opened in spite of damage: ${String(error)}`);
      expect(error).toMatchObject({ kind: 'corrupt', code: 'corrupt_object' });
      expect(error.details).toMatchObject({ key: expect.any(String), offset: expect.any(Number) });
    }
  });
});

test('a head of the first release opens as one that has folded nothing', () => {
  const opened = firstReleaseHead.open(older(firstReleaseHead.file));
  expect(Buffer.from(opened).equals(golden('head.bin'))).toBe(true);
});

test('a segment of before there were columns opens, and leaves filters to its documents', async () => {
  const { content, rows } = await uncolumnedSegment.read(older(uncolumnedSegment.file));
  expect(content.documents).toEqual(['{"year":2020}', '', '{"year":2021}']);
  expect(rows).toEqual({ sure: Uint8Array.of(0), count: 0, open: Uint8Array.of(0b111) });
});

test.each(goldenObjects.filter(({ file }) => /^segment-(f32|rabitq|pq)/.test(file)))(
  'the index of $file is searched',
  async ({ file }) => {
    expect(await rowsByIndex(golden(file))).toEqual([2, 1, 0]);
  },
);

test('no golden file is without a test', () => {
  const files = goldenObjects.map(({ file }) => file);
  expect(readdirSync(folder).sort()).toEqual(files.toSorted());
  const kept = olderObjects.map(({ file }) => file);
  const olderFiles = [firstReleaseHead.file, uncolumnedSegment.file, ...kept];
  expect(readdirSync(olderFolder).sort()).toEqual(olderFiles.toSorted());
});

/** Of all these objects, but for heads that are another version of the one there is. */
async function openStore(
  objects: typeof goldenObjects,
  read: (file: string) => Uint8Array,
): Promise<Awaited<ReturnType<typeof open>>> {
  const store = memoryStore({ clock: systemClock });
  for (const { file, key } of objects) {
    if (!/^(head-(?!copy)|segment-)/.test(file)) await store.put(key, read(file), { if: 'absent' });
  }
  const clock = { wallMs: () => 1_767_225_610_000, monotonicMs: () => 0 };
  return await open('memory:', { store, clock });
}

test('a slot that goes back to a state is read as that state', async () => {
  const db = await openStore(goldenObjects, golden);
  const { records, sequence } = await db.collection('papers').scan({ includeDeleted: true });
  expect(records).toEqual([{ id: 'a1', metadata: { year: 2020 } }]);
  expect(sequence).toBe(4);
  await db.close();
});

test.each([
  ['format 1', golden],
  ['format 0', older],
])('a store of objects of %s opens as the collection that it is', async (_, read) => {
  const db = await openStore(olderObjects, read);
  expect((await db.listCollections()).collections).toEqual([
    {
      name: 'papers',
      dimension: 2,
      metric: 'cosine',
      tier: 'server',
      index: { m: 16, efConstruction: 128 },
      quantization: 'sq8',
      fields: { year: { filterable: true }, abstract: { filterable: false } },
      softDeleteDays: 30,
      retentionHours: 0,
      createdAt: '2026-01-01T00:00:00.000Z',
    },
  ]);
  const include = ['vector', 'metadata', 'expires_at'];
  const { records } = await db.collection('papers').scan({ include, includeDeleted: true });
  expect(records).toEqual([
    // The third batch of slot 2 would have brought it back, but it was computed from slot 0: such a batch is passed over.
    {
      id: 'a1',
      vector: [0.5, -1],
      metadata: { year: 2020 },
      expiresAt: '2026-01-02T00:00:00.000Z',
      deleted: true,
    },
    { id: 'é', vector: [1, 2], metadata: {} },
    { id: '\u{1f600}', vector: [3, 4], metadata: { lone: '\ud800', deep: { list: [1, null, true] } } },
  ]);
  await db.close();
});

test('docs/FORMAT.md shows the bytes and sizes that this release makes', () => {
  expect(existsSync(page)).toBe(true);
  const found = readFileSync(page, 'utf8');
  const example = replaceSection(found, 'example', `\n\`\`\`text\n${exampleText()}\n\`\`\`\n`);
  const both = replaceSection(example, 'segment-example', `\n\`\`\`text\n${segmentExampleText()}\n\`\`\`\n`);
  const wanted = replaceSection(both, 'sizes', `\n${sizesText()}\n`);
  if (update) writeFileSync(page, wanted);
  else expect(found).toBe(wanted);
});
