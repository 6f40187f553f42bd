/**
 * Turns build/wasm/*.wasm into *.generated.ts, so that the embedded library needs no file next to it and no loader of a bundler:
 * the two that every host takes, and where only Node's threads read them the two for memory that is shared. Writes only on a change,
 * so that an incremental tsc has nothing to do.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** @param {string} name of a file of build/wasm/ */
function base64Of(name) {
  const source = fileURLToPath(new URL(`../build/wasm/${name}.wasm`, import.meta.url));
  if (!existsSync(source)) {
    console.error(`${source} is missing: remove build/wasm/build.stamp and build again`);
    process.exit(1);
  }
  return readFileSync(source).toString('base64');
}

/**
 * @param {string} folder of core/
 * @param {{ plain: string, relaxed: string }} names
 */
function embed(folder, { plain, relaxed }) {
  const target = fileURLToPath(new URL(`../core/${folder}/wasm-bytes.generated.ts`, import.meta.url));
  const text = `/** Made by scripts/embed-wasm.mjs from wasm/: do not edit. */
export const plainBase64: string =
  '${base64Of(plain)}';
export const relaxedBase64: string =
  '${base64Of(relaxed)}';
`;
  if (!existsSync(target) || readFileSync(target, 'utf8') !== text) writeFileSync(target, text);
}

embed('kernel', { plain: 'plain', relaxed: 'relaxed' });
embed('threads/adapters/node', { plain: 'shared-plain', relaxed: 'shared-relaxed' });
