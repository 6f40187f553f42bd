/** The suite of the engine on buckets, on a real Ceph: each database through a gateway of its own. */
import { beforeAll, describe } from 'vitest';
import { gateways, makeBucket, s3Url } from '../engines/ceph/bucket.js';
import { bucketOverHttp } from './bucket-over-http.js';
import { describeDatabaseIn } from './bucket-suite.js';

describe.skipIf(gateways.length === 0)('on Ceph', () => {
  let bucket: string;

  beforeAll(async () => {
    bucket = await makeBucket('engine');
  });

  describeDatabaseIn(
    'S3',
    bucketOverHttp({
      origin: (way) => gateways[way]!,
      urlOf: (origin, prefix) => s3Url(bucket, origin, prefix),
      create: 'PUT',
    }),
  );
});
