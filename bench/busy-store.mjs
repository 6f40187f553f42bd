/**
 * The store that each part of the busy bench begins with: all rows in the log and nothing that would set off maintenance
 * before the bench asks for a compaction.
 */
import { openFileStore } from '../dist/core/store/adapters/node/index.js';
import { load, upsertBodies } from './collection-load.mjs';
import { connect, mustCall } from './http-client.mjs';
import { startServer } from './server-process.mjs';

const BATCH_ROWS = 5_000;

/** Servers whose thread makes no run of its own within the bench, but compacts where it is asked to; and without one. */
export const ways = {
  thread: {
    title: 'In the maintenance thread of `cairn serve`',
    serveArguments: ['--maintenance-interval-ms', '86400000'],
  },
  inline: {
    title: 'In the thread that serves (`--no-maintenance`)',
    serveArguments: ['--no-maintenance'],
  },
};

/** @typedef {(typeof ways)[keyof typeof ways]} Way */

/**
 * Loads the set through a server of its own. `also` is done with it before it is stopped.
 * @template T
 * @param {import('./real-sets.mjs').BenchSet} set
 * @param {{ folder: string, collection: string }} to
 * @param {(url: string) => Promise<T>} also
 */
export async function fillStore(set, { folder, collection }, also) {
  const server = await startServer({ store: `file:${folder}`, serveArguments: ['--no-maintenance'] });
  const client = connect(server.url);
  try {
    const { dimension, metric } = set;
    await mustCall(client, 'PUT', `/v1/collections/${collection}`, { dimension, metric });
    const loaded = await load(client, collection, upsertBodies(set, BATCH_ROWS));
    return { loaded, done: await also(server.url) };
  } finally {
    client.close();
    await server.stop();
    await forgetWork(folder);
  }
}

/** Takes away the hints that writers left, and marks the pass of the day as made. @param {string} folder */
async function forgetWork(folder) {
  const store = await openFileStore(folder, { create: false });
  const hints = await store.list('work/', { limit: 1_000 });
  await store.delete(hints.map(({ key }) => key));
  await store.put('work/pass', new Uint8Array(0), { if: 'any' });
  await store.close();
}
