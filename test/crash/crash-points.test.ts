/**
 * Strategy: each operation runs on a copy of one store, in a process that is killed with SIGKILL before and after each
 * of its requests that change the store. What a new process then reads is the state before or after, never one in
 * between; every snapshot is what it was; and the operation can be done again. Which requests there are is held against
 * `crash-points.ts`.
 *
 * Invariants: 3, 5, 8, 9, 12, 14.
 */
import { spawn } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { open } from '../../core/index.js';
import type { Collection, Database, OpenOptions } from '../../core/index.js';
import { systemSleep } from '../../core/system-ports.js';
import { seededRandom } from '../engine/fixture.js';
import { crashedOperations, crashPoints, requestsOf } from './crash-points.js';
import type { CrashedOperation, CrashPoint } from './crash-points.js';

const SLOW_MS = 300_000;

/** The x of every record. */
type Records = ReadonlyMap<string, unknown>;

let root: string;
/** What a child runs: of the build, in few files, because 150 of them would be read again at each of its 140 starts. */
let script: string;
/** The store that each operation begins with. */
const scenes = new Map<CrashedOperation, string>();

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'cairn-crash-points-'));
  script = await bundled();
  for (const operation of crashedOperations) {
    const directory = join(root, operation.replaceAll(' ', '-'));
    await makeScene(directory, operation);
    scenes.set(operation, directory);
  }
}, SLOW_MS);
afterAll(async () => rm(root, { recursive: true, force: true }));

async function bundled(): Promise<string> {
  await build({
    ...{ entryPoints: [join(import.meta.dirname, 'crash-point-child.mjs')], outdir: join(root, 'child') },
    ...{ bundle: true, splitting: true, platform: 'node', format: 'esm', outExtension: { '.js': '.mjs' } },
    logLevel: 'warning',
  });
  return join(root, 'child/crash-point-child.mjs');
}

async function openAt(directory: string, options: OpenOptions = {}): Promise<Database> {
  const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    ms === limits.fenceMs ? Promise.resolve() : systemSleep(ms, signal);
  return await open(`file:${directory}`, { sleep, ...options });
}

/** Operations on what lies in a segment, with a log over it. */
const COMPACTED: ReadonlySet<CrashedOperation> = new Set([
  'merge',
  'collect',
  'branch',
  'collection of a branch',
]);

const row = (id: string, x: number) => ({ id, vector: [x, 1, 1], metadata: { x } });

/** Five commits, a snapshot of the third, and what the operation needs besides. */
async function makeScene(directory: string, operation: CrashedOperation): Promise<void> {
  // Collections are collected in the order of their uids: it has to be the same each time.
  const db = await openAt(directory, { random: seededRandom(7) });
  const papers = await db.createCollection('papers', { dimension: 3, metric: 'euclidean' });
  await papers.upsert([row('a', 1), row('b', 2)]);
  await papers.upsert([row('c', 3)]);
  if (COMPACTED.has(operation)) await papers.compact();
  await papers.delete({ ids: ['b'] });
  await papers.createSnapshot({ name: 'kept' });
  await papers.upsert([row('d', 4), row('a', 5)]);
  await papers.upsert([row('e', 6)]);
  if (operation === 'collect') await papers.compact();
  if (operation === 'fold of a restore') await papers.restoreTo({ snapshot: 'kept' });
  if (operation === 'collection of a branch') {
    await papers.branch('draft');
    await db.dropCollection('draft');
  }
  await db.close();
}

async function recordsOf(papers: Collection, asOf?: number): Promise<Records> {
  const { records } = await papers.scan({ limit: 1_000, ...(asOf === undefined ? {} : { asOf }) });
  return new Map(records.map(({ id, metadata }) => [id, metadata!['x']]));
}

interface Outcome {
  readonly said: readonly string[];
  readonly signal: NodeJS.Signals | null;
}

async function run(directory: string, operation: CrashedOperation, point?: CrashPoint): Promise<Outcome> {
  const args = point === undefined ? [] : [String(point.at), point.when];
  const child = spawn(process.execPath, [script, directory, operation, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (part: Buffer) => (text += part.toString()));
  const signal = await new Promise<NodeJS.Signals | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (_, how) => resolve(how));
  });
  const said = text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as string]));
  return { said, signal };
}

