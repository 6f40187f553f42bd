/**
 * Starts and stops azurite, Microsoft's emulator of Azure Blob Storage, on a free loopback port: a child of the test run that keeps
 * everything in memory, ended by its process id, and by the kernel where the run is killed.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { packageFolder } from '../../runtime/install.js';

/** The one account. */
export const account = 'cairntest';

export interface Azurite {
  /** Of the account: `http://127.0.0.1:PORT/ACCOUNT`. */
  readonly endpoint: string;
  readonly key: string;
  readonly stop: () => Promise<void>;
}

/** Its check of versions is off: the SDK is newer. */
const OPTIONS = [
  ...['--blobHost', '127.0.0.1', '--blobPort', '0', '--inMemoryPersistence'],
  ...['--skipApiVersionCheck', '--disableTelemetry', '--silent'],
];
const OUTPUT_KEPT = 20_000;

/** Requires: the packages of test/runtime. Takes about two seconds. */
export async function startAzurite(): Promise<Azurite> {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-azurite-'));
  const key = randomBytes(64).toString('base64');
  const main = join(packageFolder('azurite'), 'dist/src/blob/main.js');
  const dieWithUs = process.platform === 'linux' ? ['setpriv', '--pdeathsig', 'KILL'] : [];
  const [command, ...args] = [...dieWithUs, process.execPath, main, ...OPTIONS];
  const child = spawn(command!, args, {
    // It leaves a folder where it is started.
    cwd: folder,
    env: { ...process.env, AZURITE_ACCOUNTS: `${account}:${key}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exit;
    rmSync(folder, { recursive: true, force: true });
  };
  let output = '';
  try {
    const address = await new Promise<string>((resolve, reject) => {
      const take = (chunk: Buffer): void => {
        output = (output + chunk.toString()).slice(-OUTPUT_KEPT);
        const ready = /listens on (http:\/\/127\.0\.0\.1:\d+)/.exec(output);
        if (ready !== null) resolve(ready[1]!);
      };
      child.stdout.on('data', take);
      child.stderr.on('data', take);
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`azurite ended at its start: ${output}`)));
    });
    return { endpoint: `${address}/${account}`, key, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
