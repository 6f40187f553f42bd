/**
 * Until `rabitq` was a coding, a collection could ask for it under any metric; under manhattan its segments have always been sq8. Strategy:
 * such a collection is made past the door that refuses it now, and goes out and in like any other, from manifests of both times.
 */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MANIFEST_FILE } from '../../cli/backup/manifest.js';
import type { Collection, Database } from '../../core/index.js';
import { Catalog } from '../../core/engine/catalog.js';
import { DEFAULT_NAMESPACE_UID } from '../../core/log/index.js';
import type { Quantization } from '../../core/log/index.js';
import { portableDeflate } from '../../core/segment/index.js';
import { systemSleep } from '../../core/system-ports.js';
import { failure, newBench, seededRandom } from '../engine/fixture.js';
import { digests, schema } from '../log/fixture.js';
import { database, exported, fill, imported, recordsOf, scratch } from './fixture.js';

const settings = { dimension: 2, metric: 'manhattan', tier: 'server' } as const;

async function old(quantization: Quantization): Promise<{ readonly db: Database; readonly c: Collection }> {
  const { clock, store, openAgain } = newBench();
  const ports = { clock, random: seededRandom(1), sleep: systemSleep, digests, deflate: portableDeflate };
  const catalog = new Catalog({ store, ports, namespace: DEFAULT_NAMESPACE_UID });
  await catalog.create('c', { ...schema, ...settings, quantization });
  const db = await openAgain();
  const c = db.collection('c');
  await fill(c, 100, 2);
  return { db, c };
}

/** As an export of before said it. */
async function sayOfBefore(folder: string, quantization: Quantization): Promise<void> {
  const path = join(folder, MANIFEST_FILE);
  const { checksum: _, ...body } = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  body['collection'] = { ...(body['collection'] as object), quantization };
  const checksum = createHash('sha256').update(JSON.stringify(body)).digest('hex');
  await writeFile(path, JSON.stringify({ ...body, checksum }));
}

it.each<readonly [Quantization]>([['rabitq'], [{ type: 'rabitq', bits: 2 }]])(
  'a collection of %j under manhattan comes back as what its segments are',
  async (quantization) => {
    const { db, c } = await old(quantization);
    expect(await c.describe()).toMatchObject({ metric: 'manhattan', quantization: 'sq8' });
    const folder = join(scratch(), 'export');
    await exported(c, folder);
    for (const isOfBefore of [false, true]) {
      if (isOfBefore) await sayOfBefore(folder, quantization);
      const target = await database();
      expect(await imported(target, folder)).toMatchObject({ created: true, count: 100 });
      expect(await target.collection('c').describe()).toMatchObject({ quantization: 'sq8' });
      expect(await recordsOf(target.collection('c'))).toEqual(await recordsOf(c));
      // Into itself, and the same export again.
      expect(await imported(db, folder)).toMatchObject({ created: false, count: 100 });
      expect(await exported(c, folder)).toMatchObject({ complete: true, rows: 100 });
    }
  },
);

it('a file goes into such a collection, and what it is described as makes it again', async () => {
  const { db, c } = await old('rabitq');
  const file = join(scratch(), 'rows.ndjson');
  await writeFile(file, '{"id":"new","vector":[1,2]}\n');
  expect(await imported(db, file, { name: 'c' })).toMatchObject({ created: false, count: 101 });
  expect((await db.createCollection('c', { ...settings, quantization: 'sq8' })).created).toBe(false);
  await failure(() => db.createCollection('c', { ...settings, quantization: 'none' }), {
    ...{ kind: 'conflict', code: 'collection_exists' },
  });
  await c.compact();
  expect(await c.count()).toMatchObject({ count: 101 });
});
