/** What the start scripts of this folder share: the folder of a bundle, and how a child of the tests says where it listens. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';

/** The first argument of the script. */
export const folder = resolve(process.argv[2] ?? '.');

/** The module that `main` of its package.json names. */
export async function importMain() {
  const { main } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return await import(pathToFileURL(join(folder, main)).href);
}

/**
 * Listens on a free port of loopback.
 * @param {import('node:http').Server} server
 * @returns {Promise<string>} `http://127.0.0.1:PORT`
 */
export function listen(server) {
  return new Promise((resolved, rejected) => {
    server.once('error', rejected);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' ? address?.port : undefined;
      resolved(`http://127.0.0.1:${port}`);
    });
  });
}

/**
 * Tells the tests that all is ready. What is under way when they end this process is cut off, as it is where a platform takes an
 * instance away.
 * @param {{ url: string, schedule: string }} urls `schedule`: where the scheduled event is posted to
 */
export function ready({ url, schedule }) {
  process.on('SIGTERM', () => process.exit());
  process.stdout.write(`scheduled event at ${schedule}\nlistening on ${url}\n`);
}
