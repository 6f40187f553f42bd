/**
 * `npm run check:package`: judges the package as npm would publish it, after a build. Packs it into a folder of its
 * own outside the tree; then a look at what is in the tarball, publint, are-the-types-wrong, and the library and the
 * command tried out from it. knip (dead files, exports, dependencies) reads the sources.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun, root } from './set-up.mjs';

const { name, bin, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const modules = join(root, 'node_modules');
/** What a tarball may hold at its top. */
const topLevel =
  /^(?:package\.json|README\.md|ARCHITECTURE\.md|CHANGELOG\.md|LICENSE|dist\/.+\.(?:js|d\.ts)|dist\/kernel\.wasm|docs\/.+)$/;

/** Doors that only workerd can open: the suites of test/runtime do. */
const ofWorkers = ['./cloudflare', './kernel.wasm'];

/** Started by its file's name, which no import and no export tells. */
const started = [
  'dist/functions/node/maintenance-worker.js',
  'dist/core/threads/adapters/node/search-worker.js',
];

/**
 * @param {string} folder
 * @returns {{ filename: string, unpackedSize: number, files: { path: string }[] }}
 */
function pack(folder) {
  const npm = process.env['npm_execpath'];
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const [command, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  const { status, stdout, stderr } = spawnSync(command, [...first, ...args], { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm pack failed: ${stderr}`);
  return JSON.parse(stdout)[0];
}

/**
 * The targets of `bin` and of every condition of `exports`.
 * @param {unknown} value
 * @returns {string[]}
 */
function targets(value) {
  if (typeof value === 'string') return [value.replace(/^\.\//, '')];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(targets) : [];
}

/** @param {readonly string[]} paths of the tarball */
function checkContents(paths) {
  const missing = [...targets(bin), ...targets(exports), ...started].filter((path) => !paths.includes(path));
  if (missing.length > 0) throw new Error(`what is needed is not packed: ${missing.join(', ')}`);
  const strange = paths.filter((path) => !topLevel.test(path));
  if (strange.length > 0) throw new Error(`the tarball holds what nobody needs: ${strange.join(', ')}`);
}

/**
 * Imports the doors of the library by their names and starts the command, both from the unpacked tarball and nothing else of the tree.
 * @param {string} tarball
 */
async function tryOut(tarball) {
  const home = join(folder, 'node_modules', name);
  mkdirSync(home, { recursive: true });
  await mustRun('unpack', 'tar', ['-xzf', tarball, '-C', home, '--strip-components=1']);
  symlinkSync(modules, join(home, 'node_modules'), 'dir');
  const user = join(folder, 'user.mjs');
  const doors = Object.keys(exports).filter((door) => !door.endsWith('.json') && !ofWorkers.includes(door));
  const imports = doors.map((door) => `await import('${name}${door.slice(1)}');\n`);
  writeFileSync(user, imports.join(''));
  await mustRun('import of the package', process.execPath, [user]);
  await mustRun('start of the command', process.execPath, [join(home, targets(bin)[0] ?? ''), '--version']);
}

const folder = mkdtempSync(join(tmpdir(), 'cairn-pack-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const { filename, unpackedSize, files } = pack(folder);
checkContents(files.map(({ path }) => path));
console.log(`${filename}: ${files.length} files, ${Math.round(unpackedSize / 1024)} KiB unpacked`);
const tarball = join(folder, filename);
await mustRun('publint', process.execPath, [join(modules, 'publint/src/cli.js'), 'run', tarball, '--strict']);
const attw = join(modules, '@arethetypeswrong/cli/dist/index.js');
await mustRun('attw', process.execPath, [
  attw,
  tarball,
  '--profile',
  'esm-only',
  '--no-emoji',
  '--format',
  'ascii',
]);
await tryOut(tarball);
await mustRun('knip', process.execPath, [join(modules, 'knip/bin/knip.js'), '--no-progress']);
