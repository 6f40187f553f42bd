/**
 * A store's URL to a store, and the cache before it: the one place that knows the adapters by name. Each is loaded by the first
 * URL that needs it.
 */
import { invalid } from './base/errors.js';
import { limits } from './base/limits.js';
import type { Clock, Deflate, Digests } from './base/ports.js';
import { mustBeObject, mustHaveOnly, optionalInteger } from './engine/index.js';
import { portableDeflate } from './segment/index.js';
import type { BucketOptions, BucketPorts } from './store/adapters/bucket/index.js';
import { memoryStore } from './store/index.js';
import type { ObjectStore, WarmCache } from './store/index.js';
import { systemRandom, systemSleep } from './system-ports.js';

export interface WarmDirectory {
  readonly directory: string;
  readonly bytes?: number;
}

export interface WarmWish {
  readonly warmCache?: WarmDirectory | WarmCache;
  /** A store of the caller's own. */
  readonly store?: ObjectStore;
}

const WARM_BYTES = {
  name: 'warmCacheBytes',
  min: 1024 * 1024,
  max: Number.MAX_SAFE_INTEGER,
  fallback: limits.warmCacheBytes,
} as const;
/** Throws `invalid` (`warm_cache_unfit`) for a store that is as near as the cache would be. */
export async function openWarmCache(
  { warmCache, store }: WarmWish,
  url: unknown,
): Promise<WarmCache | undefined> {
  if (warmCache === undefined) return undefined;
  if (store === undefined && /^(?:file|memory):/.test(String(url))) {
    const message =
      'a warm cache is for buckets: a store of file: or memory: is as near as the cache would be';
    throw invalid('warm_cache_unfit', message);
  }
  const fields = mustBeObject(warmCache, 'warmCache');
  if (typeof fields['get'] === 'function') return warmCache as WarmCache;
  mustHaveOnly(fields, ['directory', 'bytes'], 'warmCache');
  const { directory } = fields;
  if (typeof directory !== 'string' || directory === '')
    throw invalid('invalid_request', 'warmCache.directory must be a path', { field: 'warmCache.directory' });
  const bytes = optionalInteger(fields['bytes'], WARM_BYTES);
  const node = await import('./store/adapters/node/index.js');
  return node.warmDirectory({ directory, bytes });
}

export interface OpenedStore {
  readonly store: ObjectStore;
  /** The host's own, where it has one that is faster than the portable one. */
  readonly sha256: Digests['sha256'] | undefined;
  readonly deflate: Deflate;
}

/** One that a host brings nothing of its own to. */
export function portableStore(store: ObjectStore): OpenedStore {
  return { store, sha256: undefined, deflate: portableDeflate };
}

export interface StoreWish {
  readonly clock: Clock;
  /** Of a directory that is not there. */
  readonly create: boolean;
  readonly customerKey: Uint8Array | undefined;
}

export async function openStore(
  url: unknown,
  { clock, create, customerKey }: StoreWish,
): Promise<OpenedStore> {
  const bucket = typeof url === 'string' ? bucketOpeners.get(url.split(':', 1)[0]!) : undefined;
  if (typeof url === 'string' && bucket !== undefined) return openBucket(bucket, url, { clock, customerKey });
  if (customerKey !== undefined)
    throw invalid('invalid_customer_key', 'a customer key is for stores in buckets: others encrypt nothing');
  if (url === 'memory:') return portableStore(memoryStore({ clock }));
  if (typeof url === 'string' && url.startsWith('file:') && url.length > 'file:'.length) {
    // Only here, and lazily: nothing else of the engine needs Node.
    const node = await import('./store/adapters/node/index.js');
    const store = await node.openFileStore(filePath(url), { create });
    return { store, sha256: node.nodeSha256, deflate: node.nodeDeflate };
  }
  if (typeof url === 'string' && url.startsWith('r2:'))
    throw invalid('invalid_store_url', BINDING_NEEDED, { store: JSON.stringify(url.slice(0, 200)) });
  const shown = typeof url === 'string' ? JSON.stringify(url.slice(0, 200)) : typeof url;
  throw invalid(
    'invalid_store_url',
    `store ${shown} is neither file:PATH, s3://BUCKET/PREFIX, az://CONTAINER/PREFIX, gs://BUCKET/PREFIX nor memory:`,
    {
      store: shown,
    },
  );
}

const BINDING_NEEDED =
  'an r2: store is a binding of a Worker, which no URL names: open it with openR2Store of cairndb/r2, and pass it as `store`';

type BucketOpener = (url: string, ports: BucketPorts, options: BucketOptions) => Promise<ObjectStore>;

/** By scheme. Lazily: whoever has no such URL loads no SDK. */
const bucketOpeners: ReadonlyMap<string, BucketOpener> = new Map([
  [
    's3',
    async (url, ports, options) => {
      const { openS3Store, parseS3Url } = await import('./store/adapters/s3/index.js');
      return (await openS3Store(parseS3Url(url), ports, options)).store;
    },
  ],
  [
    'gs',
    async (url, ports, options) => {
      const { openGcsStore, parseGcsUrl } = await import('./store/adapters/gcs/index.js');
      return (await openGcsStore(parseGcsUrl(url), ports, options)).store;
    },
  ],
  [
    'az',
    async (url, ports, options) => {
      const { openAzureStore, parseAzureUrl } = await import('./store/adapters/azure/index.js');
      return (await openAzureStore(parseAzureUrl(url), ports, options)).store;
    },
  ],
]);

/** With the real timers, which end requests and not waits of the engine. */
async function openBucket(
  opener: BucketOpener,
  url: string,
  { clock, customerKey }: Omit<StoreWish, 'create'>,
): Promise<OpenedStore> {
  const ports = { clock, random: systemRandom, sleep: systemSleep };
  const store = await opener(url, ports, customerKey === undefined ? {} : { customerKey });
  try {
    const { nodeSha256, nodeDeflate } = await import('./store/adapters/node/index.js');
    return { store, sha256: nodeSha256, deflate: nodeDeflate };
  } catch {
    return portableStore(store);
  }
}

/** `file:./a`, `file:/a` and `file:///a`. A path is taken as it is written, without percent-decoding. */
function filePath(url: string): string {
  const path = url.slice('file:'.length);
  return path.startsWith('///') ? path.slice(2) : path;
}
