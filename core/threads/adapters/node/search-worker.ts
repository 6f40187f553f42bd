/** What a worker thread of Node runs: it blocks between jobs, so it takes its messages out of their port itself. */
import { isMainThread, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { SearchThread } from '../../index.js';
import type { ThreadMessage, ThreadStart } from '../../index.js';

export interface SearchWorkerData extends ThreadStart {
  readonly port: MessagePort;
}

if (!isMainThread) {
  const { port: messages, ...start } = workerData as SearchWorkerData;
  const thread = new SearchThread(start, {
    receive: () => receiveMessageOnPort(messages)?.message as ThreadMessage | undefined,
  });
  thread.run();
  messages.close();
}
