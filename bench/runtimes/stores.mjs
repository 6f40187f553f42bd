/** For each runtime an empty store of its own cloud, for benches, which run outside of vitest. */
import { ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { pathToFileURL } from 'node:url';
import { rootOfSources, startBundledCluster } from '../../test/engines/ceph/bundled-cluster.mjs';
import { newBucket, s3Url } from '../../test/engines/ceph/new-bucket.mjs';
import { bundle } from '../../test/fuzz/bundle.mjs';

/** @typedef {import('../../test/runtime/hosts/runtime-host.js').HostKind} HostKind */

/**
 * @typedef {object} OpenedStore
 * @property {string} name for people
 * @property {Record<string, string>} environment as a deployment has it
 * @property {() => Promise<void>} close
 */

/** @param {string} entry */
async function load(entry) {
  return await import(pathToFileURL(await bundle(entry, [rootOfSources])).href);
}

const nothing = async () => {};

/** @type {Readonly<Record<HostKind, () => Promise<OpenedStore>>>} */
const openers = {
  aws: async () => {
    const cluster = await startBundledCluster();
    const [gateway = ''] = cluster.gateways;
    const url = s3Url(await newBucket(gateway, 'lambda'), gateway);
    const keys = Object.entries(process.env).flatMap(([name, value]) =>
      name.startsWith('AWS_') && value !== undefined ? [[name, value]] : [],
    );
    return {
      name: 'S3 (Ceph)',
      // Requests leave the test out, and this store cannot do without: it finds out how conditions have to be spelt.
      environment: { ...Object.fromEntries(keys), CAIRN_STORE: `${url}&self_test=true` },
      close: () => cluster.stop(),
    };
  },
  azure: async () => {
    /** @type {typeof import('../../test/engines/azurite/azurite.js')} */
    const { account, startAzurite } = await load('test/engines/azurite/azurite');
    const { endpoint, key, stop } = await startAzurite();
    const credential = new StorageSharedKeyCredential(account, key);
    await new ContainerClient(`${endpoint}/functions`, credential).create();
    return {
      name: 'Azure Blob (azurite)',
      environment: {
        AZURE_STORAGE_ACCOUNT: account,
        AZURE_STORAGE_KEY: key,
        CAIRN_STORE: `az://functions/cairn?endpoint=${encodeURIComponent(endpoint)}`,
      },
      close: stop,
    };
  },
  gcp: async () => {
    /** @type {typeof import('../../test/engines/gcs-fake/server.js')} */
    const { startGcsFake } = await load('test/engines/gcs-fake/server');
    const fake = await startGcsFake();
    fake.makeBucket('functions', [
      ...['objects.get', 'objects.list', 'objects.create', 'objects.delete', 'buckets.get'],
    ]);
    return {
      name: 'Google Cloud Storage (a fake)',
      environment: {
        METADATA_SERVER_DETECTION: 'none',
        CLOUDSDK_CONFIG: '/nonexistent',
        CAIRN_STORE: `gs://functions/cairn?endpoint=${encodeURIComponent(fake.url)}`,
      },
      close: () => fake.close(),
    };
  },
  // Its bucket is a binding, and a new one with each Worker.
  cloudflare: async () => ({ name: 'R2 (workerd)', environment: {}, close: nothing }),
  node: async () => ({ name: 'a directory', environment: { CAIRN_STORE: 'file:store' }, close: nothing }),
};

/** @param {HostKind} kind */
export async function openOwnStore(kind) {
  return await openers[kind]();
}
