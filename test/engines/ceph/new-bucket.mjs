/** A fresh bucket, for suites and for commands that run from the build. The keys are those of the environment (`cephVariables`). */
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';

/**
 * Gives back its name.
 * @param {string} endpoint
 * @param {string} name that it begins with
 */
export async function newBucket(endpoint, name) {
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true });
  const bucket = `${name}-${Math.floor(Math.random() * 2 ** 40).toString(36)}`;
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  return bucket;
}

/** @param {string} bucket @param {string} endpoint @param {string} [prefix] @returns {string} */
export function s3Url(bucket, endpoint, prefix = 'some/prefix') {
  return `s3://${bucket}/${prefix}?endpoint=${encodeURIComponent(endpoint)}&region=us-east-1`;
}
