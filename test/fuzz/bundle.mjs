/** A command of the tests, bundled from the sources and run in a process of its own. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { editing } from '../sim/bundle.mjs';

const root = join(import.meta.dirname, '../..');

/**
 * Gives back the file that it made.
 *
 * @param {string} entry from the root, without its ending
 * @param {readonly import('../sim/bundle.mjs').Edit[]} [edits]
 */
export async function bundle(entry, edits = []) {
  const file = join(root, 'build', `${entry}.mjs`);
  const made = await rolldown({
    input: join(root, `${entry}.ts`),
    platform: 'node',
    // It starts a binary that it looks for beside itself.
    external: [/^node:/, 'esbuild'],
    logLevel: 'warn',
    plugins: [editing(root, edits)],
  });
  await made.write({ file, format: 'esm', codeSplitting: false });
  await made.close();
  return file;
}

/**
 * The arguments of this process are the command's, after `args`.
 *
 * @param {{ entry: string, flags?: readonly string[], args?: readonly string[] }} command
 */
export async function runBundled({ entry, flags = [], args = [] }) {
  const file = await bundle(entry);
  const child = spawn(process.execPath, [...flags, file, ...args, ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  child.on('exit', (code) => (process.exitCode = code ?? 1));
}
