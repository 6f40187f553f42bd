/**
 * The simulator in one file, from the sources, so that a mutant is a change of one place of them: an edit has to be found
 * exactly once, or the bundle fails, and no switch is left in the product.
 */
import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { rolldown } from 'rolldown';

/** @typedef {{ file: string, find: string, replace: string }} Edit */

/**
 * @param {string} root
 * @param {readonly Edit[]} edits
 */
function editing(root, edits) {
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

/**
 * @param {string} root
 * @param {string} entry
 * @param {string} file
 * @param {readonly Edit[]} edits
 */
export async function bundle(root, entry, file, edits) {
  const build = await rolldown({
    input: `${root}/test/sim/${entry}`,
    platform: 'node',
    external: [/^node:/],
    logLevel: 'warn',
    plugins: [editing(root, edits)],
  });
  await build.write({ file, format: 'esm' });
  await build.close();
}
