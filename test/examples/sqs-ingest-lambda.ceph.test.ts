/** The Lambda that ingests from SQS, on a bucket behind two gateways, as it is deployed. */
import { beforeAll, describe } from 'vitest';
import { gateways, makeBucket, s3Url } from '../engines/ceph/bucket.js';
import { describeIngest } from './sqs-ingest-suite.js';

describe.skipIf(gateways.length === 0)('with a Ceph', () => {
  let bucket: string;
  let stores = 0;

  beforeAll(async () => {
    bucket = await makeBucket('sqs');
  });

  describeIngest('Ceph', () => s3Url(bucket, gateways[stores % gateways.length]!, `store-${stores++}`));
});
