/**
 * Out of one store and into another. Strategy: what a scan of the copy tells is compared, record by record and bit by bit,
 * with what a scan of the original told; the collections are made of what is awkward in text, numbers and time.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CollectionSettings } from '../../core/index.js';
import {
  database,
  digestOf,
  exported,
  fill,
  FORMATS,
  imported,
  odd,
  recordsOf,
  scratch,
  strange,
} from './fixture.js';

const metrics = ['cosine', 'euclidean', 'dot', 'manhattan'] as const;

describe.each(FORMATS)('as %s', (format) => {
  it.each(metrics)('a collection under %s comes back to the bit, with its settings', async (metric) => {
    const settings: CollectionSettings = {
      dimension: 6,
      metric,
      tier: 'edge',
      index: { m: 8, efConstruction: 64 },
      quantization: metric === 'manhattan' ? { type: 'pq', compression: 8 } : { type: 'rabitq', bits: 4 },
      fields: { year: {}, поле: { filterable: false } },
      softDeleteDays: 7,
    };
    const source = await (await database(`file:${scratch()}`)).createCollection('papers', settings);
    await source.upsert(strange.slice(0, 4));
    await source.compact();
    await source.upsert(strange.slice(4));
    const folder = join(scratch(), 'export');
    const manifest = await exported(source, folder, format);
    expect(manifest).toMatchObject({
      complete: true,
      sequence: 2,
      rows: strange.length,
      part_format: format,
    });

    const target = await database('memory:');
    expect(await imported(target, folder)).toMatchObject({
      collection: 'papers',
      created: true,
      rows: strange.length,
      repeated: 0,
      count: strange.length,
    });
    const copy = target.collection('papers');
    expect(await recordsOf(copy)).toEqual(await recordsOf(source));
    expect((await recordsOf(copy)).get('plain')!.vector).toEqual(odd.map(Math.fround));
    const { name, createdAt, sequence, segments, ...described } = await source.describe();
    expect(await copy.describe()).toMatchObject(described);
    expect([name, createdAt, sequence, segments].length).toBe(4);
    // And back, into a store of the first kind.
    const back = join(scratch(), 'export');
    await exported(copy, back, format);
    const again = await database(`file:${scratch()}`);
    await imported(again, back, { name: 'again' });
    expect(await recordsOf(again.collection('again'))).toEqual(await recordsOf(source));
  });

  it('soft-deleted records stay soft-deleted, and can be restored', async () => {
    const source = await (await database()).createCollection('c', { dimension: 2, metric: 'dot' });
    await fill(source, 100, 2);
    await source.compact();
    await source.delete({ filter: 'n < 10', soft: true });
    await source.delete({ filter: 'n >= 90' });
    const folder = join(scratch(), 'export');
    expect((await exported(source, folder, format)).rows).toBe(90);
    const target = await database();
    expect(await imported(target, folder)).toMatchObject({ rows: 90, count: 90 });
    const copy = target.collection('c');
    expect(await recordsOf(copy)).toEqual(await recordsOf(source));
    expect((await copy.describe()).count).toBe(80);
    expect(await copy.restore({ ids: ['record-0000003'] })).toMatchObject({ restored: 1 });
    expect((await copy.fetch({ ids: ['record-0000003'] })).records[0]!.metadata).toEqual({
      n: 3,
      even: false,
    });
  });

  it('50,000 records are several parts, whose ids ascend and whose sums are those of the files', async () => {
    const source = await (await database()).createCollection('many', { dimension: 8 });
    await fill(source, 50_000, 8);
    const folder = join(scratch(), 'export');
    const { parts, rows } = await exported(source, folder, format);
    expect(rows).toBe(50_000);
    expect(parts.map((part) => part.rows)).toEqual([16_384, 16_384, 16_384, 848]);
    expect(parts[1]).toMatchObject({ first_id: 'record-0016384', last_id: 'record-0032767' });
    expect((await readdir(folder)).sort()).toEqual(['manifest.json', ...parts.map(({ name }) => name)]);
    for (const { name, bytes } of parts) expect((await readFile(join(folder, name))).length).toBe(bytes);
    const target = await database();
    expect(await imported(target, folder)).toMatchObject({ rows: 50_000, count: 50_000, commits: 28 });
    expect(await digestOf(target.collection('many'))).toBe(await digestOf(source));
  });

  it('a collection without records is an export without parts', async () => {
    const source = await (await database()).createCollection('empty', { dimension: 3 });
    const folder = join(scratch(), 'export');
    expect(await exported(source, folder, format)).toMatchObject({ complete: true, rows: 0, parts: [] });
    const target = await database();
    expect(await imported(target, folder)).toMatchObject({ created: true, rows: 0, count: 0 });
  });

  it('a record that expires between export and import is missed by nobody', async () => {
    const source = await (await database()).createCollection('c', { dimension: 2 });
    const soon = Date.now() + 60_000;
    await source.upsert([
      { id: 'a', vector: [1, 0] },
      { id: 'soon', vector: [1, 1], expiresAt: new Date(soon).toISOString() },
    ]);
    const folder = join(scratch(), 'export');
    await exported(source, folder, format);
    const target = await database();
    await imported(target, folder, { nowMs: () => soon + 1 });
    await target.collection('c').delete({ ids: ['soon'] });
    // The next import knows by its clock that it need not be there.
    expect(await imported(target, folder, { nowMs: () => soon + 1 })).toMatchObject({ count: 1 });
  });
});
