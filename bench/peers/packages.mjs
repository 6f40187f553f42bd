/**
 * The packages that the benches compare with: bench/package.json, in bench/node_modules. They are installed without their
 * install scripts; the two that come as sources are built here, each once, and only where a bench asks for it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { isInstalled, npmCommand, root } from '../../scripts/set-up.mjs';

export const peersHome = join(root, 'bench');
const modules = join(peersHome, 'node_modules');
const requireFrom = createRequire(join(peersHome, 'package.json'));

/** Whatever is missing afterwards is told by whoever needs it. */
export function installPeers() {
  const lock = readFileSync(join(peersHome, 'package-lock.json'), 'utf8');
  const installed = join(modules, '.package-lock.json');
  if (isInstalled(lock, existsSync(installed) ? readFileSync(installed, 'utf8') : undefined)) return;
  npm(['ci', '--prefix', peersHome, '--ignore-scripts', '--loglevel=error']);
}

/**
 * The package as it exports itself. Not imported by name: it is no dependency of this package.
 * @param {string} name
 * @returns {any}
 */
export function mustRequirePeer(name) {
  return requireFrom(name);
}

/** @param {string} name @returns {string} */
export function versionOfPeer(name) {
  return JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8')).version;
}

/**
 * Compiles a package for the Node that runs this, where its module is not there.
 * @param {string} name
 * @param {string} module the file that the build leaves, in the package's folder
 */
export function mustBuildPeer(name, module) {
  if (existsSync(join(modules, name, module))) return;
  console.log(`building ${name}`);
  // Headers of this very Node where it was installed with them; else node-gyp downloads them.
  const node = join(dirname(process.execPath), '..');
  const headers = existsSync(join(node, 'include/node/node.h')) ? [`--nodedir=${node}`] : [];
  // From source: a binary that somebody else built would be of another compiler and for any processor.
  npm(['rebuild', name, '--prefix', peersHome, '--build-from-source', '--loglevel=error', ...headers]);
  if (!existsSync(join(modules, name, module)))
    throw new Error(`it could not be built (npm rebuild ${name} --prefix bench --build-from-source)`);
}

/** @param {readonly string[]} given */
function npm(given) {
  const { command, args } = npmCommand(given);
  spawnSync(command, args, { stdio: 'inherit' });
}
