/**
 * The parent's end of a contender's process: started on one core, asked one thing at a time. A process that fails, ends or
 * does not answer is an error of that call and of nothing else.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('contender-process.mjs', import.meta.url));
/** The slowest build takes minutes. */
const PATIENCE_MS = 30 * 60_000;
const CLOSE_MS = 10_000;

/** The last core that this process may use; undefined where processes cannot be pinned. */
export function tryCore() {
  if (spawnSync('taskset', ['--version']).status !== 0) return undefined;
  const allowed = /^Cpus_allowed_list:.*?(\d+)$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return allowed?.[1] === undefined ? cpus().length - 1 : Number(allowed[1]);
}

/**
 * @typedef {object} SweepOptions
 * @property {boolean} withAnswers
 * @property {readonly import('./contender.mjs').Effort[]} [sweeping] the contender's own efforts where they are not given
 * @property {number} [count] the first queries of so many; all of them where it is not given
 * @property {readonly string[]} [filters] one for each query
 */

export class ContenderChild {
  /** @type {import('node:child_process').ChildProcess} */
  #process;

  /**
   * @param {import('./contender.mjs').Contender} contender
   * @param {{ input: string, folder: string, core: number | undefined }} options
   */
  constructor({ key, environment = {}, node = process.execPath }, { input, folder, core }) {
    const line = [node, '--expose-gc', program, key, input, folder];
    const [file = '', ...args] = core === undefined ? line : ['taskset', '-c', String(core), ...line];
    this.#process = spawn(file, args, {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
  }

  /**
   * @param {'build' | 'open' | 'sweep' | 'close'} call
   * @param {SweepOptions} [options]
   * @returns {Promise<any>}
   */
  async call(call, options) {
    const settled = new AbortController();
    const { signal } = settled;
    const ended = once(this.#process, 'exit', { signal }).then(([code, by]) => {
      throw new Error(`its process ended with ${code ?? by}`);
    });
    const patience = sleep(PATIENCE_MS, undefined, { signal }).then(() => {
      throw new Error(`no answer to ${call} within ${PATIENCE_MS / 60_000} minutes`);
    });
    for (const other of [ended, patience]) other.catch(() => {});
    try {
      if (!this.#process.connected) throw new Error('its process has ended');
      const answer = once(this.#process, 'message', { signal });
      answer.catch(() => {});
      this.#process.send({ call, options: options ?? {} });
      const [{ result, error }] = await Promise.race([answer, ended, patience]);
      if (error !== undefined) throw new Error(error);
      return result;
    } finally {
      settled.abort();
    }
  }

  /** Ends the process, whatever state it is in. */
  async stop() {
    const child = this.#process;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    if (child.connected) child.send({ call: 'close', options: {} });
    if ((await Promise.race([exited, sleep(CLOSE_MS, 'late')])) === 'late') child.kill('SIGKILL');
    await exited;
  }
}
