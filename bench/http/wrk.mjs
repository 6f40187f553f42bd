/** wrk, the load generator of the HTTP bench, as a child process: why it and not another is in bench/README.md. */
import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const script = fileURLToPath(new URL('bodies.lua', import.meta.url));
const MS_PER_US = 1 / 1_000;

/**
 * @typedef {object} Load
 * @property {number} answers
 * @property {number} failed answers that are none of the 2xx or 3xx, and requests without one
 * @property {number} seconds
 * @property {number} clientMs processor time of wrk
 * @property {number} p50 milliseconds
 * @property {number} p90
 * @property {number} p99
 * @property {number} most
 */

/** Throws where there is none. */
export function wrkVersion() {
  const { error, stdout } = spawnSync('wrk', ['-v'], { encoding: 'utf8' });
  if (error !== undefined)
    throw new Error(`wrk is needed (apt install wrk, brew install wrk): ${error.message}`);
  return /^wrk (\S+)/.exec(stdout)?.[1] ?? 'of unknown version';
}

/**
 * Sends the bodies of a file, one a line, again and again: each connection its next request when it has the answer to the last.
 * @param {{ url: string, path: string, bodies: string, connections: number, seconds: number }} asked
 * @returns {Promise<Load>}
 */
export async function runWrk({ url, path, bodies, connections, seconds }) {
  const args = [
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '--timeout',
    '10s',
    '-s',
    script,
    url,
    '--',
    bodies,
    path,
  ];
  // The shell tells what its children took of the processor.
  const { stdout } = await promisify(execFile)('sh', ['-c', 'wrk "$@" && times', 'sh', ...args]);
  const found = JSON.parse(/^\{.*\}$/m.exec(stdout)?.[0] ?? '{}');
  const { answers, us, failed, p50, p90, p99, most } = found;
  return {
    ...{ answers, failed, seconds: us / 1e6, clientMs: childrenMs(stdout) },
    ...{ p50: p50 * MS_PER_US, p90: p90 * MS_PER_US, p99: p99 * MS_PER_US, most: most * MS_PER_US },
  };
}

/** Of the last line, `0m1.230s 0m0.450s`: user and system. @param {string} output */
function childrenMs(output) {
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  const parts = [...last.matchAll(/(\d+)m([\d.]+)s/g)];
  return parts.reduce(
    (sum, [, minutes, seconds]) => sum + 60_000 * Number(minutes) + 1_000 * Number(seconds),
    0,
  );
}
