/** Buckets for the suites on Ceph, and stores in them. */
import process from 'node:process';
import { PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import { inject } from 'vitest';
import { openS3Store, parseS3Url } from '../../../core/store/adapters/s3/index.js';
import type { ObjectStore } from '../../../core/store/index.js';
import { systemClock, systemRandom, systemSleep } from '../../../core/system-ports.js';
import { cephVariables } from './cluster.js';
import { newBucket, s3Url } from './new-bucket.mjs';

export { s3Url };

/** None where there is no Ceph: then suites skip themselves, and the set-up has said so. */
export const gateways: readonly string[] = inject('cephGateways');

// What users do. The variables of whoever runs the tests must not reach a test.
for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
Object.assign(process.env, cephVariables);

const everyone = (bucket: string, action: string | readonly string[]): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: '*',
        Action: action,
        Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
      },
    ],
  });

const actions = { open: 's3:*', readable: ['s3:GetObject', 's3:ListBucket'] } as const;

/** `open`: to everyone, without a signature, so that a proxy may change what the signature covers. `readable`: only that. */
export async function makeBucket(
  name: string,
  access: 'own' | keyof typeof actions = 'own',
): Promise<string> {
  const bucket = await newBucket(gateways[0]!, name);
  if (access !== 'own') {
    const client = new S3Client({ endpoint: gateways[0]!, region: 'us-east-1', forcePathStyle: true });
    const Policy = everyone(bucket, actions[access]);
    await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
    client.destroy();
  }
  return bucket;
}

export const realPorts = { clock: systemClock, random: systemRandom, sleep: systemSleep };

export async function openStore(url: string): Promise<ObjectStore> {
  return (await openS3Store(parseS3Url(url), realPorts)).store;
}
