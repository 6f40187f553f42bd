/** For each runtime an empty store of its own cloud, as the variables that a deployment has: where it lies, and how to get in. */
import { makeBucket as makeCephBucket, gateways, s3Url } from '../../engines/ceph/bucket.js';
import { cephVariables } from '../../engines/ceph/cluster.js';
import { account } from '../../engines/azurite/azurite.js';
import { azureUrl, azurite, azuriteOrigin, makeContainer } from '../../engines/azurite/container.js';
import { gcsUrl, makeBucket as makeGcsBucket } from '../../engines/gcs-fake/bucket.js';
import type { GcsFake } from '../../engines/gcs-fake/server.js';
import type { Environment } from '../node-process.js';
import type { HostKind } from './runtime-host.js';

/** Whether the store can be had here. Where not, the set-up has said so. */
export function hasStore(kind: HostKind): boolean {
  if (kind === 'aws') return gateways.length > 0;
  return kind !== 'azure' || azurite !== undefined;
}

/** `gcs`: only for `gcp`, in place of the service that is not to be had. */
export async function freshStore(kind: HostKind, gcs: GcsFake): Promise<Environment> {
  return await makers[kind](gcs);
}

const makers: Readonly<Record<HostKind, (gcs: GcsFake) => Environment | Promise<Environment>>> = {
  aws: async () => {
    const url = s3Url(await makeCephBucket('lambda'), gateways[0]!);
    // What requests leave out there, this store cannot do without: it finds out how conditions have to be spelt.
    return { CAIRN_STORE: `${url}&self_test=true`, ...cephVariables };
  },
  azure: async () => ({
    CAIRN_STORE: azureUrl(await makeContainer('functions'), azuriteOrigin()),
    AZURE_STORAGE_ACCOUNT: account,
    AZURE_STORAGE_KEY: azurite!.key,
  }),
  gcp: (gcs) => ({
    CAIRN_STORE: gcsUrl(makeGcsBucket(gcs), gcs.url),
    METADATA_SERVER_DETECTION: 'none',
    CLOUDSDK_CONFIG: '/nonexistent',
  }),
  // Its bucket of R2 is a binding, and a new one with each Worker.
  cloudflare: () => ({}),
  node: () => ({ CAIRN_STORE: 'file:store' }),
};
