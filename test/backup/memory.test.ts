/**
 * 50,000 records through a heap that has no room for them. The command runs with V8's heap limited; a run that keeps what it
 * has read ends with an error of the heap. Their vectors alone would be 102 MB as numbers of JavaScript.
 */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { open } from '../../core/index.js';
import { run } from '../cli/command.js';
import { fill, FORMATS, scratch } from './fixture.js';

const ROWS = 50_000;
const DIMENSION = 256;
const HEAP_MB = 80;

it('export and import take no more memory for more records', async () => {
  const directory = scratch();
  const db = await open(`file:${join(directory, 'source')}`);
  await fill(await db.createCollection('wide', { dimension: DIMENSION }), ROWS, DIMENSION);
  await db.close();
  const options = { directory, environment: { NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}` } };
  for (const format of FORMATS) {
    const out = ['--store', 'file:source', '--out', format, '--format', format, '--json'];
    const exported = await run(['export', 'wide', ...out], options);
    expect(exported).toMatchObject({ code: 0, error: '' });
    expect(JSON.parse(exported.out)).toMatchObject({ rows: ROWS });
    const into = ['--store', `file:copy-${format}`, '--json'];
    const imported = await run(['import', format, ...into], options);
    expect(imported).toMatchObject({ code: 0, error: '' });
    expect(JSON.parse(imported.out)).toMatchObject({ rows: ROWS, count: ROWS });
  }
}, 180_000);
