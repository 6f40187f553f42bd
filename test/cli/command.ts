/** The built command as a child process. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly error: string;
}

export interface Running {
  readonly child: ChildProcess;
  /** Where it listens. Rejects where it ends before it does. */
  readonly url: Promise<string>;
  readonly ended: Promise<Ended>;
  errorSoFar(): string;
}

export interface CallOptions {
  readonly directory: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Only variables that a process needs: settings of the machine that runs the tests must not leak in. */
function environmentOf(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR } = process.env;
  return { PATH, HOME, TMPDIR, ...extra };
}

export function start(args: readonly string[], { directory, environment }: CallOptions): Running {
  if (!existsSync(main)) throw new Error(`${main} is missing: npm run build`);
  const child = spawn(process.execPath, [main, ...args], { cwd: directory, env: environmentOf(environment) });
  let out = '';
  let error = '';
  const url = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      const found = /^listening on (http:\/\/\S+)$/m.exec(out)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once('close', () => reject(new Error(`it ended without listening: ${error}`)));
  });
  url.catch(() => undefined);
  child.stderr.on('data', (chunk: Buffer) => (error += chunk.toString()));
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, out, error }));
  });
  return { child, url, ended, errorSoFar: () => error };
}

/** Runs it to its end. */
export function run(args: readonly string[], options: CallOptions): Promise<Ended> {
  return start(args, options).ended;
}
