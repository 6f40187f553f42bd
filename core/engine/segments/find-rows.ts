/**
 * From ids to rows of a segment: the filter of ids first, which needs no page, then the ids' blocks.
 */
import { andThen } from '../../base/awaitable.js';
import type { Awaitable } from '../../base/awaitable.js';
import type { PageReading } from '../../store/index.js';
import type { SegmentFile } from './segment-file.js';

const NOTHING: ReadonlyMap<string, number> = new Map();

/** The rows of those ids that the segment holds, dead or alive. */
export function findRows(
  file: SegmentFile,
  ids: readonly string[],
  reading?: PageReading,
): Awaitable<ReadonlyMap<string, number>> {
  if (ids.length === 0) return NOTHING;
  return andThen(file.possibleIds(ids), (possible) => rowsOf(file, possible, reading));
}

function rowsOf(
  file: SegmentFile,
  possible: readonly string[],
  reading: PageReading | undefined,
): Awaitable<ReadonlyMap<string, number>> {
  if (possible.length === 0) return NOTHING;
  return andThen(file.findRanks(possible, reading), (ranks): Awaitable<ReadonlyMap<string, number>> => {
    const found = possible.filter((_, i) => ranks[i]! >= 0);
    if (found.length === 0) return NOTHING;
    const known = Uint32Array.from(ranks.filter((rank) => rank >= 0));
    return andThen(file.rowsOfRanks(known, reading), (rows) => new Map(found.map((id, i) => [id, rows[i]!])));
  });
}
