/** Buckets for the suites on the fake of Google Cloud Storage, and stores in them. */
import process from 'node:process';
import { openGcsStore, parseGcsUrl } from '../../../core/store/adapters/gcs/index.js';
import type { ObjectStore } from '../../../core/store/index.js';
import { systemClock, systemRandom, systemSleep } from '../../../core/system-ports.js';
import type { FakeBucket, Permission } from './objects.js';
import type { GcsFake } from './server.js';

// The variables of whoever runs the tests must not reach a test, and nobody is asked whether this is a machine of Google's.
for (const name of Object.keys(process.env)) {
  if (/^(?:GOOGLE_|GCLOUD_|CLOUDSDK_|GCE_|STORAGE_EMULATOR_HOST$)/.test(name)) delete process.env[name];
}
Object.assign(process.env, { METADATA_SERVER_DETECTION: 'none', CLOUDSDK_CONFIG: '/nonexistent' });

export const realPorts = { clock: systemClock, random: systemRandom, sleep: systemSleep };

export const everything: readonly Permission[] = [
  ...(['objects.get', 'objects.list', 'objects.create', 'objects.delete', 'buckets.get'] as const),
];

let buckets = 0;

export function makeBucket(fake: GcsFake, everyone: readonly Permission[] = everything): FakeBucket {
  return fake.makeBucket(`bucket-${++buckets}`, everyone);
}

export function gcsUrl(bucket: FakeBucket, endpoint: string, prefix: string = 'some/prefix'): string {
  return `gs://${bucket.name}/${prefix}?endpoint=${encodeURIComponent(endpoint)}`;
}

export async function openStore(url: string): Promise<ObjectStore> {
  return (await openGcsStore(parseGcsUrl(url), realPorts)).store;
}
