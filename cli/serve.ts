/** `cairn serve`: opens the store, serves it, and closes both in order when told to stop. */
import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { limits, open } from '../core/index.js';
import type { Database } from '../core/index.js';
import { createApp, createGuard, failureLine } from '../functions/http/index.js';
import type { App } from '../functions/http/index.js';
import {
  anonymousNotice,
  guardSettings,
  hostBytes,
  MaintenanceThread,
  startServer,
} from '../functions/node/index.js';
import { storeOptions } from '../functions/settings/index.js';
import type { Settings } from '../functions/settings/index.js';
import { demoLines, loadDemo } from './demo/index.js';
import type { Terminal } from './terminal.js';

/** What `open` takes where no budget is set. */
const DEFAULT_BUDGET = 1024 * 1024 * 1024;

/** Resolves when the server has been told to stop and has stopped. */
export async function serve(settings: Settings, version: string, terminal: Terminal): Promise<void> {
  const { out } = terminal;
  const stopped = stopSignal();
  const lock = guardSettings(settings);
  const stopping = new AbortController();
  const thread = maintenanceThread(settings, terminal);
  const database = await openStore(settings, thread);
  const server = await closingOnFailure(database, async () =>
    startServer({
      app: await appOf(settings, { database, version, terminal, stopping: stopping.signal }),
      host: settings.host,
      port: settings.port,
      onClose: () => database.close(),
    }),
  );
  // After the port is taken: a second start by mistake must not write.
  const demo = settings.demo && (await loadDemo(database, { log: out })) !== undefined;
  thread?.start();
  const notice = anonymousNotice(lock);
  if (notice !== undefined) out(notice);
  out(`listening on ${server.url}`);
  if (demo) demoLines({ url: server.url, locked: lock.keys.length > 0 }).forEach((line) => out(line));
  out(`${await stopped} received, stopping`);
  stopping.abort();
  // At once, beside the answers under way: what the thread has not committed is done again by whoever comes next.
  await Promise.all([thread?.stop(), server.close({ graceMs: settings.shutdownGraceMs })]);
  out('stopped');
}

/** With a thread, what it can do is left to it. */
function openStore(settings: Settings, thread: MaintenanceThread | undefined): Promise<Database> {
  const { store, tier, hedgeReads, memoryBudgetBytes, maintenance, maintenanceIntervalMs } = settings;
  const { cacheDirectory: directory, cacheBytes: bytes } = settings;
  return open(store, {
    ...storeOptions(settings),
    ...(tier === undefined ? {} : { tier }),
    hedgeReads,
    ...(thread === undefined
      ? {}
      : { onWorkDue: () => thread.due(), compactor: (request) => thread.compact(request) }),
    ...(maintenance && thread === undefined ? { maintenance: { intervalMs: maintenanceIntervalMs } } : {}),
    ...(memoryBudgetBytes === undefined ? {} : { memoryBudgetBytes }),
    threads: settings.threads ?? 0,
    ...(directory === undefined ? {} : { warmCache: { directory, bytes } }),
  });
}

/**
 * Undefined where there is to be none, or another thread cannot open the store: what is in the memory of this one. Half of
 * the server's budget on top of it: a compaction reads one part of its inputs after another.
 */
function maintenanceThread(settings: Settings, terminal: Terminal): MaintenanceThread | undefined {
  const { store, maintenance, maintenanceIntervalMs: intervalMs } = settings;
  if (!maintenance || store === 'memory:') return undefined;
  const memoryBudgetBytes = Math.ceil((settings.memoryBudgetBytes ?? DEFAULT_BUDGET) / 2);
  const onFailure = (failure: string): void =>
    terminal.error(JSON.stringify({ level: 'error', part: 'maintenance', error: failure }));
  const options = storeOptions(settings);
  return new MaintenanceThread({ store, options, memoryBudgetBytes, intervalMs, onFailure });
}

async function closingOnFailure<T>(database: Database, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    await database.close();
    throw error;
  }
}

interface Served {
  readonly database: Database;
  readonly version: string;
  readonly terminal: Terminal;
  readonly stopping: AbortSignal;
}

async function appOf(settings: Settings, { database, version, terminal, stopping }: Served): Promise<App> {
  return createApp({
    database: () => database,
    guard: await createGuard(guardSettings(settings)),
    version,
    stopping,
    clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
    newId: randomUUID,
    hostBytes,
    corsOrigins: settings.corsOrigins,
    load: {
      requests: settings.maxConcurrentRequests,
      bodyBytes: settings.maxBodyBytesInFlight,
      idleBytes: limits.spareMemoryBytes,
    },
    onFailure: (failure) => terminal.error(failureLine(failure)),
  });
}

/** The first signal stops the server. A second one ends the process at once. */
function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    let stopping = false;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (stopping) process.exit(signal === 'SIGINT' ? 130 : 143);
        stopping = true;
        resolve(signal);
      });
    }
  });
}
