/** What a worker thread of Node runs: it blocks between jobs, so it takes its messages out of their port itself. */
import { isMainThread, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { SearchThread } from '../../index.js';
import type { ThreadMessage, ThreadStart } from '../../index.js';

export interface SearchWorkerData extends ThreadStart {
  readonly port: MessagePort;
}

if (!isMainThread) {
  const { port: messages, ...start } = workerData as SearchWorkerData;
  const port: MessagePort = parentPort!;
  const tell = (message: string): void => port.postMessage(message);
  const thread = new SearchThread(start, {
    receive: () => receiveMessageOnPort(messages)?.message as ThreadMessage | undefined,
    wake: () => tell('woken'),
  });
  thread.run();
  messages.close();
}
