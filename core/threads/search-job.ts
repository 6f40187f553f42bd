/**
 * A search as it lies in a slot, and its answer in the same place.
 *
 * ```
 * asked     header: index, dimension, k, walk? 1 : 0, ef, reach, rerank, count, bytes of allowed or -1
 *           f32 query[dimension], u8 allowed[bytes]
 * answered  header: rows visited, rows, distances? 1 : 0
 *           u32 row[rows], u32 rank[rows], f32 distance[rows]
 * ```
 */
import type { Candidates, IndexSearch } from '../engine/index.js';
import { KIND, SEARCH } from './job-slots.js';
import type { Slot } from './job-slots.js';

const ROW_BYTES = 12;

/** Whether there is room for it and its answer. */
export function fits({ u8 }: Slot, { query, effort, allowed }: IndexSearch): boolean {
  return Math.max(query.byteLength + (allowed?.length ?? 0), effort.rerank * ROW_BYTES) <= u8.length;
}

/** Requires: it fits. */
export function putSearch({ header, u8, f32 }: Slot, index: number, search: IndexSearch): void {
  const { query, k, effort, allowed, count } = search;
  header[KIND] = SEARCH;
  header[0] = index;
  header[1] = query.length;
  header[2] = k;
  header[3] = effort.kind === 'walk' ? 1 : 0;
  header[4] = effort.kind === 'walk' ? effort.ef : 0;
  header[5] = effort.kind === 'walk' ? effort.reach : 0;
  header[6] = effort.rerank;
  header[7] = count;
  header[8] = allowed?.length ?? -1;
  f32.set(query);
  if (allowed !== undefined) u8.set(allowed, query.byteLength);
}

/** Views of the slot: good until the answer is put there. */
export function getSearch({ header, u8, f32 }: Slot): {
  readonly index: number;
  readonly search: IndexSearch;
} {
  const dimension = header[1]!;
  const rerank = header[6]!;
  const bytes = header[8]!;
  const search: IndexSearch = {
    query: f32.subarray(0, dimension),
    k: header[2]!,
    effort:
      header[3] === 1
        ? { kind: 'walk', ef: header[4]!, reach: header[5]!, rerank }
        : { kind: 'scan', rerank },
    allowed: bytes < 0 ? undefined : u8.subarray(4 * dimension, 4 * dimension + bytes),
    count: header[7]!,
  };
  return { index: header[0]!, search };
}

export function putCandidates({ header, u32, f32 }: Slot, found: Candidates): void {
  const { rows, ranks, distances, visited } = found;
  const count = rows.length;
  header[0] = visited;
  header[1] = count;
  header[2] = distances === undefined ? 0 : 1;
  u32.set(rows);
  u32.set(ranks, count);
  if (distances !== undefined) f32.set(distances, 2 * count);
}

export function getCandidates({ header, u32, f32 }: Slot): Candidates {
  const count = header[1]!;
  const measured = header[2] === 1;
  const rows = new Uint32Array(count);
  const ranks = new Uint32Array(count);
  // Number by number: mostly they are so few that what else copies costs more than they do.
  for (let i = 0; i < count; i++) {
    rows[i] = u32[i]!;
    ranks[i] = u32[count + i]!;
  }
  const distances = measured ? f32.slice(2 * count, 3 * count) : undefined;
  return { rows, ranks, distances, visited: header[0]! };
}
