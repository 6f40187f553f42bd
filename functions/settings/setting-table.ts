/**
 * Every setting of the command, the server and the handlers: its names, how its text is read, its range and default. The page
 * docs/CONFIGURATION.md has the same table, and a test compares them.
 */
import * as z from 'zod';
import { limits } from '../../core/base/limits.js';
import { loadDefaults } from '../http/index.js';

export interface Setting {
  /** As cairn.toml spells it. */
  readonly key: string;
  /** Environment variables, the strongest first. */
  readonly variables: readonly string[];
  /**
   * Long flag without dashes; absent where a flag would put a secret into the process list, or the command has no use for it. One that
   * starts with `no-` turns off what is on by default.
   */
  readonly flag?: string;
  /** Its value is in no message. */
  readonly secret?: true;
  /** How a text of the environment or a flag becomes a value. */
  readonly read: 'text' | 'number' | 'boolean' | 'list';
  readonly schema: z.ZodType;
  /** In words of the reader: what a refused value should have been. */
  readonly wanted: string;
  /** For `--help`. */
  readonly help: string;
}

const origin = /^(?:\*|https?:\/\/[^/\s*,]+)$/;
const apiKey = /^[\x21-\x2b\x2d-\x7e]{1,256}$/;

const table = {
  store: {
    key: 'store',
    variables: ['CAIRN_STORE'],
    flag: 'store',
    read: 'text',
    schema: z.string().min(1).default('file:./.cairn'),
    wanted:
      'a store URL such as file:./.cairn, s3://bucket/prefix, az://container/prefix, gs://bucket/prefix or memory:',
    help: 'where the data lives: file:PATH, s3://BUCKET/PREFIX, az://CONTAINER/PREFIX, gs://BUCKET/PREFIX or memory:',
  },
  storeCustomerKey: {
    key: 'store_customer_key',
    variables: ['CAIRN_STORE_CUSTOMER_KEY'],
    secret: true,
    read: 'text',
    schema: z
      .string()
      .regex(/^[A-Za-z0-9+/]{43}=$/)
      .optional(),
    wanted: '32 bytes in base64',
    help: 'key that the bucket encrypts with and forgets',
  },
  host: {
    key: 'host',
    variables: ['CAIRN_HOST'],
    flag: 'host',
    read: 'text',
    schema: z.string().min(1).max(255).default('127.0.0.1'),
    wanted: 'a host name or address',
    help: 'address to listen on',
  },
  port: {
    key: 'port',
    variables: ['CAIRN_PORT', 'PORT'],
    flag: 'port',
    read: 'number',
    schema: z.int().min(0).max(65_535).default(8_080),
    wanted: 'an integer from 0 to 65535',
    help: 'port to listen on, 0 for a free one',
  },
  demo: {
    key: 'demo',
    variables: ['CAIRN_DEMO'],
    flag: 'demo',
    read: 'boolean',
    schema: z.boolean().default(false),
    wanted: 'true or false',
    help: 'load a demo collection if it is not there',
  },
  apiKeys: {
    key: 'api_keys',
    variables: ['CAIRN_API_KEYS'],
    secret: true,
    read: 'list',
    schema: z.array(z.string().regex(apiKey)).max(1_000).default([]),
    wanted: 'keys of 1 to 256 printable ASCII characters, without spaces and commas',
    help: 'keys that callers must present',
  },
  allowAnonymous: {
    key: 'allow_anonymous',
    variables: ['CAIRN_ALLOW_ANONYMOUS'],
    read: 'boolean',
    schema: z.boolean().default(false),
    wanted: 'true or false',
    help: 'serve anyone without keys',
  },
  corsOrigins: {
    key: 'cors_origins',
    variables: ['CAIRN_CORS_ORIGINS'],
    flag: 'cors-origins',
    read: 'list',
    schema: z.array(z.string().regex(origin)).max(1_000).default([]),
    wanted: 'origins such as https://app.example.com, or *',
    help: 'web origins whose pages may call, separated by commas',
  },
  tier: {
    key: 'tier',
    variables: ['CAIRN_TIER'],
    flag: 'tier',
    read: 'text',
    schema: z.enum(['server', 'edge']).optional(),
    wanted: 'server or edge',
    help: 'tier of new collections, and of this server: server or edge',
  },
  memoryBudgetBytes: {
    key: 'memory_budget_bytes',
    variables: ['CAIRN_MEMORY_BUDGET_BYTES'],
    flag: 'memory-budget-bytes',
    read: 'number',
    schema: z.int().min(16_777_216).optional(),
    wanted: 'an integer of at least 16777216',
    help: 'memory for loaded collections',
  },
  threads: {
    key: 'threads',
    variables: ['CAIRN_THREADS'],
    flag: 'threads',
    read: 'number',
    schema: z.int().min(0).max(limits.threads).optional(),
    wanted: `an integer from 0 to ${limits.threads}`,
    help: 'threads that search beside the first',
  },
  hedgeReads: {
    key: 'hedge_reads',
    variables: ['CAIRN_HEDGE_READS'],
    flag: 'hedge-reads',
    read: 'boolean',
    schema: z.boolean().default(false),
    wanted: 'true or false',
    help: 'ask twice for ranges that take unusually long',
  },
  cacheDirectory: {
    key: 'cache_directory',
    variables: ['CAIRN_CACHE_DIRECTORY'],
    flag: 'cache-directory',
    read: 'text',
    schema: z.string().min(1).optional(),
    wanted: 'a directory of a local disk',
    help: 'keep what was read from a bucket in a directory',
  },
  cacheBytes: {
    key: 'cache_bytes',
    variables: ['CAIRN_CACHE_BYTES'],
    flag: 'cache-bytes',
    read: 'number',
    schema: z.int().min(1_048_576).default(limits.warmCacheBytes),
    wanted: 'an integer of at least 1048576',
    help: 'bytes that the cache directory may hold',
  },
  cacheApi: {
    key: 'cache_api',
    variables: ['CAIRN_CACHE_API'],
    read: 'boolean',
    schema: z.boolean().default(false),
    wanted: 'true or false',
    help: "keep what was read from a bucket in a Worker's cache",
  },
  subrequests: {
    key: 'subrequests',
    variables: ['CAIRN_SUBREQUESTS'],
    read: 'number',
    schema: z.int().min(50).max(1_000_000).default(limits.invocationRequests),
    wanted: 'an integer from 50 to 1000000',
    help: 'requests that an invocation of a Worker may make',
  },
  maxConcurrentRequests: {
    key: 'max_concurrent_requests',
    variables: ['CAIRN_MAX_CONCURRENT_REQUESTS'],
    flag: 'max-concurrent-requests',
    read: 'number',
    schema: z.int().min(1).max(100_000).default(loadDefaults.requests),
    wanted: 'an integer from 1 to 100000',
    help: 'requests under way before 503',
  },
  maxBodyBytesInFlight: {
    key: 'max_body_bytes_in_flight',
    variables: ['CAIRN_MAX_BODY_BYTES_IN_FLIGHT'],
    flag: 'max-body-bytes-in-flight',
    read: 'number',
    schema: z.int().min(67_108_864).default(loadDefaults.bodyBytes),
    wanted: 'an integer of at least 67108864, one largest body',
    help: 'bytes of bodies in memory before 503',
  },
  maintenance: {
    key: 'maintenance',
    variables: ['CAIRN_MAINTENANCE'],
    flag: 'no-maintenance',
    read: 'boolean',
    schema: z.boolean().default(true),
    wanted: 'true or false',
    help: 'leave compaction and collection to others',
  },
  maintenanceIntervalMs: {
    key: 'maintenance_interval_ms',
    variables: ['CAIRN_MAINTENANCE_INTERVAL_MS'],
    flag: 'maintenance-interval-ms',
    read: 'number',
    schema: z.int().min(100).max(86_400_000).default(limits.maintenanceIntervalMs),
    wanted: 'an integer from 100 to 86400000',
    help: 'between runs of maintenance',
  },
  shutdownGraceMs: {
    key: 'shutdown_grace_ms',
    variables: ['CAIRN_SHUTDOWN_GRACE_MS'],
    flag: 'shutdown-grace-ms',
    read: 'number',
    schema: z.int().min(0).max(600_000).default(10_000),
    wanted: 'an integer from 0 to 600000',
    help: 'how long a shutdown waits for answers under way',
  },
} as const satisfies Readonly<Record<string, Setting>>;

export const settingTable: Readonly<Record<string, Setting>> = table;

/** Settings with every default filled in. */
export interface Settings {
  readonly store: string;
  readonly storeCustomerKey?: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly demo: boolean;
  readonly apiKeys: readonly string[];
  readonly allowAnonymous: boolean;
  readonly corsOrigins: readonly string[];
  /** Absent: the handler's own. */
  readonly tier?: 'server' | 'edge' | undefined;
  readonly memoryBudgetBytes?: number | undefined;
  /** Absent: by the cores that there are. */
  readonly threads?: number | undefined;
  readonly hedgeReads: boolean;
  readonly cacheDirectory?: string | undefined;
  readonly cacheBytes: number;
  readonly cacheApi: boolean;
  readonly subrequests: number;
  readonly maxConcurrentRequests: number;
  readonly maxBodyBytesInFlight: number;
  readonly maintenance: boolean;
  readonly maintenanceIntervalMs: number;
  readonly shutdownGraceMs: number;
}
