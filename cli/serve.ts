/** `cairn serve`: opens the store, serves it, and closes both in order when told to stop. */
import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { open } from '../core/index.js';
import { createApp, createGuard } from '../functions/http/index.js';
import type { Failure } from '../functions/http/index.js';
import { anonymousNotice, guardSettings, startServer } from '../functions/node/index.js';
import type { RunningServer, Settings } from '../functions/node/index.js';
import { demoLines, loadDemo } from './demo/index.js';
import type { Terminal } from './terminal.js';

/** Resolves when the server has been told to stop and has stopped. */
export async function serve(settings: Settings, version: string, terminal: Terminal): Promise<void> {
  const stopped = stopSignal();
  const lock = guardSettings(settings);
  const { server, demo } = await start(settings, version, terminal);
  const notice = anonymousNotice(lock);
  if (notice !== undefined) terminal.out(notice);
  terminal.out(`listening on ${server.url}`);
  if (demo) demoLines({ url: server.url, locked: lock.keys.length > 0 }).forEach(terminal.out);
  terminal.out(`${await stopped} received, stopping`);
  await server.close({ graceMs: settings.shutdownGraceMs });
  terminal.out('stopped');
}

interface Started {
  readonly server: RunningServer;
  /** Whether there is a demo collection to ask. */
  readonly demo: boolean;
}

async function start(settings: Settings, version: string, terminal: Terminal): Promise<Started> {
  const database = await open(settings.store, {
    tier: settings.tier,
    ...(settings.memoryBudgetBytes === undefined ? {} : { memoryBudgetBytes: settings.memoryBudgetBytes }),
  });
  try {
    const demo = settings.demo && (await loadDemo(database, { log: terminal.out })) !== undefined;
    const app = createApp({
      database,
      guard: await createGuard(guardSettings(settings)),
      version,
      clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
      newId: randomUUID,
      corsOrigins: settings.corsOrigins,
      load: { requests: settings.maxConcurrentRequests, bodyBytes: settings.maxBodyBytesInFlight },
      onFailure: (failure) => terminal.error(describeFailure(failure)),
    });
    const server = await startServer({
      app,
      host: settings.host,
      port: settings.port,
      onClose: () => database.close(),
    });
    return { server, demo };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** One line of JSON per failure, the stack included: the answer to the client has only the request id. */
function describeFailure({ requestId, method, route, error }: Failure): string {
  const shown = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return JSON.stringify({ level: 'error', request_id: requestId, method, route, error: shown });
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
