/**
 * Which part of what lies near a query each of several segments holds, as far as their leaves tell. Where rows are in segments by chance
 * it is that of all rows; where they are not, one segment may hold everything, and another nothing.
 */
import { distancesOfLeaves } from './leaf-probe.js';
import type { ProbedFile, Room } from './leaf-probe.js';

export interface NearSegment {
  readonly file: ProbedFile;
  /** How much farther than the nearest of all a leaf may be, in distances of the segment's own units. */
  readonly reach: number;
}

/** From 0 to 1; 1 of each where distances are no numbers. Throws `memory_budget_exceeded`. */
export function nearShares(
  room: Room,
  query: Float32Array,
  segments: readonly NearSegment[],
): ReadonlyMap<ProbedFile, number> {
  const distances = segments.map(({ file }) => distancesOfLeaves(room, file, query));
  const nearest = Math.min(
    ...segments.map(({ file }, i) =>
      toCommon(
        file,
        distances[i]!.reduce((a, b) => Math.min(a, b)),
      ),
    ),
  );
  const rows = segments.map(({ file, reach }, i) => {
    const within = nearest + toCommon(file, reach);
    const { leafIndex } = file;
    return distances[i]!.reduce(
      (sum, distance, leaf) => (toCommon(file, distance) <= within ? sum + leafIndex.rowsIn(leaf) : sum),
      0,
    );
  });
  const all = rows.reduce((sum, own) => sum + own, 0);
  const isKnown = Number.isFinite(nearest) && all > 0;
  return new Map(segments.map(({ file }, i) => [file, isKnown ? rows[i]! / all : 1]));
}

/** Distances inside a segment are in squares of its own unit. */
function toCommon({ leafIndex }: ProbedFile, distance: number): number {
  return distance / leafIndex.centroids.factor ** 2;
}
