/**
 * The conformance suite of the store port on the file adapter: two stores on one directory, which know of each other
 * only what is on disk. On the disk of this repository, as the system's temporary directory may be one in memory.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openFileStore } from '../../core/store/adapters/node/index.js';
import { root } from '../../scripts/set-up.mjs';
import { describeObjectStore } from './object-store.js';

describeObjectStore('file', async () => {
  const folder = join(root, 'build');
  await mkdir(folder, { recursive: true });
  const directory = await mkdtemp(join(folder, 'conformance-'));
  return {
    store: await openFileStore(directory),
    openAnother: () => openFileStore(directory),
    dispose: () => rm(directory, { recursive: true }),
  };
});
