/** A cold start in a process of its own (cold-start-child.mjs), and what its requests say. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** @typedef {import('./cold-start-child.mjs').ColdReport} ColdReport */

const child = fileURLToPath(new URL('cold-start-child.mjs', import.meta.url));

/**
 * @param {{ url: string, collection: string, vector: readonly number[] }} asked
 * @returns {Promise<ColdReport>}
 */
export async function coldStart(asked) {
  const started = fork(child, [JSON.stringify(asked)], { execArgv: ['--expose-gc'] });
  return await new Promise((resolve, reject) => {
    started.on('message', (report) => resolve(/** @type {ColdReport} */ (report)));
    started.on('error', reject);
    started.on('exit', (code, signal) => reject(new Error(`the cold start ended with ${code ?? signal}`)));
  });
}

/**
 * Dependent round trips before the first byte of a segment's body is asked for. What is read of a segment before that is its tail, to its end.
 * @param {ColdReport} report of a collection of one segment
 */
export function roundTripsBeforeBody({ requests, segmentBytes }) {
  const bodies = requests.filter(
    ({ path, range }) => path.endsWith('.seg') && range !== undefined && range.last < segmentBytes - 1,
  );
  return Math.min(...bodies.map(({ depth }) => depth)) - (requests[0]?.depth ?? 0);
}
