/**
 * Maintenance in a thread of its own, so that a compaction, which computes for seconds, holds up no answer. Opens the same
 * store by its URL with a memory of its own; meets the server in the bucket only, like any other process.
 */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { open } from '../../core/index.js';
import type { Database } from '../../core/index.js';
import { describeMaintenanceFailure } from './maintenance-messages.js';
import type { MaintenanceSettings, ToParent, ToWorker } from './maintenance-messages.js';

async function main(settings: MaintenanceSettings): Promise<void> {
  const port = parentPort!;
  const stop = new AbortController();
  let pause = new AbortController();
  port.on('message', (message: ToWorker) => {
    if (message === 'stop') stop.abort();
    pause.abort();
  });
  const tell = (message: ToParent): void => port.postMessage(message);
  const { store, memoryBudgetBytes, intervalMs } = settings;
  let database: Database | undefined;
  // What fails in every run is told once.
  let told = new Set<string>();
  const tellNew = (failures: readonly string[]): void => {
    for (const failure of failures) if (!told.has(failure)) tell({ failure });
    told = new Set(failures);
  };
  while (!stop.signal.aborted) {
    try {
      database ??= await open(store, { memoryBudgetBytes, createStore: false });
      const { failures } = await database.maintain({ signal: stop.signal, wait: false });
      tellNew(
        failures.map(({ collection, code, message }) => `collection ${collection}: ${code}: ${message}`),
      );
    } catch (error) {
      tellNew([describeMaintenanceFailure(error)]);
    }
    await sleep(intervalMs, pause.signal);
    pause = new AbortController();
  }
  await database?.close();
  port.close();
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

if (!isMainThread) await main(workerData as MaintenanceSettings);
