/**
 * The conformance suite of the store port on the file adapter: two stores on one directory, which know of each other
 * only what is on disk.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFileStore } from '../../core/store/adapters/node/index.js';
import { describeObjectStore } from './object-store.js';

describeObjectStore('file', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cairn-conformance-'));
  return {
    store: await openFileStore(directory),
    openAnother: () => openFileStore(directory),
    dispose: () => rm(directory, { recursive: true }),
  };
});
