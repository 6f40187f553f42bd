/** The app and the Node server as the tests of this folder start them. */
import { randomUUID } from 'node:crypto';
import { open } from '../../core/index.js';
import type { Database } from '../../core/index.js';
import { memoryStore } from '../../core/store/index.js';
import type { ObjectStore } from '../../core/store/index.js';
import { createApp, createGuard, webResponse } from '../../functions/http/index.js';
import type { App, AppOptions, GuardSettings } from '../../functions/http/index.js';
import { hostBytes, startServer } from '../../functions/node/index.js';
import type { RunningServer } from '../../functions/node/index.js';

const systemClock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };

export async function testApp(
  database: Database,
  options: Partial<AppOptions & GuardSettings> = {},
): Promise<App> {
  const { keys = [], exposure = 'loopback', allowAnonymous = false, ...rest } = options;
  return createApp({
    database: () => database,
    guard: await createGuard({ keys, exposure, allowAnonymous }),
    version: '0.0.0-test',
    clock: systemClock,
    newId: randomUUID,
    hostBytes,
    ...rest,
  });
}

export async function testServer(
  database: Database,
  options: Partial<AppOptions & GuardSettings> = {},
): Promise<RunningServer> {
  const app = await testApp(database, options);
  return startServer({ app, host: '127.0.0.1', port: 0, onClose: () => database.close() });
}

/** The app as hosts with the web's own types call it. */
export async function testHandler(
  ...args: Parameters<typeof testApp>
): Promise<(request: Request) => Promise<Response>> {
  const app = await testApp(...args);
  return async (request) => webResponse(await app(request));
}

/** A memory store through which tests see and hold requests. `before` runs before each put. */
export function watchedStore(before: (operation: 'put' | 'get', key: string) => Promise<void>): ObjectStore {
  const inner = memoryStore({ clock: systemClock });
  return {
    description: inner.description,
    get: async (key, options) => {
      await before('get', key);
      return inner.get(key, options);
    },
    put: async (key, bytes, options) => {
      await before('put', key);
      return inner.put(key, bytes, options);
    },
    upload: (key) => inner.upload(key),
    list: (prefix, options) => inner.list(prefix, options),
    delete: (keys) => inner.delete(keys),
    close: () => inner.close(),
  };
}

export interface Gate {
  /** Passes once the gate is open. */
  readonly passed: Promise<void>;
  open(): void;
}

export function closedGate(): Gate {
  let release = (): void => undefined;
  const passed = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { passed, open: () => release() };
}

/** Waits until `condition` holds. Bounded by the test's own time limit. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 2));
}

export { open };
