/**
 * Strategy: what is bundled for a cloud, in the runtime of that cloud, or in what emulates it or stands in for it here: the one HTTP
 * suite of all. Once over the store of that cloud on the Node that runs the tests, and once over files on the newest line of Node.
 */
import process from 'node:process';
import { afterAll, beforeAll, describe } from 'vitest';
import { describeHttp } from '../../http/suite/index.js';
import { startGcsFake } from '../../engines/gcs-fake/server.js';
import type { GcsFake } from '../../engines/gcs-fake/server.js';
import { hasNodes, hasRuntimes, otherNodes } from '../install.js';
import type { Environment } from '../node-process.js';
import { freshStore, hasStore } from './stores.js';
import { habits, startHost } from './runtime-host.js';
import type { HostKind } from './runtime-host.js';
import { variablesOf } from './variables.js';

const newest = otherNodes.at(-1)!;
const files: Environment = { CAIRN_STORE: 'file:store' };

/** A file for each, so that they run side by side. */
export function describeRuntime(kind: HostKind): void {
  const describeSuite = (where: string, binary: string, makeStore: () => Promise<Environment>): void =>
    describeHttp(
      where,
      async (settings) => {
        const environment = { ...(await makeStore()), ...variablesOf(settings) };
        return { ...(await startHost(kind, { binary, environment })), ...habits[kind] };
      },
      kind === 'node' ? 'loopback' : 'hosted',
    );

  describe.skipIf(!hasRuntimes())(`the bundle of ${kind}`, () => {
    let gcs: GcsFake;
    beforeAll(async () => {
      gcs = await startGcsFake();
    });
    afterAll(() => gcs.close());

    describe.skipIf(!hasStore(kind))('over its own store', () => {
      describeSuite(`${kind}, over its own store`, process.execPath, () => freshStore(kind, gcs));
    });
    if (kind === 'cloudflare') return;
    describe.skipIf(!hasNodes())('on the newest Node', () => {
      describeSuite(`${kind}, Node ${newest.major}`, newest.binary, () => Promise.resolve(files));
    });
  });
}
