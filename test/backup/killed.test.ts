/**
 * The command killed with SIGKILL in the middle of an export and of an import, and called again. Held: the second call ends
 * what the first began, in the end the copy is the original, and no commit was made twice.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../cli/backup/manifest.js';
import { open } from '../../core/index.js';
import { run, start } from '../cli/command.js';
import type { Running } from '../cli/command.js';
import { fill, FORMATS, digestOf, scratch } from './fixture.js';

const ROWS = 50_000;
const DIMENSION = 16;

/** A store with a collection, in a directory that commands run in. */
async function site(): Promise<string> {
  const directory = scratch();
  const db = await open(`file:${join(directory, 'source')}`);
  await fill(await db.createCollection('papers', { dimension: DIMENSION }), ROWS, DIMENSION);
  await db.close();
  return directory;
}

async function killWhen(running: Running, there: () => Promise<boolean>): Promise<void> {
  let ended = false;
  void running.ended.then(() => (ended = true));
  while (!(await there())) {
    if (ended) throw new Error(`it ended before it could be killed: ${(await running.ended).error}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  running.child.kill('SIGKILL');
  expect((await running.ended).signal).toBe('SIGKILL');
}

/** Log slots of all collections of a store. */
async function slots(store: string): Promise<number> {
  if (!existsSync(store)) return 0;
  const names = await readdir(store, { recursive: true });
  return names.filter((name) => /(?:^|\/)log\/[^/]+$/.test(name)).length;
}

describe.each(FORMATS)('as %s', (format) => {
  it('an export, then an import are killed and repeated', async () => {
    const directory = await site();
    const folder = join(directory, 'export');
    const exporting = ['export', 'papers', '--store', 'file:source', '--out', 'export', '--format', format];
    const manifest = async (): Promise<Manifest> =>
      JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as Manifest;
    await killWhen(start(exporting, { directory }), async () => {
      if (!existsSync(join(folder, 'manifest.json'))) return false;
      return (await manifest()).parts.length > 0;
    });
    const begun = await manifest();
    expect(begun.complete).toBe(false);
    const exported = await run(exporting, { directory });
    expect(exported).toMatchObject({ code: 0, error: '' });
    expect(exported.out).toContain(`${begun.parts.length} of them from an earlier run`);
    expect(await manifest()).toMatchObject({ complete: true, rows: ROWS, id: begun.id });
    expect((await manifest()).parts.slice(0, begun.parts.length)).toEqual(begun.parts);

    const importing = ['import', 'export', '--store', 'file:copy', '--json'];
    await killWhen(start(importing, { directory }), async () => (await slots(join(directory, 'copy'))) > 2);
    const imported = await run(importing, { directory });
    expect(imported).toMatchObject({ code: 0, error: '' });
    const result = JSON.parse(imported.out) as { readonly commits: number; readonly repeated: number };
    expect(result).toMatchObject({ rows: ROWS, count: ROWS, sequence: result.commits });
    expect(result.repeated).toBeGreaterThan(1);
    expect(result.repeated).toBeLessThan(result.commits);
    const [source, copy] = await Promise.all(
      ['source', 'copy'].map((store) => open(`file:${join(directory, store)}`)),
    );
    expect(await digestOf(copy!.collection('papers'))).toEqual(await digestOf(source!.collection('papers')));
    await Promise.all([source!.close(), copy!.close()]);
  }, 180_000);
});
