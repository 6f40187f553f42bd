/**
 * Installs what the suites of this folder run on: two newer Nodes and workerd, from the folder's own lock file. Vitest
 * runs `setup` once, before the first of these suites, and not where none of them runs.
 *
 * Packages' own install scripts are not run: they would only fetch again what the lock's optional packages hold.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { isInstalled, npmCommand, root, run } from '../../scripts/set-up.mjs';

const folder = join(root, 'test/runtime');
const installation = ['ci', '--prefix', folder, '--ignore-scripts', '--include=optional', '--loglevel=error'];

function tryRead(file: string): string | undefined {
  const path = join(folder, file);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/** Whether what is installed is what the lock file asks for. Suites skip themselves where it is not. */
export function hasRuntimes(): boolean {
  return isInstalled(tryRead('package-lock.json') ?? '{}', tryRead('node_modules/.package-lock.json'));
}

/** The folder of an installed package. */
export function packageFolder(name: string): string {
  return join(folder, 'node_modules', name);
}

const platform = `${process.platform}-${process.arch}`;

/** Whether the Nodes below can run here: only these platforms have packages of both lines. */
export function hasNodes(): boolean {
  return hasRuntimes() && ['linux-x64', 'linux-arm64'].includes(platform);
}

/** The later lines of Node, with their binaries. */
export const otherNodes: readonly { readonly major: string; readonly binary: string }[] = ['22', '24'].map(
  (major) => ({ major, binary: join(packageFolder(`node${major}-${platform}`), 'bin/node') }),
);

export async function setup(): Promise<void> {
  if (hasRuntimes()) return;
  process.stderr.write('installing other runtimes (npm ci --prefix test/runtime)\n');
  const { command, args } = npmCommand(installation);
  const code = await run(command, args);
  if (code === 0 && hasRuntimes()) return;
  process.stderr.write(
    `OTHER RUNTIMES ARE NOT TESTED: npm ended with exit code ${code}. To try again: npm ci --prefix test/runtime\n`,
  );
}
