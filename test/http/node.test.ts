/** The HTTP suite on the plain Node server, with both stores that it can open. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open, testServer } from './harness.js';
import { describeHttp } from './suite/index.js';
import type { StartServer } from './suite/index.js';

interface EmptyStore {
  readonly url: string;
  remove(): Promise<void>;
}

function starter(emptyStore: () => Promise<EmptyStore>): StartServer {
  return async ({ apiKeys = [], ...settings } = {}) => {
    const store = await emptyStore();
    const server = await testServer(await open(store.url), { keys: apiKeys, ...settings });
    return {
      url: server.url,
      close: async () => {
        await server.close({ graceMs: 1_000 });
        await store.remove();
      },
    };
  };
}

describeHttp(
  'Node with the memory store',
  starter(() => Promise.resolve({ url: 'memory:', remove: () => Promise.resolve() })),
);

describeHttp(
  'Node with the file store',
  starter(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'cairn-http-'));
    return { url: `file:${directory}`, remove: () => rm(directory, { recursive: true }) };
  }),
);
