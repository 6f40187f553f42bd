/**
 * Long histories. Strategy: ten thousand commits, folded and collected on the way as a server does it, after a
 * snapshot; then the collection goes back, by name, by sequence and by time, and what it is then has the checksum of
 * what it was.
 */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Collection } from '../../core/index.js';
import { fenceSleep, newBench } from './fixture.js';

const IDS = 200;
const HOUR_MS = 3_600_000;

async function checksum(c: Collection, asOf?: number | string): Promise<string> {
  const include = ['metadata', 'vector'];
  const { records } = await c.scan({ limit: 10_000, include, ...(asOf === undefined ? {} : { asOf }) });
  const hash = createHash('sha256');
  for (const { id, vector, metadata } of records) hash.update(JSON.stringify([id, [...vector!], metadata]));
  return `${records.length} ${hash.digest('hex')}`;
}

interface Model {
  readonly c: Collection;
  readonly rows: Map<string, number>;
}

/** One commit, drawn from its number. */
async function commit({ c, rows }: Model, n: number): Promise<number> {
  const id = `r${(n * 7_919) % IDS}`;
  if (n % 11 === 0) {
    rows.delete(id);
    return (await c.delete({ ids: [id] })).sequence;
  }
  rows.set(id, n);
  return (await c.upsert([{ id, vector: [n, 1], metadata: { n } }])).sequence;
}

function checksumOf(rows: ReadonlyMap<string, number>): string {
  const hash = createHash('sha256');
  for (const [id, n] of [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(JSON.stringify([id, [n, 1], { n }]));
  return `${rows.size} ${hash.digest('hex')}`;
}

async function scene(): Promise<
  Model & { bench: ReturnType<typeof newBench>; collect: () => Promise<number> }
> {
  const bench = newBench();
  const db = await bench.openAgain({ sleep: fenceSleep(bench.clock) });
  const c = await db.createCollection('papers', { dimension: 2, metric: 'euclidean' });
  return { bench, c, rows: new Map(), collect: async () => (await db.collect()).objects };
}

test('a restore after 10,000 more commits, compaction and collection is the snapshot', async () => {
  const { bench, c, rows, collect } = await scene();
  for (let n = 1; n <= 300; n++) await commit({ c, rows }, n);
  const { sequence } = await c.createSnapshot({ name: 'kept' });
  const was = checksumOf(rows);
  expect(await checksum(c)).toBe(was);
  for (let n = 301; n <= 10_300; n++) await commit({ c, rows }, n);
  const before = checksumOf(rows);
  await c.compact();
  bench.clock.advance(HOUR_MS);
  expect(await collect()).toBeGreaterThan(9_000);
  expect(await checksum(c)).toBe(before);
  expect(await checksum(c, sequence)).toBe(was);
  await c.restoreTo({ snapshot: 'kept' });
  expect(await checksum(c)).toBe(was);
  await c.compact();
  await collect();
  expect(await checksum(c)).toBe(was);
  const other = await bench.openAgain();
  expect(await checksum(other.collection('papers'))).toBe(was);
}, 300_000);

test('a restore to any of 50 sequences, or to the time of one, is what the model was', async () => {
  const { bench, c, rows, collect } = await scene();
  await c.update({ retentionHours: 1_000 });
  const states = new Map<number, { readonly is: string; readonly at: string }>();
  let word = 1;
  const below = (n: number): number => {
    word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((word / 2 ** 32) * n);
  };
  for (let n = 1; n <= 2_000; n++) {
    const sequence = await commit({ c, rows }, n);
    if (n % 40 === 7)
      states.set(sequence, { is: checksumOf(rows), at: new Date(bench.clock.wallMs()).toISOString() });
    bench.clock.advance(5_000);
    if (n % 300 === 0) await c.compact();
    if (n % 700 === 0) await collect();
  }
  expect(states.size).toBe(50);
  const left = [...states];
  while (left.length > 0) {
    const [[sequence, { is, at }]] = left.splice(below(left.length), 1) as [
      [number, { is: string; at: string }],
    ];
    const asOf = below(2) === 0 ? sequence : at;
    expect(await checksum(c, asOf)).toBe(is);
    const { restored } = await c.restoreTo({ asOf });
    expect(restored).toBe(sequence);
    expect(await checksum(c)).toBe(is);
    await commit({ c, rows: new Map() }, 10_000 + sequence);
    const dice = below(4);
    if (dice === 0) await c.compact();
    if (dice === 1) await collect();
  }
  for (const [sequence, { is }] of states) expect(await checksum(c, sequence)).toBe(is);
}, 300_000);
