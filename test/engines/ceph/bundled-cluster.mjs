/** The cluster for commands that run from the build: Node 20 runs no TypeScript. */
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { root } from '../../../scripts/set-up.mjs';
import { bundle } from '../../fuzz/bundle.mjs';

/** In a bundle it would be found from where the bundle lies. */
export const rootOfSources = {
  file: 'scripts/set-up.mjs',
  find: "fileURLToPath(new URL('..', import.meta.url))",
  replace: JSON.stringify(root),
};

/**
 * Installs Ceph where it is missing, and sets the variables that programs with an SDK find its keys by.
 * @returns {Promise<import('./cluster.js').Cluster>}
 */
export async function startBundledCluster() {
  const file = await bundle('test/engines/ceph/cluster', [rootOfSources]);
  /** @type {typeof import('./cluster.js')} */
  const { cephVariables, installCeph, startCluster } = await import(pathToFileURL(file).href);
  if (!installCeph())
    throw new Error('there is no Ceph here: sudo apt-get install radosgw ceph-mon ceph-osd');
  Object.assign(process.env, cephVariables);
  return await startCluster();
}
