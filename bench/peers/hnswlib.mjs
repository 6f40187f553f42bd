/**
 * hnswlib as a peer: compiles hnswlib.cpp with `g++ -O3 -march=native` against the headers in the package hnswlib-node,
 * and runs it on one core over the rows of a set. Where a compiler or the headers are missing, the peer is left out, and
 * a line says so.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { installPeers, peersHome } from './packages.mjs';

const headers = join(peersHome, 'node_modules/hnswlib-node/src/hnswlib');

/**
 * @typedef {object} PeerReport
 * @property {number} build_seconds
 * @property {number} rows
 * @property {string} instructions what its distance functions use
 * @property {boolean} pinned to one core
 * @property {{ ef: number, qps: number, recall: number }[]} sweep queries per second and recall@10
 */

/**
 * The program, compiled into `folder`; undefined where it cannot be made.
 * @param {string} folder
 */
export function tryMakeHnswlib(folder) {
  try {
    installPeers();
    return mustMakeHnswlib(folder);
  } catch (error) {
    console.error(`!!! WITHOUT HNSWLIB: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

/**
 * Requires: `installPeers` was called.
 * @param {string} folder
 */
export function mustMakeHnswlib(folder) {
  if (spawnSync('g++', ['--version']).status !== 0)
    throw new Error('there is no g++ (Debian: apt-get install g++)');
  if (!existsSync(join(headers, 'hnswlib.h')))
    throw new Error('its headers are missing (npm ci --prefix bench --ignore-scripts)');
  const program = join(folder, 'hnswlib');
  const source = join(peersHome, 'peers/hnswlib.cpp');
  const flags = ['-O3', '-march=native', '-std=c++17', '-w', '-I', headers];
  const { status, stderr } = spawnSync('g++', [...flags, source, '-o', program], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`g++ failed: ${stderr.slice(0, 2_000)}`);
  return program;
}

/**
 * Builds and searches on one core, the last one where there are several.
 * @param {string} program
 * @param {import('../real-sets.mjs').BenchSet} set
 * @param {string} folder for its input
 * @returns {Promise<PeerReport>}
 */
export async function runHnswlib(program, set, folder) {
  const input = Object.entries({
    vectors: set.vectors,
    queries: set.queries,
    neighbours: set.neighbours,
  }).map(([name, { buffer, byteOffset, byteLength }]) => {
    const path = join(folder, `hnswlib-${name}`);
    writeFileSync(path, new Uint8Array(buffer, byteOffset, byteLength));
    return path;
  });
  const line = [program, ...input, set.metric, String(set.dimension)];
  const pinned = cpus().length > 1 && spawnSync('taskset', ['--version']).status === 0;
  const [file = '', ...args] = pinned ? ['taskset', '-c', String(cpus().length - 1), ...line] : line;
  const lines = (await outputOf(file, args))
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text));
  const [build, ...sweep] = lines;
  return { ...build, pinned, sweep };
}

/** @param {string} file @param {readonly string[]} args @returns {Promise<string>} */
function outputOf(file, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code, signal) =>
      code === 0 ? resolve(output) : reject(new Error(`${file} ended with ${code ?? signal}`)),
    );
  });
}
