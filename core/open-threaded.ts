/**
 * `open` as the library gives it: with the threads of Node, which are loaded by the first database that asks for some.
 */
import type { Database } from './engine/index.js';
import { openWith } from './open.js';
import type { OpenOptions, StartedThreads } from './open.js';

/**
 * Opens a store: `file:PATH`, `memory:`, `s3://BUCKET/PREFIX`, `az://CONTAINER/PREFIX` or `gs://BUCKET/PREFIX` (docs/STORES.md).
 * Several processes may have the same store open at once. A bucket is tested first: 10 to 14 requests.
 * Throws `CairnError`: `invalid` (`invalid_store_url`) for a URL that names no store, (`store_unfit`) for a bucket that cannot
 * keep a database, `not_found` (`store_not_found`) where there is none and none may be made, `forbidden`, `unauthenticated` or
 * `unavailable` where the store cannot be used.
 */
export async function open(url: string, options: OpenOptions = {}): Promise<Database> {
  return await openWith(startThreads, url, options);
}

/** Only here, and lazily: nothing else of the engine needs Node's threads. */
async function startThreads(count: number): Promise<StartedThreads> {
  const { nodeThreads } = await import('./threads/adapters/node/index.js');
  return await nodeThreads(count);
}
