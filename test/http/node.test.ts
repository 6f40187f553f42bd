/** The HTTP suite on the plain Node server, with both stores that it can open. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from '../../core/index.js';
import { createApp, createGuard } from '../../functions/http/index.js';
import { startServer } from '../../functions/node/index.js';
import { describeHttp } from './suite/index.js';
import type { StartServer } from './suite/index.js';

function starter(store: () => Promise<{ url: string; remove: () => Promise<void> }>): StartServer {
  return async (settings = {}) => {
    const { url, remove } = await store();
    const database = await open(url);
    const { apiKeys = [], allowAnonymous = false, corsOrigins = [], load } = settings;
    const app = createApp({
      database,
      guard: await createGuard({ keys: apiKeys, allowAnonymous, exposure: 'loopback' }),
      version: '0.0.0-test',
      clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
      newId: randomUUID,
      corsOrigins,
      ...(load === undefined ? {} : { load }),
    });
    const server = await startServer({ app, host: '127.0.0.1', port: 0, onClose: () => database.close() });
    return {
      url: server.url,
      close: async () => {
        await server.close({ graceMs: 1_000 });
        await remove();
      },
    };
  };
}

describeHttp(
  'Node, memory store',
  starter(() => Promise.resolve({ url: 'memory:', remove: () => Promise.resolve() })),
);

describeHttp(
  'Node, file store',
  starter(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'cairn-http-'));
    return { url: `file:${directory}`, remove: () => rm(directory, { recursive: true }) };
  }),
);
