/**
 * The simulator in one file, from the sources, so that a mutant is a change of one place of them: an edit has to be found
 * exactly once, or the bundle fails, and no switch is left in the product.
 */
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { rolldown } from 'rolldown';
import { settings } from './settings.mjs';

/** @typedef {{ file: string, find: string, replace: string }} Edit */

/**
 * For a bundle that differs from the product in these places.
 *
 * @param {string} root
 * @param {readonly Edit[]} edits
 */
export function editing(root, edits) {
  return {
    name: 'edits',
    /** @param {string} id */
    async load(id) {
      const path = relative(root, id).replaceAll('\\', '/');
      const own = edits.filter((edit) => edit.file === path);
      if (own.length === 0) return null;
      let code = await readFile(id, 'utf8');
      for (const { file, find, replace } of own) {
        if (code.split(find).length !== 2) throw new Error(`${file} holds not exactly once: ${find}`);
        code = code.replace(find, () => replace);
      }
      return { code, moduleType: 'ts' };
    },
  };
}

/** A run makes much that lives for a moment, in one thread. */
export const FLAGS = ['--max-semi-space-size=64', '--single-threaded'];

/**
 * Gives back the file that it made. An edit replaces the setting of the same place.
 *
 * @param {string} root
 * @param {string} entry
 * @param {string} name
 * @param {readonly Edit[]} edits
 */
export async function build(root, entry, name, edits) {
  const file = join(root, 'build/sim', name);
  const kept = settings.filter(({ find }) => edits.every((edit) => !edit.find.includes(find)));
  const bundle = await rolldown({
    input: join(root, 'test/sim', entry),
    platform: 'node',
    external: [/^node:/],
    logLevel: 'warn',
    plugins: [editing(root, [...kept, ...edits])],
  });
  await bundle.write({ file, format: 'esm' });
  await bundle.close();
  return file;
}
