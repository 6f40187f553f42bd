/** The conformance suite of the store port on the R2 adapter: two bindings of one bucket in workerd. */
import { describe } from 'vitest';
import { openR2Store } from '../../../core/r2.js';
import { describeObjectStore } from '../../conformance/object-store.js';
import { hasRuntimes } from '../install.js';
import { startR2 } from './bucket.js';
import type { LocalR2 } from './bucket.js';
import { cutAfter, SpoiltBucket } from './spoilt-bucket.js';

describe.skipIf(!hasRuntimes())('on workerd', () => {
  let r2: LocalR2;
  let bucket: SpoiltBucket;

  describeObjectStore(
    'r2',
    async () => {
      r2 = await startR2();
      bucket = new SpoiltBucket(r2.bind());
      return {
        store: await openR2Store(bucket),
        openAnother: () => openR2Store(r2.bind()),
        dispose: () => r2.close(),
        // An ETag is the MD5 of most bodies.
        leeway: { versionsReturn: true },
        // R2 lists a thousand at a time, as it does here.
        manyKeys: 3_000,
        // A Worker has 128 MiB: larger ones go in parts, and never as one body.
        largeBytes: 96 * 1024 * 1024,
      };
    },
    {
      shorten: async () => bucket.use({ body: cutAfter(5_000) }),
      // No local R2 turns anybody away: what the real one documents to say is thrown in its place.
      openForbidden: async () => {
        const locked = new SpoiltBucket(r2.bind());
        const store = await openR2Store(locked);
        locked.use({
          before: ({ method }) => {
            throw new Error(`${method}: You do not have permission for that. (10003)`);
          },
        });
        return store;
      },
    },
  );
});
