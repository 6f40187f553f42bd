/** Measures in how many leaves the nearest rows lie (core/engine/segments/cover-curve.ts): rows are asked, as they are for probes. */
import { upperBound } from '../../base/ascending.js';
import { SHARE_MOST } from '../segments/index.js';
import type { Cover } from '../segments/index.js';
import { nearestLeaves, nearestRows } from './calibrate-probes.js';
import type { ProbeCalibration } from './calibrate-probes.js';

const KS: readonly number[] = [1, 3, 10, 32, 100, 316, 1_000, 3_162, 10_000];
/** More are not found by a walk. */
const WALKED_MOST = 1_000;
const QUERIES = 200;
/** Of a walk that finds the last of them, too. */
const EF = 2_000;
/** From one number of leaves to the next. */
const STEP = 1.2;
/** Numbers of leaves that hold less are not kept. */
const WORTH_KNOWING = 0.5;

export async function calibrateCovers(port: ProbeCalibration): Promise<readonly Cover[]> {
  const levels = levelsOf(port.leaves.length);
  const queries = Math.min(QUERIES, port.queries);
  const rowsOfAll = port.leaves.reduce((sum, { rows }) => sum + rows, 0);
  const ks = KS.filter((k) => k <= rowsOfAll / 2 && (port.scansFast || k <= WALKED_MOST));
  const shares = ks.map(() => levels.map(() => new Float64Array(queries)));
  const leavesOfRow = new RowLeaves(port, rowsOfAll);
  const most = ks.at(-1) ?? 0;
  for (let query = 0; query < queries; query++) {
    await port.breathe();
    const rows = nearestRows(port, query, { ef: EF, count: most }).slice(0, most);
    const places = placesOf(port, query);
    const counts = new Uint32Array(levels.length);
    let counted = 0;
    for (const [n, k] of ks.entries()) {
      for (; counted < Math.min(k, rows.length); counted++) {
        const level = upperBound(levels, leavesOfRow.firstPlace(rows[counted]!, places));
        counts[level] = counts[level]! + 1;
      }
      let held = 0;
      for (const level of levels.keys()) {
        held += counts[level]!;
        shares[n]![level]![query] = counted === 0 ? 1 : held / counted;
      }
    }
  }
  return ks.map((k, n) => coverOf(k, levels, shares[n]!));
}

function levelsOf(leaves: number): readonly number[] {
  const levels: number[] = [];
  for (let level = 1; level < leaves; level = Math.max(level + 1, Math.floor(level * STEP)))
    levels.push(level);
  return [...levels, leaves];
}

/** `shares` of each level, of all queries. */
function coverOf(k: number, levels: readonly number[], shares: readonly Float64Array[]): Cover {
  const cover: { leaves: number[]; shares: number[] } = { leaves: [], shares: [] };
  for (const [level, leaves] of levels.entries()) {
    const mean = shares[level]!.reduce((sum, share) => sum + share, 0) / shares[level]!.length;
    const share = Math.floor(mean * 1e4) / 1e4;
    if (share < WORTH_KNOWING || share <= (cover.shares.at(-1) ?? 0)) continue;
    cover.leaves.push(leaves);
    cover.shares.push(share);
    if (share >= SHARE_MOST) break;
  }
  return { k, ...cover };
}

/** By leaf: how many are nearer. */
function placesOf(port: ProbeCalibration, query: number): Uint32Array {
  const { order } = nearestLeaves(port, query);
  const places = new Uint32Array(order.length);
  order.forEach((leaf, place) => (places[leaf] = place));
  return places;
}

/** The leaf of each row, and the other one that it is a guest of. */
class RowLeaves {
  readonly #starts: Uint32Array;
  /** Less one; 0: it is no guest. */
  readonly #guestOf: Uint32Array;

  constructor({ leaves, leafStarts }: Pick<ProbeCalibration, 'leaves' | 'leafStarts'>, rows: number) {
    this.#starts = leafStarts;
    this.#guestOf = new Uint32Array(rows);
    leaves.forEach(({ guests }, leaf) => guests.forEach((row) => (this.#guestOf[row] = leaf + 1)));
  }

  /** Of its leaves the nearer one's. */
  firstPlace(row: number, places: Uint32Array): number {
    const own = places[upperBound(this.#starts, row) - 1]!;
    const other = this.#guestOf[row]!;
    return other === 0 ? own : Math.min(own, places[other - 1]!);
  }
}
