/**
 * `cairn serve` as a child process, from the build, for benchmarks and tests that kill, restart or pin it. Output goes
 * nowhere but into the error of a start that failed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const OUTPUT_KEPT = 20_000;

/**
 * @typedef {object} ServerProcess
 * @property {string} url
 * @property {number} pid
 * @property {number} readyMs from the start of the process to its ready line
 * @property {() => boolean} running
 * @property {() => { now: number, most: number }} residentBytes of the whole process; 0 where the system does not tell
 * @property {() => number} cpuMs processor time of all its threads so far; 0 where the system does not tell
 * @property {(signal?: NodeJS.Signals) => Promise<void>} stop sends the signal (SIGTERM) and waits for the end
 */

/**
 * Resolves when the server is ready.
 * @param {object} options
 * @param {string} options.store URL of the store
 * @param {readonly string[]} [options.nodeArguments] for example `--cpu-prof`
 * @param {readonly string[]} [options.serveArguments] for example `--no-maintenance`
 * @param {number} [options.core] the processor core that it is pinned to
 * @returns {Promise<ServerProcess>}
 */
export async function startServer({ store, nodeArguments = [], serveArguments = [], core }) {
  const started = performance.now();
  const line = [...nodeArguments, command, 'serve', '--store', store, '--port', '0', ...serveArguments];
  const [file, args] =
    core === undefined
      ? [process.execPath, line]
      : ['taskset', ['-c', String(core), process.execPath, ...line]];
  // No setting of whoever runs this may reach the server.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(?:CAIRN_|PORT$)/.test(name)),
  );
  const child = spawn(file, args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  let output = '';
  const url = await new Promise((resolve, reject) => {
    /** @param {Buffer} chunk */
    const take = (chunk) => {
      output = (output + chunk.toString()).slice(-OUTPUT_KEPT);
      const ready = /listening on (http:\S+)/.exec(output);
      if (ready !== null) resolve(ready[1]);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', reject);
    child.on('exit', (code, signal) =>
      reject(new Error(`the server ended with ${code ?? signal} before it was ready: ${output}`)),
    );
  });
  return {
    url,
    pid: /** @type {number} */ (child.pid),
    readyMs: performance.now() - started,
    cpuMs: () => cpuMs(/** @type {number} */ (child.pid)),
    residentBytes: () => residentBytes(/** @type {number} */ (child.pid)),
    running: () => child.exitCode === null && child.signalCode === null,
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal);
      await ended;
    },
  };
}

/** Linux counts in hundredths of a second. @param {number} pid */
function cpuMs(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return 0;
  }
}

/** @param {number} pid */
function residentBytes(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const of = (/** @type {string} */ name) =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
    return { now: of('VmRSS'), most: of('VmHWM') };
  } catch {
    return { now: 0, most: 0 };
  }
}
