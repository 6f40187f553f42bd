/**
 * `npm run build`: everything that `bin` and `exports` in package.json name.
 * wasm/ -> build/wasm/*.wasm (asc, one run per target of wasm/asconfig.json) -> *.generated.ts (embed-wasm.mjs)
 * -> dist/ (tsc -b, and the kernel for Workers). Then outputs whose source is gone are removed, the command is made executable and the stamp is
 * written that `npm start` compares.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { digestSources, filesOf, mustRun, root, stampFile } from './set-up.mjs';

const modules = join(root, 'node_modules');

/** Where the digest of the sources of the last asc run is kept: it takes seconds, and wasm/ changes seldom. */
const wasmStamp = join(root, 'build/wasm/build.stamp');

async function buildWasm() {
  const config = 'wasm/asconfig.json';
  const digest = digestSources(root, ['wasm', 'package-lock.json']);
  if (existsSync(wasmStamp) && readFileSync(wasmStamp, 'utf8') === digest) return;
  const { targets } = JSON.parse(readFileSync(join(root, config), 'utf8'));
  for (const target of Object.keys(targets)) {
    const args = [join(modules, 'assemblyscript/bin/asc.js'), '--config', config, '--target', target];
    await mustRun('asc', process.execPath, args);
  }
  writeFileSync(wasmStamp, digest);
}

/** For Workers, which import it: they may not compile bytes. The one of relaxed SIMD, which workerd takes. */
function copyKernel() {
  copyFileSync(join(root, 'build/wasm/relaxed.wasm'), join(root, 'dist/kernel.wasm'));
  writeFileSync(
    join(root, 'dist/kernel.wasm.d.ts'),
    '/** A compiled WebAssembly.Module. */\ndeclare const kernel: object;\nexport default kernel;\n',
  );
}

/** Examples import the package by its name, as users do, and are checked and run where they lie. */
function linkForExamples() {
  const link = join(root, 'examples/node_modules/cairndb');
  if (existsSync(link)) return;
  mkdirSync(join(root, 'examples/node_modules'), { recursive: true });
  symlinkSync(root, link, 'junction');
}

// tsc -b leaves the outputs of deleted sources behind, and npm would pack them.
function removeOrphans() {
  for (const file of filesOf('dist', root)) {
    const source = /^dist\/(.*?)(?:\.d)?\.(?:js|ts)$/.exec(file)?.[1];
    if (source !== undefined && source !== 'kernel.wasm' && !existsSync(join(root, `${source}.ts`)))
      rmSync(join(root, file));
  }
}

// Taken before the compilers read: an edit made while they run leaves the build stale, as it is.
const digest = digestSources();
rmSync(join(root, stampFile), { force: true });
await buildWasm();
await mustRun('embed-wasm', process.execPath, [join(root, 'scripts/embed-wasm.mjs')]);
await mustRun('embed-version', process.execPath, [join(root, 'scripts/embed-version.mjs')]);
await mustRun('tsc', process.execPath, [join(modules, 'typescript/bin/tsc'), '-b']);
removeOrphans();
copyKernel();
linkForExamples();
chmodSync(join(root, 'dist/cli/main.js'), 0o755);
writeFileSync(join(root, stampFile), `${digest}\n`);
