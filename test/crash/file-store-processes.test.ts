/**
 * Strategy: real processes on one directory. Eight race to create the same keys and each key has one winner; eight add
 * to one counter by compare-and-swap and no addition is lost; one that writes, swaps and deletes is killed with SIGKILL
 * at random moments, and after each kill every object is whole, as it was or as it was about to be, everything
 * acknowledged is there, and the list agrees with the objects.
 */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { utf8Decode, utf8Encode } from '../../core/base/bytes.js';
import { openFileStore } from '../../core/store/adapters/node/index.js';
import type { ObjectStore } from '../../core/store/index.js';

const WORKER = fileURLToPath(new URL('file-store-worker.mjs', import.meta.url));
const BUILT = fileURLToPath(new URL('../../dist/core/store/adapters/node/index.js', import.meta.url));
const PROCESSES = 8;
const KILLS = 60;
const SLOW_MS = 600_000;

type Line = readonly (string | number)[];

describe('processes on one file store', () => {
  let directory: string;
  beforeAll(() => {
    if (!existsSync(BUILT))
      throw new Error(`these tests run processes from the build: no ${BUILT}; run npm run build`);
  });
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cairn-processes-'));
  });
  afterEach(async () => rm(directory, { recursive: true }));

  it(`gives each key of a race between ${PROCESSES} processes one winner`, { timeout: SLOW_MS }, async () => {
    const keys = 300;
    const workers = startAll('create', (name) => ({ name, keys }));
    const lines = await runTogether(workers);
    const store = await openFileStore(directory);
    let winners = 0;
    for (let at = 0; at < keys; at++) {
      const won = lines.flatMap((said, index) =>
        said.some(([status, key]) => status === 'applied' && key === at) ? [`p${index}`] : [],
      );
      expect(won, `winners of key ${at}`).toHaveLength(1);
      const found = await store.get(`race/${at}`);
      expect(found.status === 'found' && utf8Decode(found.bytes)).toBe(won[0]);
      winners += won.length;
    }
    const refused = lines.flat().filter(([status]) => status === 'refused');
    expect(winners + refused.length).toBe(keys * PROCESSES);
    expect(await store.list('race/')).toHaveLength(keys);
    expect(await readdir(join(directory, '~tmp'))).toEqual([]);
  });

  it(`loses no addition of ${PROCESSES} processes to one counter`, { timeout: SLOW_MS }, async () => {
    const times = 40;
    const store = await openFileStore(directory);
    await store.put('counter', utf8Encode('[]'), { if: 'absent' });
    const lines = await runTogether(startAll('increment', (name) => ({ name, times })));
    const found = await store.get('counter');
    const added = JSON.parse(found.status === 'found' ? utf8Decode(found.bytes) : '') as string[];
    expect(new Set(added).size).toBe(PROCESSES * times);
    expect(added).toHaveLength(PROCESSES * times);
    // It was a race: some lost a round.
    expect(lines.flat().some(([status]) => status === 'refused')).toBe(true);
    expect(await readdir(join(directory, 'counter.gen'))).toHaveLength(8);
  });

  it(`leaves the old or the new at each of ${KILLS} kills`, { timeout: SLOW_MS }, async () => {
    const keys = 12;
    /** Number of the body that each key holds; -1 for none. */
    const state = new Map(Array.from({ length: keys }, (_, at) => [`churn/${at}`, -1]));
    let acknowledged = 0;
    let first = 1;
    for (let kill = 0; kill < KILLS; kill++) {
      const lines = await churnUntilKilled({ keys, first });
      let pending: Line | undefined;
      for (const line of lines) {
        if (line[0] === 'intent') pending = line;
        else {
          state.set(pending![1] as string, pending![2] as number);
          pending = undefined;
          acknowledged += 1;
        }
        first += 1;
      }
      await checkState(await openFileStore(directory), state, pending);
    }
    expect(acknowledged).toBeGreaterThan(KILLS);
  });

  function startAll(mode: string, argumentOf: (name: string) => object): Worker[] {
    return Array.from(
      { length: PROCESSES },
      (_, index) => new Worker([mode, directory, argumentOf(`p${index}`)]),
    );
  }

  async function churnUntilKilled(argument: object): Promise<Line[]> {
    const worker = new Worker(['churn', directory, argument]);
    await worker.spoke;
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
    worker.kill();
    return worker.ended('SIGKILL');
  }
});

/** Takes over into `state` what the pending intent turned out to be. */
async function checkState(
  store: ObjectStore,
  state: Map<string, number>,
  pending: Line | undefined,
): Promise<void> {
  const present: { key: string; size: number }[] = [];
  for (const [key, old] of state) {
    const found = await store.get(key);
    const number = found.status === 'found' ? Number(utf8Decode(found.bytes).split(' ')[1]) : -1;
    const allowed = pending?.[1] === key ? [old, pending[2]] : [old];
    expect(allowed, `number in ${key}`).toContain(number);
    if (found.status === 'found') {
      expect(utf8Decode(found.bytes)).toBe(`${key} ${number} `.repeat(1 + ((number * 7_919) % 3_000)));
      present.push({ key, size: found.size });
    }
    state.set(key, number);
  }
  const listed = await store.list('churn/');
  expect(listed.toSorted((a, b) => a.key.localeCompare(b.key))).toEqual(
    present.toSorted((a, b) => a.key.localeCompare(b.key)),
  );
}

async function runTogether(workers: readonly Worker[]): Promise<Line[][]> {
  await Promise.all(workers.map(({ spoke }) => spoke));
  for (const worker of workers) worker.tell();
  return Promise.all(workers.map((worker) => worker.ended(null)));
}

class Worker {
  /** Settles with its first words. */
  readonly spoke: Promise<void>;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #closed: Promise<NodeJS.Signals | null>;
  #out = '';
  #err = '';

  constructor([mode, directory, argument]: readonly [string, string, object]) {
    const child = spawn(process.execPath, [WORKER, mode, directory, JSON.stringify(argument)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child = child;
    child.stderr.on('data', (data: Buffer) => (this.#err += data.toString()));
    this.#closed = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        if (signal !== null || code === 0) resolve(signal);
        else reject(new Error(`worker ended with ${code}: ${this.#err}`));
      });
    });
    const heard = new Promise<void>((resolve) => {
      child.stdout.on('data', (data: Buffer) => {
        this.#out += data.toString();
        resolve();
      });
    });
    this.spoke = Promise.race([heard, this.#closed]).then(() => undefined);
  }

  tell(): void {
    this.#child.stdin.end('go\n');
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** All that it said. */
  async ended(signal: NodeJS.Signals | null): Promise<Line[]> {
    const endedBy = await this.#closed;
    if (endedBy !== signal) throw new Error(`worker ended by ${endedBy}, not ${signal}: ${this.#err}`);
    const lines = this.#out.split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as Line).filter(([word]) => word !== 'ready');
  }
}
