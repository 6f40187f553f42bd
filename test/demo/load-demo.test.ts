/**
 * The demo's loader on a memory store. Strategy: load a small documentation of its own, disturb it (again, changed, cut
 * short, mixed with records of others), load again, and compare what the collection holds with what the pages say.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadDemo } from '../../cli/demo/index.js';
import { embeddingDimension } from '../../cli/demo/feature-hashing.js';
import { open } from '../../core/index.js';
import type { Collection, Database } from '../../core/index.js';

let folder: string;
let database: Database;
let log: string[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cairn-demo-'));
  mkdirSync(join(folder, 'docs'));
  writeFileSync(join(folder, 'README.md'), '# Cairn\n\nA database.\n\n## Start\n\nRun it.\n');
  writeFileSync(join(folder, 'docs', 'FILTERS.md'), '# Filters\n\nThey choose records.\n');
  database = await open('memory:');
  log = [];
});
afterEach(async () => {
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});

const load = () => loadDemo(database, { log: (line) => log.push(line), root: pathToFileURL(`${folder}/`) });
const docs = (): Collection => database.collection('docs');

/** Texts of the chunks, by page and heading. */
async function held(): Promise<readonly string[]> {
  const { records } = await docs().scan({ filter: 'EXISTS source' });
  return records
    .map(({ metadata }) => {
      const { source, heading, text } = metadata as Readonly<Record<string, string>>;
      return `${source} ${heading}: ${text}`;
    })
    .toSorted();
}

const whole = [
  'README.md Cairn > Start: Run it.',
  'README.md Cairn: A database.',
  'docs/FILTERS.md Filters: They choose records.',
];

describe('the demo', () => {
  it('loads every page, and the question', async () => {
    expect(await load()).toEqual({ chunks: 3, written: 3, deleted: 0 });
    expect(await held()).toEqual(whole);
    expect(await docs().count()).toMatchObject({ count: 4 });
    expect(log.join()).toContain('lexical, not a language model');
  });

  it('writes nothing the second time', async () => {
    await load();
    const before = (await docs().stats()).sequence;
    expect(await load()).toEqual({ chunks: 3, written: 0, deleted: 0 });
    expect((await docs().stats()).sequence).toBe(before);
    expect(log.at(-1)).toContain('unchanged');
  });

  it('replaces what changed, and only that', async () => {
    await load();
    writeFileSync(join(folder, 'docs', 'FILTERS.md'), '# Filters\n\nThey select records.\n');
    expect(await load()).toEqual({ chunks: 3, written: 1, deleted: 1 });
    expect(await held()).toEqual([...whole.slice(0, 2), 'docs/FILTERS.md Filters: They select records.']);
  });

  it('completes a load that was cut short', async () => {
    await load();
    await docs().delete({ filter: "source = 'README.md'" });
    expect(await load()).toEqual({ chunks: 3, written: 2, deleted: 0 });
    expect(await held()).toEqual(whole);
  });

  it('leaves records of others alone', async () => {
    await load();
    await docs().upsert([{ id: 'mine', vector: new Float32Array(embeddingDimension).fill(1) }]);
    rmSync(join(folder, 'docs', 'FILTERS.md'));
    expect(await load()).toMatchObject({ deleted: 1 });
    expect((await docs().fetch({ ids: ['mine'] })).records).toHaveLength(1);
  });

  it('leaves a collection of the same name alone, and says so', async () => {
    await database.createCollection('docs', { dimension: embeddingDimension });
    expect(await load()).toBeUndefined();
    expect(log).toEqual([
      expect.stringContaining('demo not loaded: collection docs exists with other settings'),
    ]);
    expect(await docs().count()).toMatchObject({ count: 0 });
  });

  it('says so where the documentation is not there', async () => {
    rmSync(join(folder, 'docs'), { recursive: true });
    expect(await load()).toBeUndefined();
    expect(log).toEqual([expect.stringContaining('demo not loaded: ENOENT')]);
  });
});
