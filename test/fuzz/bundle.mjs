/** A command of the tests, bundled from the sources and run in a process of its own. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

const root = join(import.meta.dirname, '../..');

/**
 * The arguments of this process are the command's.
 *
 * @param {{ entry: string, flags?: readonly string[] }} command `entry`: from the root, without its ending
 */
export async function runBundled({ entry, flags = [] }) {
  const file = join(root, 'build', `${entry}.mjs`);
  const bundle = await rolldown({
    input: join(root, `${entry}.ts`),
    platform: 'node',
    external: [/^node:/],
    logLevel: 'warn',
  });
  await bundle.write({ file, format: 'esm', codeSplitting: false });
  await bundle.close();
  const child = spawn(process.execPath, [...flags, file, ...process.argv.slice(2)], { stdio: 'inherit' });
  child.on('exit', (code) => (process.exitCode = code ?? 1));
}
