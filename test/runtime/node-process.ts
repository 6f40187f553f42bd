/** Child processes of the suites that try other Nodes: run to the end, or a server started and stopped by its id. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from '../../scripts/set-up.mjs';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly error: string;
}

export interface ServeProcess {
  readonly url: string;
  /** To stdout so far. */
  printed(): string;
  /** To stderr so far. */
  complaints(): string;
  /** Sends SIGTERM and waits for the end. */
  stop(): Promise<Ended>;
}

interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

const command = join(root, 'dist/cli/main.js');

export function mustBeBuilt(): void {
  if (!existsSync(command)) throw new Error(`${command} is missing: run \`npm run build\` first`);
}

export type Environment = Readonly<Record<string, string>>;

/** Without our own environment: settings, loaders and flags of the test run are none of the child's business. */
function start(binary: string, args: readonly string[], directory: string, env: Environment = {}): Started {
  const child = spawn(binary, args, { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<Ended>((resolve, reject) => {
    let out = '';
    let error = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (error += text));
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, out, error }));
  });
  return { child, ended };
}

/** Runs a script of this folder and returns the JSON that it prints. */
export async function runCheck(binary: string, args: readonly string[]): Promise<unknown> {
  const { code, out, error } = await start(binary, args, join(root, 'test/runtime')).ended;
  if (code !== 0)
    throw new Error(`${binary} ${args.join(' ')} ended with exit code ${code}:\n${error}${out}`);
  return JSON.parse(out) as unknown;
}

interface VitestReport {
  readonly success: boolean;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly { readonly name: string }[];
}

/** Runs test files of this repository by vitest on another Node, in all projects that have them unless some are named. */
export async function runVitest(
  binary: string,
  files: readonly string[],
  projects: readonly string[] = [],
): Promise<VitestReport> {
  const report = join(mkdtempSync(join(tmpdir(), 'cairn-vitest-')), 'report.json');
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const reporting = ['--reporter=json', `--outputFile=${report}`, '--no-cache'];
  try {
    const args = [...files, ...projects.flatMap((name) => ['--project', name]), ...reporting];
    const { code, out, error } = await start(binary, [vitest, 'run', ...args], root).ended;
    if (!existsSync(report)) throw new Error(`${binary} ended with exit code ${code}:\n${error}${out}`);
    return JSON.parse(readFileSync(report, 'utf8')) as VitestReport;
  } finally {
    rmSync(dirname(report), { recursive: true, force: true });
  }
}

/** `cairn serve` on a free port, over a store in `folder` unless the environment says another. Resolves when it listens. */
export function startServe(
  binary: string,
  folder: string,
  environment: Environment = {},
): Promise<ServeProcess> {
  const env = { CAIRN_STORE: 'file:store', ...environment };
  return startListening(binary, [command, 'serve', '--port', '0'], folder, env);
}

/** Runs a script that prints `listening on URL` when it is ready. Resolves then. */
export async function startListening(
  binary: string,
  args: readonly string[],
  directory: string,
  environment: Environment,
): Promise<ServeProcess> {
  const { child, ended } = start(binary, args, directory, environment);
  let printed = '';
  let complaints = '';
  child.stderr?.on('data', (text: string) => (complaints += text));
  const listening = new Promise<string>((resolve) => {
    child.stdout?.on('data', (text: string) => {
      printed += text;
      const url = /^listening on (http:\/\/\S+)\n/m.exec(printed)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
  const url = await Promise.race([
    listening,
    ended.then(({ code, out, error }) => {
      throw new Error(`${binary} ${args.join(' ')} ended with ${code} before it listened:\n${error}${out}`);
    }),
  ]);
  return {
    url,
    printed: () => printed,
    complaints: () => complaints,
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}
