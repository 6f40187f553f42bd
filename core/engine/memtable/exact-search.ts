/**
 * The exact k nearest of a memtable. Equal distances are ordered by id, also where they straddle the k-th place, so
 * that an answer depends on the records alone and not on where they lie.
 */
import { compareUtf8 } from '../../base/bytes.js';
import { row as asRow } from '../../base/ids.js';
import type { Row } from '../../base/ids.js';
import type { DocumentTest } from '../../filter/index.js';
import type { BlockHits } from '../../kernel/index.js';
import type { Memtable, MemtableBlock, View } from './memtable.js';

export interface ExactSearch {
  readonly query: Float32Array;
  readonly k: number;
  readonly view: View;
  readonly filter: DocumentTest | undefined;
}

/** A row and its kernel distance: smaller is nearer, whatever the metric. */
export interface Hit {
  readonly row: Row;
  readonly distance: number;
}

export interface SearchAnswer {
  /** Nearest first, then by id. */
  readonly hits: readonly Hit[];
  /** Vectors compared. */
  readonly rowsScanned: number;
}

const NOTHING: SearchAnswer = { hits: [], rowsScanned: 0 };

export function exactSearch(memtable: Memtable, search: ExactSearch): SearchAnswer {
  if (memtable.blocks.length === 0) return NOTHING;
  const { metric } = memtable.schema;
  const { query, k } = search;
  const found: {
    readonly part: MemtableBlock;
    readonly hits: BlockHits;
    readonly mask: Uint8Array | undefined;
  }[] = [];
  let rowsScanned = 0;
  for (const part of memtable.blocks) {
    const { mask, count } = selectRows(memtable, part, search);
    rowsScanned += count;
    if (count === 0) continue;
    // One more than asked: a block that has no more than k cannot have cut off a tie.
    found.push({ part, mask, hits: part.block.search({ query, metric, k: k + 1, mask }) });
  }
  const hits = found.flatMap(({ part, hits: block }) => toHits(part, block)).sort(nearestFirst(memtable));
  const worst = hits[k - 1]?.distance;
  if (worst === undefined || hits.length <= k) return { hits: hits.slice(0, k), rowsScanned };
  for (const { part, hits: block, mask } of found) {
    const cutOff = block.rows.length > k && block.distances.at(-1) === worst;
    if (!cutOff) continue;
    const seen = new Set(block.rows);
    const equal = part.block.equalRows({ query, metric, mask, distance: worst });
    for (const row of equal)
      if (!seen.has(row)) hits.push({ row: asRow(part.firstRow + row), distance: worst });
  }
  return { hits: hits.sort(nearestFirst(memtable)).slice(0, k), rowsScanned };
}

function toHits({ firstRow }: MemtableBlock, { rows, distances }: BlockHits): Hit[] {
  return Array.from(rows, (row, i) => ({ row: asRow(firstRow + row), distance: distances[i]! }));
}

function nearestFirst(memtable: Memtable): (a: Hit, b: Hit) => number {
  return (a, b) => a.distance - b.distance || compareUtf8(memtable.id(a.row), memtable.id(b.row));
}

interface Selection {
  /** Undefined: all live rows of the block. */
  readonly mask: Uint8Array | undefined;
  readonly count: number;
}

function selectRows(memtable: Memtable, { block, firstRow }: MemtableBlock, search: ExactSearch): Selection {
  const { view, filter } = search;
  if (filter === undefined && memtable.isPlain(view)) return { mask: undefined, count: block.liveCount };
  const mask = new Uint8Array(Math.ceil(block.rowCount / 8));
  let count = 0;
  for (let i = 0; i < block.rowCount; i++) {
    const row = asRow(firstRow + i);
    if (!memtable.isVisible(row, view)) continue;
    if (filter !== undefined && !filter(memtable.document(row))) continue;
    mask[i >> 3]! |= 1 << (i & 7);
    count++;
  }
  return { mask, count };
}