/** A copy of the scene, on which the operation ran to its end or to the point. */
async function ran(
  operation: CrashedOperation,
  point?: CrashPoint,
): Promise<Outcome & { directory: string }> {
  const directory = await mkdtemp(join(root, 'run-'));
  await cp(scenes.get(operation)!, directory, { recursive: true, preserveTimestamps: true });
  return { directory, ...(await run(directory, operation, point)) };
}

const KEPT: Records = new Map([
  ['a', 1],
  ['c', 3],
]);
const BEFORE: Records = new Map([
  ['a', 5],
  ['c', 3],
  ['d', 4],
  ['e', 6],
]);

async function statesOf(directory: string): Promise<{ now: Records; kept: Records | undefined }> {
  const db = await openAt(directory);
  try {
    const papers = db.collection('papers');
    const snapshots = await papers.listSnapshots();
    const kept = snapshots.find(({ name }) => name === 'kept');
    for (const { name, sequence } of snapshots) if (name === 'new') await recordsOf(papers, sequence);
    return {
      now: await recordsOf(papers),
      kept: kept === undefined ? undefined : await recordsOf(papers, kept.sequence),
    };
  } finally {
    await db.close();
  }
}

describe.each(crashedOperations.filter((operation) => operation !== 'drop'))('a %s', (operation) => {
  let whole: Outcome & { readonly after: Records };
  beforeAll(async () => {
    const { directory, ...outcome } = await ran(operation);
    whole = { ...outcome, after: (await statesOf(directory)).now };
  }, SLOW_MS);

  test('changes the store by the requests that are listed', () => {
    expect(whole.said).toEqual([...requestsOf(operation), 'done']);
  });

  test.each(crashPoints.filter((point) => point.operation === operation))(
    'that is killed $when request $at, $request, leaves the state before or after',
    { timeout: SLOW_MS },
    async (point) => {
      const { directory, signal, said } = await ran(operation, point);
      expect([signal, said.at(-1)]).toEqual(['SIGKILL', point.request]);
      const { now, kept } = await statesOf(directory);
      expect([BEFORE, whole.after]).toContainEqual(now);
      const gone = operation === 'snapshot deletion' ? [undefined] : [];
      expect([KEPT, ...gone]).toContainEqual(kept);
      // Somebody else goes on, and the same once more.
      const db = await openAt(directory);
      await db.collection('papers').upsert([row('later', 7)]);
      await db.collect();
      expect(await recordsOf(db.collection('papers'))).toEqual(new Map([...now, ['later', 7]]));
      await db.close();
      expect((await statesOf(directory)).kept).toEqual(kept);
    },
  );
});

describe('a branch', () => {
  test.each(crashPoints.filter(({ operation }) => operation === 'branch'))(
    'that is killed $when request $at, $request, is there whole or not at all, and can be made after it',
    { timeout: SLOW_MS },
    async (point) => {
      const { directory } = await ran('branch', point);
      const db = await openAt(directory);
      const { collections } = await db.listCollections();
      const made = point.request === 'put entry' && point.when === 'after';
      expect(collections.length).toBe(made ? 2 : 1);
      if (!made) await db.collection('papers').branch('draft');
      const draft = db.collection('draft');
      expect(await recordsOf(draft)).toEqual(BEFORE);
      await db.dropCollection('papers');
      for (let i = 0; i < 2; i++) await db.collect();
      await draft.upsert([row('later', 7)]);
      expect(await recordsOf(draft)).toEqual(new Map([...BEFORE, ['later', 7]]));
      await db.close();
    },
  );
});

describe('a drop', () => {
  test('changes the store by the requests that are listed', async () => {
    const { said } = await ran('drop');
    expect(said).toEqual([...requestsOf('drop'), 'done']);
  });

  test.each(crashPoints.filter(({ operation }) => operation === 'drop'))(
    'that is killed $when request $at, $request, has taken place or not',
    { timeout: SLOW_MS },
    async (point) => {
      const { directory, signal } = await ran('drop', point);
      expect(signal).toBe('SIGKILL');
      const db = await openAt(directory);
      const there = (await db.listCollections()).collections.length === 1;
      const dropped = point.at > 1 || (point.at === 1 && point.when === 'after');
      expect(there).toBe(!dropped);
      if (there) expect(await recordsOf(db.collection('papers'))).toEqual(BEFORE);
      else await db.createCollection('papers', { dimension: 3 });
      await db.collect();
      expect((await db.collection('papers').count({})).count).toBe(there ? BEFORE.size : 0);
      await db.close();
    },
  );
});
