/**
 * What probes are said to find, of a stand-in for an index: rows on a line, so many in a leaf, whose estimates are their distances, so
 * that all that is not found lies in a leaf that was not read.
 */
import { expect, test } from 'vitest';
import { calibrateCovers } from '../../../core/engine/compaction/calibrate-covers.js';
import { calibrateProbes } from '../../../core/engine/compaction/calibrate-probes.js';
import type { ProbeCalibration } from '../../../core/engine/compaction/calibrate-probes.js';

const ROWS = 2_000;
const IN_LEAF = 20;
const LEAVES = ROWS / IN_LEAF;

const rowsOf = (leaf: number): readonly number[] =>
  Array.from({ length: IN_LEAF }, (_, i) => leaf * IN_LEAF + i);

/** `guests` of each leaf. Every seventh row is asked. */
function calibration(guests: (leaf: number) => readonly number[], scansFast = true): ProbeCalibration {
  const asked = Array.from({ length: 280 }, (_, i) => (i * 7) % ROWS);
  const leaves = Array.from({ length: LEAVES }, (_, leaf) => ({
    rows: IN_LEAF,
    guests: Uint32Array.from(guests(leaf)),
    scanned: Uint8Array.of(leaf),
  }));
  let query = 0;
  const farAway = (row: number): number => (row - query) ** 2;
  const nearest = (of: number, count: number): Uint32Array =>
    Uint32Array.from({ length: ROWS }, (_, row) => row)
      .sort((a, b) => Math.abs(a - asked[of]!) - Math.abs(b - asked[of]!) || a - b)
      .slice(0, count);
  const leafScan = {
    prepare: ([value]: Float32Array) => (query = value!),
    beginLeaves: () => {},
    centroidDistances: () =>
      Float32Array.from(leaves, (_, leaf) => farAway(leaf * IN_LEAF + (IN_LEAF - 1) / 2)),
    leafDistances: ([leaf]: Uint8Array) => Float32Array.from([...rowsOf(leaf!), ...guests(leaf!)], farAway),
  } as unknown as ProbeCalibration['leafScan'];
  return {
    ...{ queries: asked.length, scansFast, leaves, leafScan },
    scan: nearest,
    walk: (of, { limit }) => nearest(of, limit),
    distances: (lists) =>
      Promise.resolve(lists.map((rows, of) => Float32Array.from(rows, (row) => (row - asked[of]!) ** 2))),
    breathe: () => Promise.resolve(),
    rowOf: (of) => asked[of]!,
    vectorOf: (of) => Float32Array.of(asked[of]!),
    leafStarts: Uint32Array.from({ length: LEAVES }, (_, leaf) => leaf * IN_LEAF),
  };
}

const none = (): readonly number[] => [];

test('what was not scanned is not found, though fewer rows than are wanted were', async () => {
  const points = await calibrateProbes(calibration(none));
  const ofHundred = points.filter(({ k }) => k === 100);
  expect(ofHundred.length).toBeGreaterThan(0);
  // Of leaves that hold fewer rows than the half of them nothing can be said.
  for (const { leaves } of ofHundred) expect(leaves).toBeGreaterThanOrEqual(3);
  for (const { lower, reached } of points) expect(lower).toBeLessThanOrEqual(reached);
  expect(Math.max(...ofHundred.map(({ lower }) => lower))).toBeGreaterThan(0.99);
});

test.each(['scanned', 'walked'])('covers say in how many leaves the nearest lie: %s', async (how) => {
  const covers = await calibrateCovers(calibration(none, how === 'scanned'));
  const sharesOf = (of: number): readonly (readonly [number, number])[] =>
    covers
      .filter(({ k }) => k === of)
      .flatMap(({ leaves, shares }) => leaves.map((l, i) => [l, shares[i]!] as const));
  // The middle of a leaf has its ten in it; at the end of one half of them are in the next.
  const ten = sharesOf(10);
  expect(ten.map(([leaves]) => leaves)).toEqual([1, 2]);
  expect(ten[0]![1]).toBeGreaterThan(0.8);
  expect(ten[1]![1]).toBeGreaterThanOrEqual(0.998);
  const thousand = sharesOf(1_000);
  expect(thousand[0]![0]).toBeGreaterThan(20);
  expect(thousand.at(-1)![0]).toBeGreaterThan(45);
  for (const [i, [leaves, share]] of thousand.entries()) {
    expect(share).toBeLessThanOrEqual((leaves * IN_LEAF) / 1_000);
    expect(leaves).toBeGreaterThan(thousand[i - 1]?.[0] ?? 0);
  }
});

test('a row is found in the leaf that it is a guest of', async () => {
  // Of each leaf the rows of the next one that are near.
  const next = (leaf: number): readonly number[] =>
    leaf + 1 === LEAVES ? [] : rowsOf(leaf + 1).slice(0, IN_LEAF / 2);
  const first = (covers: Awaited<ReturnType<typeof calibrateCovers>>): number => {
    const { leaves, shares } = covers.find(({ k }) => k === 10)!;
    return shares[leaves.indexOf(1)]!;
  };
  const [without, withGuests] = [
    await calibrateCovers(calibration(none)),
    await calibrateCovers(calibration(next)),
  ];
  expect(first(withGuests)).toBeGreaterThan(first(without) + 0.05);
});
