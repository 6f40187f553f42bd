/** Node's worker threads as a host of searches. Those that wait keep no process alive. */
import { MessageChannel, Worker } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { compileEmbeddedKernel } from '../../../kernel/index.js';
import type { ArenaPool, KernelModule } from '../../../kernel/index.js';
import { openSearchPool } from '../../index.js';
import type { SearchPool, ThreadHost } from '../../index.js';
import type { SearchWorkerData } from './search-worker.js';
import { plainBase64, relaxedBase64 } from './wasm-bytes.generated.js';

/** How long threads that were told to stop may take before they are ended. */
const STOP_MS = 1_500;

interface Running {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly ended: Promise<void>;
}

/** Up to `count` threads, which start with the pool that they are to search in. */
export async function nodeThreads(
  count: number,
): Promise<{ readonly module: KernelModule; readonly open: (pool: ArenaPool) => SearchPool }> {
  const module = await compileEmbeddedKernel(undefined, { plain: plainBase64, relaxed: relaxedBase64 });
  return { module, open: (pool) => openSearchPool(hostOf(module, count), pool) };
}

function hostOf(module: KernelModule, count: number): ThreadHost {
  const running = new Set<Running>();
  return {
    count,
    start: (start, { ended }) => {
      for (let thread = 1; thread <= count; thread++) {
        const one = startWorker({ ...start, module, thread });
        running.add(one);
        // What went wrong shows in whoever does the work in its stead.
        one.worker.on('error', () => {});
        // After the listeners, which keep the process for what they may hear.
        one.worker.unref();
        one.worker.once('exit', () => {
          running.delete(one);
          ended(thread);
        });
      }
    },
    post: (message) => {
      for (const { port } of running) port.postMessage(message);
    },
    soon: (run) => void setImmediate(run),
    close: async () => {
      const all = [...running];
      for (const { worker } of all) worker.ref();
      const timer = setTimeout(() => all.forEach(({ worker }) => void worker.terminate()), STOP_MS);
      await Promise.all(all.map(({ ended }) => ended));
      clearTimeout(timer);
    },
  };
}

function startWorker(start: Omit<SearchWorkerData, 'port'>): Running {
  const { port1, port2 } = new MessageChannel();
  const workerData: SearchWorkerData = { ...start, port: port2 };
  const worker = new Worker(new URL('./search-worker.js', import.meta.url), {
    workerData,
    transferList: [port2],
    // Flags of the process, loaders for one, are none of its business.
    execArgv: [],
    name: 'cairn search',
  });
  // No answers come back through it.
  port1.unref();
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  return { worker, port: port1, ended };
}
