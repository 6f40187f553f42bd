/**
 * The suite of the engine on buckets, on R2 in workerd: each database with a binding of its own. No URL names such a bucket, so
 * that no server opens it.
 */
import { afterAll, beforeAll, describe } from 'vitest';
import { open } from '../../../core/index.js';
import { openR2Store } from '../../../core/r2.js';
import type { R2Binding } from '../../../core/r2.js';
import { describeDatabaseIn } from '../../engine/bucket-suite.js';
import type { Losses, OpenIn } from '../../engine/bucket-suite.js';
import { hasRuntimes } from '../install.js';
import { startR2 } from './bucket.js';
import type { LocalR2 } from './bucket.js';
import { SpoiltBucket } from './spoilt-bucket.js';
import type { SpoilRule } from './spoilt-bucket.js';

describe.skipIf(!hasRuntimes())('on workerd', () => {
  let r2: LocalR2;

  beforeAll(async () => {
    r2 = await startR2();
  });
  afterAll(() => r2.close());

  const openBy = async (name: string, bucket: R2Binding, ...[prefix, options]: Parameters<OpenIn>) => {
    const store = await openR2Store(bucket, { name, prefix, selfTest: false });
    return await open(`r2:${name}`, { ...options, store });
  };
  const openPlain: OpenIn = (...asked) => openBy('BUCKET', r2.bind(), ...asked);

  describeDatabaseIn('R2', {
    ways: [openPlain, openPlain],
    spoilt: async (way) => {
      const bucket = new SpoiltBucket(r2.bind());
      return {
        open: (...asked) => openBy(`SPOILT_${way}`, bucket, ...asked),
        methods: () => bucket.seen,
        lose: (losses) => bucket.use(losses === undefined ? {} : ruleOf(losses)),
      };
    },
    methods: { create: 'put', read: 'get' },
  });
});

function ruleOf({ request, answer }: Losses): SpoilRule {
  return {
    before: ({ method }) => {
      if (request()) throw new Error(`${method}: Reduce your rate of requests for the same object. (10058)`);
    },
    after: ({ method }) => {
      const end = answer();
      if (end === 'lost') throw new Error('Network connection lost.');
      if (end === 'failed')
        throw new Error(`${method}: We encountered an internal error. Please try again. (10001)`);
    },
  };
}
