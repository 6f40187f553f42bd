/**
 * The five runtimes that Cairn is deployed to, each with the bundle that is deployed there, as real processes on loopback. What is
 * a stand-in or an emulator says so where it is started.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { root } from '../../../scripts/set-up.mjs';
import type { ServerUnderTest } from '../../http/suite/index.js';
import { startListening } from '../node-process.js';
import type { Environment } from '../node-process.js';
import { startWorker } from '../workerd.js';
import type { Worker } from '../workerd.js';

export type HostKind = 'aws' | 'azure' | 'gcp' | 'cloudflare' | 'node';

export interface HostSettings {
  /** A Node. Not for `cloudflare`, which runs in workerd. */
  readonly binary: string;
  /** All that the handler sees, beside what its platform adds. */
  readonly environment: Environment;
}

export interface RuntimeHost {
  readonly url: string;
  /**
   * Sends the platform's scheduled event. Resolves when the platform says that it has it, or where it says nothing before, when the
   * handler has ended, which can be a minute later; rejects where the handler failed. On `node` there is no such event: the
   * command has a clock of its own.
   */
  schedule(): Promise<void>;
  /** What was written to stdout so far; of `cloudflare` all that was written. */
  printed(): string;
  /** What was written to stderr so far. */
  complaints(): string;
  /** What is under way is cut off. */
  close(): Promise<void>;
}

/** What each does to requests before the app sees them. */
export const habits: Readonly<Record<HostKind, Omit<ServerUnderTest, 'url' | 'close'>>> = {
  aws: { refusesHosts: true, readsBodies: 'whole' },
  azure: { refusesHosts: true },
  gcp: { refusesPaths: true, readsBodies: 'parsed' },
  cloudflare: { refusesHosts: true, bodyBytesMax: 16_777_216 },
  node: {},
};

const bundles = join(root, 'build/bundles');
const scripts = join(root, 'test/runtime/hosts');

/** Takes a tenth of a second to two. */
export async function startHost(kind: HostKind, { binary, environment }: HostSettings): Promise<RuntimeHost> {
  if (kind === 'cloudflare') {
    const worker = await startDeployedWorker(environment);
    return { ...worker, printed: () => worker.complaints() };
  }
  const args =
    kind === 'node'
      ? [join(bundles, 'node/main.mjs'), 'serve', '--port', '0']
      : [join(scripts, `${kind}.mjs`), join(bundles, kind)];
  return await startChild(binary, args, { ...(kind === 'aws' ? quiet : {}), ...environment });
}

/** What deploys to Lambda would tell its makers, and ask them. */
const quiet: Environment = { SLS_TELEMETRY_DISABLED: '1', SLS_NOTIFICATIONS_MODE: 'off' };

/** `r2Folder`: of a bucket that another Worker has filled. Default: an empty one. `wrapper`: a Worker around it, as `WorkerCode` has it. */
export function startDeployedWorker(
  environment: Environment,
  r2Folder?: string,
  wrapper?: string,
): Promise<Worker> {
  return startWorker({ ...workerBundle(), wrapper }, environment, ['BUCKET'], r2Folder);
}

function workerBundle() {
  const file = (name: string): Buffer => readFileSync(join(bundles, 'cloudflare', name));
  const flags = /^compatibility_flags = (.*)$/m.exec(readFileSync(join(root, 'wrangler.toml'), 'utf8'));
  return {
    code: file('index.js').toString(),
    wasm: file('kernel.wasm'),
    wasmName: 'kernel.wasm',
    compatibilityFlags: JSON.parse(flags?.[1] ?? '[]') as string[],
  };
}

/** A test run that is killed leaves no process behind. */
const dieWithUs = process.platform === 'linux' ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL'] : [];

async function startChild(
  binary: string,
  args: readonly string[],
  environment: Environment,
): Promise<RuntimeHost> {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-host-'));
  const ending = new AbortController();
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  try {
    const [command, ...rest] = [...dieWithUs, binary, ...args];
    const child = await startListening(command!, rest, folder, {
      HOME: folder,
      TMPDIR: folder,
      ...environment,
    });
    const scheduleUrl = /^scheduled event at (\S+)$/m.exec(child.printed())?.[1];
    return {
      url: child.url,
      schedule: async () => {
        if (scheduleUrl !== undefined) await postEvent(scheduleUrl, ending.signal);
      },
      printed: () => child.printed(),
      complaints: () => child.complaints(),
      close: async () => {
        ending.abort();
        await child.stop();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/** One request that is the event of each: a call of Lambda that waits for nothing, a CloudEvent in binary mode, Azure's own route. */
async function postEvent(url: string, signal: AbortSignal): Promise<void> {
  const headers = {
    'content-type': 'application/json',
    'x-amz-invocation-type': 'Event',
    'ce-id': '1',
    'ce-source': '//cloudscheduler.googleapis.com/projects/p/locations/l/jobs/maintain',
    'ce-specversion': '1.0',
    'ce-type': 'google.cloud.scheduler.job.v1.executed',
  };
  const response = await fetch(url, { method: 'POST', headers, body: '{}', signal });
  const text = await response.text();
  if (!response.ok) throw new Error(`the scheduled event was answered ${response.status}: ${text}`);
}
