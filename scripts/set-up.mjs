/**
 * What a fresh clone lacks before anything can run: a Node that is new enough, the installed packages and the build.
 * Leans on Node alone, because it runs before there is a node_modules. Every step first asks whether there is
 * something to do, so that a second start costs milliseconds.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Where a build leaves the digest of the sources it was made from. In dist/, so that it goes when dist/ goes. */
export const stampFile = 'dist/build.stamp';

/** Everything that the build reads. A change to any byte of it makes dist/ stale. */
const buildInputs = [
  'wasm',
  'core',
  'functions',
  'cli',
  'scripts/build.mjs',
  'scripts/embed-wasm.mjs',
  'scripts/embed-version.mjs',
  'tsconfig.base.json',
  'tsconfig.json',
  'package-lock.json',
];

/**
 * Compares dotted versions by their numbers.
 * @param {string} found
 * @param {string} floor
 */
export function isAtLeast(found, floor) {
  const a = found.split('.').map(Number);
  const b = floor.split('.').map(Number);
  for (let i = 0; i < 3; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

export function mustHaveNode() {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const floor = engines.node.replace('>=', '');
  if (isAtLeast(process.versions.node, floor)) return;
  console.error(
    `Cairn needs Node ${floor} or newer, and this is Node ${process.versions.node} (${process.execPath}).`,
  );
  console.error(
    'Install a newer one from https://nodejs.org or with your version manager, then run the command again.',
  );
  process.exit(1);
}

/**
 * Whether what npm recorded as installed is what the lock file asks for. Optional packages may be absent (they are
 * made for other platforms). Packages that were installed beside the lock make it stale too.
 * @param {string} lockText package-lock.json
 * @param {string | undefined} installedText node_modules/.package-lock.json, which npm writes last
 */
export function isInstalled(lockText, installedText) {
  if (installedText === undefined) return false;
  const { '': _self, ...wanted } = JSON.parse(lockText).packages;
  const installed = JSON.parse(installedText).packages;
  for (const [path, entry] of Object.entries(wanted)) {
    const found = installed[path];
    if (found === undefined ? !entry.optional && !entry.devOptional : found.integrity !== entry.integrity)
      return false;
  }
  return Object.keys(installed).every((path) => path in wanted);
}

/** @param {string} file relative to the root */
function tryRead(file) {
  const path = join(root, file);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/**
 * @param {string} path a file or folder under `base`
 * @param {string} base
 * @returns {string[]} the files in it, ordered by name in each folder
 */
export function filesOf(path, base) {
  const full = join(base, path);
  if (!existsSync(full)) return [];
  if (statSync(full).isFile()) return [path];
  return readdirSync(full, { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => filesOf(`${path}/${entry.name}`, base));
}

/**
 * Contents count, not dates: switching a branch forth and back costs no build.
 * @param {string} base
 * @param {readonly string[]} inputs
 */
export function digestSources(base = root, inputs = buildInputs) {
  const hash = createHash('sha256');
  for (const file of inputs.flatMap((input) => filesOf(input, base))) {
    if (file.endsWith('.generated.ts')) continue;
    const bytes = readFileSync(join(base, file));
    hash.update(`${file} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest('hex');
}

/**
 * Runs a program to its end with our own input and output, and passes on the signals that would end us.
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {Promise<number>} its exit code, or 128 + n for signal n, as a shell has it
 */
export function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit' });
    /** @param {NodeJS.Signals} signal */
    const forward = (signal) => void child.kill(signal);
    process.on('SIGTERM', forward).on('SIGINT', forward);
    const settle = () => process.off('SIGTERM', forward).off('SIGINT', forward);
    child.once('error', (error) => {
      settle();
      reject(error);
    });
    child.once('exit', (code, signal) => {
      settle();
      resolve(code ?? (signal === 'SIGINT' ? 130 : 143));
    });
  });
}

/**
 * @param {string} what the step's name in the message
 * @param {string} command
 * @param {readonly string[]} args
 */
export async function mustRun(what, command, args) {
  const code = await run(command, args);
  if (code === 0) return;
  console.error(`${what} failed with exit code ${code}: ${[command, ...args].join(' ')}`);
  process.exit(code);
}

/**
 * How npm is started: under `npm start` npm says where it is; a bare `node scripts/start.mjs` takes the one on the path.
 * @param {readonly string[]} args
 * @returns {{ command: string, args: readonly string[] }}
 */
export function npmCommand(args) {
  const path = process.env['npm_execpath'];
  return path?.endsWith('.js')
    ? { command: process.execPath, args: [path, ...args] }
    : { command: 'npm', args };
}

/** @param {readonly string[]} given */
async function npm(given) {
  const { command, args } = npmCommand(given);
  await mustRun(`npm ${given[0]}`, command, args);
}

/** Node, packages and build, each only where it is missing or stale. */
export async function setUp() {
  mustHaveNode();
  if (!isInstalled(tryRead('package-lock.json') ?? '{}', tryRead('node_modules/.package-lock.json'))) {
    console.error('installing packages (npm ci)');
    await npm(['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']);
  }
  if (!existsSync(join(root, 'dist/cli/main.js')) || tryRead(stampFile)?.trim() !== digestSources()) {
    console.error('building');
    await mustRun('build', process.execPath, [join(root, 'scripts/build.mjs')]);
  }
}
