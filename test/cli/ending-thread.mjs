/**
 * Preloaded into a server: its thread ends, once, when it is about to tell what a compaction has done, if the file that
 * END_THREAD_IF names is there.
 */
import { existsSync, rmSync } from 'node:fs';
import process from 'node:process';
import { parentPort } from 'node:worker_threads';

const trigger = process.env['END_THREAD_IF'] ?? '';
if (parentPort !== null) {
  const port = parentPort;
  const post = port.postMessage.bind(port);
  port.postMessage = (message) => {
    if (message.say !== 'compacted' || !existsSync(trigger)) return post(message);
    rmSync(trigger);
    process.exit(7);
  };
}
