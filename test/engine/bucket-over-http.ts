/** What the suite on buckets needs of a store that is reached over HTTP: faults are those of a proxy before it. */
import { onTestFinished } from 'vitest';
import { open } from '../../core/index.js';
import { startFaultProxy } from '../engines/fault-proxy.js';
import type { BucketHarness, Losses, OpenIn, Way } from './bucket-suite.js';
import type { FaultRule } from '../engines/fault-proxy.js';

export interface HttpBucket {
  /** `http://127.0.0.1:PORT`. */
  readonly origin: (way: Way) => string;
  /** Of what lies under `prefix`, by this origin or by that of a proxy before it. */
  readonly urlOf: (origin: string, prefix: string) => string;
  /** The method that makes an object. */
  readonly create: 'PUT' | 'POST';
}

/** Asks for the bucket only when a test does. */
export function bucketOverHttp({ origin, urlOf, create }: HttpBucket): BucketHarness {
  const openBy =
    (from: () => string): OpenIn =>
    (prefix, options) =>
      open(urlOf(from(), prefix), options);
  return {
    ways: [openBy(() => origin(0)), openBy(() => origin(1))],
    spoilt: async (way) => {
      const proxy = await startFaultProxy(origin(way));
      onTestFinished(() => proxy.close());
      return {
        open: openBy(() => proxy.url),
        methods: () => proxy.seen.map((line) => line.split(' ')[0]!),
        lose: (losses) => proxy.use(losses === undefined ? {} : ruleOf(losses)),
      };
    },
    methods: { create, read: 'GET' },
    urlOf: (prefix) => urlOf(origin(0), prefix),
  };
}

function ruleOf({ request, answer }: Losses): FaultRule {
  return {
    before: () => (request() ? 'drop' : undefined),
    after: (_, answered) => {
      const end = answer();
      if (end === 'failed') Object.assign(answered, { status: 500, body: Buffer.alloc(0), headers: {} });
      return end === 'lost' ? 'drop' : undefined;
    },
  };
}
