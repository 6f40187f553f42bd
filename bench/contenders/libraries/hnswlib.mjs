/**
 * hnswlib as C++ for this very processor: peers/hnswlib.cpp, which builds in its own process, measures itself, and sweeps
 * once for every line that it is sent.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { mustMakeHnswlib } from '../../peers/hnswlib.mjs';
import { INPUT } from '../input-files.mjs';
import { EF_CONSTRUCTION, M } from '../conditions.mjs';

/** @param {import('../contender.mjs').Shape} shape @returns {Promise<import('../contender.mjs').Opened>} */
async function open({ input, folder, metric, dimension }) {
  const files = [INPUT.vectors, INPUT.queries, INPUT.neighbours].map((name) => join(input, name));
  const program = spawn(mustMakeHnswlib(folder), [...files, metric, String(dimension), 'rounds'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { done, value } = await lines.next();
    if (done) throw new Error(`hnswlib ended with ${program.exitCode ?? program.signalCode}`);
    return JSON.parse(value);
  };
  const { build_seconds: buildSeconds, resident_bytes: residentBytes, instructions } = await next();
  return {
    ...{ built: { buildSeconds }, residentBytes, note: instructions },
    sweep: async () => {
      program.stdin.write('sweep\n');
      const points = [];
      for (let line = await next(); line.ef !== undefined; line = await next()) {
        const { ef, recall, qps, p50_us: p50us, p99_us: p99us } = line;
        points.push({ effort: { ef }, recall, qps, p50us, p99us });
      }
      return points;
    },
    close: async () => {
      program.stdin.end();
      if (program.exitCode === null && program.signalCode === null) await once(program, 'exit');
    },
  };
}

/** @type {import('../contender.mjs').Contender} */
export const hnswlib = {
  key: 'hnswlib',
  peer: 'hnswlib',
  title: 'hnswlib, native',
  settings: `C++, -O3 -march=native, M ${M}, ef_construction ${EF_CONSTRUCTION}, f32, cosine as inner product`,
  package: 'hnswlib-node',
  open,
};
