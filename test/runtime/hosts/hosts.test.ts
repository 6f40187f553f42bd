/**
 * Strategy: what is bundled for each cloud, in the runtime of that cloud, or in what emulates it or stands in for it here, over a
 * store of that cloud: one HTTP suite for all.
 */
import process from 'node:process';
import { afterAll, describe } from 'vitest';
import { describeHttp } from '../../http/suite/index.js';
import { startGcsFake } from '../../engines/gcs-fake/server.js';
import { freshStore, hasStore } from './stores.js';
import { startHost } from './runtime-host.js';
import { variablesOf } from './variables.js';

const habits = {
  aws: { refusesHosts: true, readsBodies: 'whole' },
  azure: { refusesHosts: true },
  gcp: { refusesPaths: true, readsBodies: 'parsed' },
  cloudflare: { refusesHosts: true, bodyBytesMax: 16_777_216 },
  node: {},
} as const;

describe('hosts', async () => {
  const gcs = await startGcsFake();
  afterAll(() => gcs.close());
  for (const kind of (process.env['KINDS'] ?? 'aws,azure,gcp,cloudflare').split(',') as 'aws'[]) {
    describe.skipIf(!hasStore(kind))(kind, () => {
      describeHttp(
        kind,
        async (settings) => {
          const environment = { ...(await freshStore(kind, gcs)), ...variablesOf(settings) };
          const host = await startHost(kind, { binary: process.execPath, environment });
          return { ...host, ...habits[kind] };
        },
        'hosted',
      );
    });
  }
});
