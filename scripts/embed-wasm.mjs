/**
 * Turns build/wasm/*.wasm into core/kernel/wasm-bytes.generated.ts, so that the embedded library needs no file next to it
 * and no loader of a bundler. Writes only on a change, so that an incremental tsc has nothing to do.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const target = fileURLToPath(new URL('../core/kernel/wasm-bytes.generated.ts', import.meta.url));

/** @param {string} name of a target of wasm/asconfig.json */
function base64Of(name) {
  const source = fileURLToPath(new URL(`../build/wasm/${name}.wasm`, import.meta.url));
  if (!existsSync(source)) {
    console.error(`${source} is missing: run npx asc --config wasm/asconfig.json --target ${name}`);
    process.exit(1);
  }
  return readFileSync(source).toString('base64');
}

const text = `/** Made by scripts/embed-wasm.mjs from wasm/: do not edit. */
export const plainBase64: string =
  '${base64Of('plain')}';
export const relaxedBase64: string =
  '${base64Of('relaxed')}';
`;
if (!existsSync(target) || readFileSync(target, 'utf8') !== text) {
  writeFileSync(target, text);
}
