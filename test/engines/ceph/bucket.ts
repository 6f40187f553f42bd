/** Buckets for the suites on Ceph, and stores in them. */
import process from 'node:process';
import { CreateBucketCommand, PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import { inject } from 'vitest';
import { openS3Store, parseS3Url } from '../../../core/store/adapters/s3/index.js';
import type { ObjectStore } from '../../../core/store/index.js';
import { systemClock, systemRandom, systemSleep } from '../../../core/system-ports.js';
import { cephKeys } from './cluster.js';

/** None where there is no Ceph: then suites skip themselves, and the set-up has said so. */
export const gateways: readonly string[] = inject('cephGateways');

// What users do. The variables of whoever runs the tests must not reach a test.
for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
Object.assign(process.env, {
  AWS_ACCESS_KEY_ID: cephKeys.id,
  AWS_SECRET_ACCESS_KEY: cephKeys.secret,
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
});

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
  const client = new S3Client({ endpoint: gateways[0]!, region: 'us-east-1', forcePathStyle: true });
  const bucket = `${name}-${Math.floor(Math.random() * 2 ** 40).toString(36)}`;
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  if (access !== 'own') {
    const Policy = everyone(bucket, actions[access]);
    await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
  }
  client.destroy();
  return bucket;
}

export function s3Url(bucket: string, endpoint: string, prefix: string = 'some/prefix'): string {
  return `s3://${bucket}/${prefix}?endpoint=${encodeURIComponent(endpoint)}&region=us-east-1`;
}

export const realPorts = { clock: systemClock, random: systemRandom, sleep: systemSleep };

export async function openStore(url: string): Promise<ObjectStore> {
  return (await openS3Store(parseS3Url(url), realPorts)).store;
}
