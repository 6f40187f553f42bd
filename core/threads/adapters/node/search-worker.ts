/** What a worker thread of Node runs: it blocks between jobs, so it takes its messages out of their port itself. */
import { isMainThread, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { SearchThread } from '../../index.js';
import type { ThreadMessage, ThreadStart } from '../../index.js';

export interface SearchWorkerData extends ThreadStart {
  readonly port: MessagePort;
}

if (!isMainThread) {
  const { port, ...start } = workerData as SearchWorkerData;
  const caller: MessagePort = parentPort!;
  const thread = new SearchThread(start, {
    receive: () => receiveMessageOnPort(port)?.message as ThreadMessage | undefined,
    wake: () => caller.postMessage('woken'),
  });
  thread.run();
  port.close();
}
