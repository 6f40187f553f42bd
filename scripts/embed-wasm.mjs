/**
 * Turns build/wasm/cairn.wasm into core/kernel/wasm-bytes.generated.ts, so that the embedded library needs no file
 * next to it and no loader of a bundler. Writes only on a change, so that an incremental tsc has nothing to do.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../build/wasm/cairn.wasm', import.meta.url));
const target = fileURLToPath(new URL('../core/kernel/wasm-bytes.generated.ts', import.meta.url));

if (!existsSync(source)) {
  console.error(`${source} is missing: run npx asc --config wasm/asconfig.json --target release`);
  process.exit(1);
}
const wasm = readFileSync(source);
const text = `/** Made by scripts/embed-wasm.mjs from wasm/: do not edit. */
export const wasmBase64: string =
  '${wasm.toString('base64')}';
`;
if (!existsSync(target) || readFileSync(target, 'utf8') !== text) {
  writeFileSync(target, text);
}
