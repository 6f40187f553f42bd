/**
 * `npm run bundle`, after a build: what is deployed, one folder for each runtime, into build/bundles/. Each holds all that its
 * runtime does not bring itself, so that nothing is installed there. Prints what each weighs, and what of it a start loads: the
 * SDKs of clouds that a store does not lie in are files that nothing reads.
 */
import * as esbuild from 'esbuild';
import { copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { root } from './set-up.mjs';

const folder = join(root, 'build/bundles');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Google's builder installs it beside the function: the one that the suites run. */
const functionsFramework = '5.0.5';

const shared = /** @type {const} */ ({
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
});

/** For packages of CommonJS that ask for Node's own modules. */
const requireBanner =
  "import { createRequire as cairnRequire } from 'node:module'; const require = cairnRequire(import.meta.url);";

/**
 * @param {string} name
 * @param {Record<string, string>} entryPoints
 */
function bundleForNode(name, entryPoints) {
  return esbuild.build({
    ...shared,
    entryPoints,
    outdir: join(folder, name),
    outExtension: { '.js': '.mjs' },
    platform: 'node',
    target: 'node20',
    // Names stay as they are: they stand in the stacks of an operator's log.
    minifyWhitespace: true,
    minifySyntax: true,
    splitting: true,
    banner: { js: requireBanner },
    // Of the host of Azure alone.
    external: ['@azure/functions-core'],
  });
}

/** As wrangler does it: the kernel stays a module of its own, compiled when the Worker is uploaded. */
async function bundleForWorkers() {
  const outdir = join(folder, 'cloudflare');
  const output = await esbuild.build({
    ...shared,
    entryPoints: { index: 'dist/functions/cloudflare/index.js' },
    outdir,
    platform: 'neutral',
    // Names too, which wrangler's source maps give back: a start of a Worker has to read all of it.
    minify: true,
    target: 'es2023',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'worker'],
    external: ['cloudflare:*', 'node:*'],
    plugins: [kernelBeside],
  });
  copyFileSync(join(root, 'dist/kernel.wasm'), join(outdir, 'kernel.wasm'));
  return output;
}

/** @type {import('esbuild').Plugin} */
const kernelBeside = {
  name: 'kernel-beside',
  setup: (build) => {
    build.onResolve({ filter: /\/kernel\.wasm$/ }, () => ({ path: './kernel.wasm', external: true }));
  },
};

/**
 * @param {string} path
 * @param {object} content
 */
function writeJson(path, content) {
  writeFileSync(join(folder, path), `${JSON.stringify(content, undefined, 2)}\n`);
}

/** @param {string} path */
const weigh = (path) => gzipSync(readFileSync(join(root, path))).length;

/**
 * Prints a line of a table.
 * @param {string} name
 * @param {import('esbuild').BuildResult<{ metafile: true }>} output
 */
function report(name, { metafile: { outputs } }) {
  const files = Object.keys(outputs);
  const entry = files.find((path) => /\/(?:index|main)\.m?js$/.test(path)) ?? '';
  const loaded = new Set([entry]);
  for (const path of loaded)
    for (const { path: next, kind } of outputs[path]?.imports ?? [])
      if (kind === 'import-statement' && next in outputs) loaded.add(next);
  const kernel = name === 'cloudflare' ? weigh('dist/kernel.wasm') : 0;
  const sum = (/** @type {Iterable<string>} */ paths) =>
    [...paths].map(weigh).reduce((a, b) => a + b, kernel);
  console.log(`${name}: ${sum(files)} bytes gzipped, ${sum(loaded)} of them loaded at a start`);
}

rmSync(folder, { recursive: true, force: true });
report('cloudflare', await bundleForWorkers());
for (const name of ['aws', 'azure', 'gcp'])
  report(name, await bundleForNode(name, { index: `dist/functions/${name}/index.js` }));
report(
  'node',
  await bundleForNode('node', {
    main: 'dist/cli/main.js',
    'maintenance-worker': 'dist/functions/node/maintenance-worker.js',
    'search-worker': 'dist/core/threads/adapters/node/search-worker.js',
  }),
);
// Threads are started from files of these names.
for (const worker of ['maintenance-worker', 'search-worker'])
  renameSync(join(folder, `node/${worker}.mjs`), join(folder, `node/${worker}.js`));
writeJson('node/package.json', { name: 'cairn', version, type: 'module' });
writeJson('azure/package.json', { name: 'cairn', version, type: 'module', main: 'index.mjs' });
copyFileSync(join(root, 'infra/azure/host.json'), join(folder, 'azure/host.json'));
writeJson('gcp/package.json', {
  ...{ name: 'cairn', version, type: 'module', main: 'index.mjs' },
  dependencies: { '@google-cloud/functions-framework': functionsFramework },
});
