/**
 * The rows that a compaction takes from one place: the log in memory as it was at the fold's end, or a segment as the head and
 * that log have it. What is dropped is left out here, so that everything behind sees only rows to be written, numbered from 0.
 */
import type { Awaitable } from '../../base/awaitable.js';
import { compareUtf8 } from '../../base/bytes.js';
import { corrupt } from '../../base/errors.js';
import type { CairnError } from '../../base/errors.js';
import { row as asRow } from '../../base/ids.js';
import { limits } from '../../base/limits.js';
import { DAY_MS } from '../memtable/index.js';
import type { Memtable } from '../memtable/index.js';
import type { PageReading } from '../../store/index.js';
import type { LiveSegment } from '../segments/index.js';
import { DeletionsDraft, isDead, markEnds } from './deletions.js';
import type { RowEnd } from './deletions.js';

/** A row that is kept although it is soft-deleted. */
export interface HiddenRow {
  readonly row: number;
  readonly seq: number;
  readonly ms: number;
}

/** Rows one behind the other, from `first` on. */
export interface VectorChunk {
  readonly first: number;
  readonly vectors: Float32Array;
}

/** Rows by source row, and where each goes in a row-major target. */
export interface Placement {
  readonly rows: Uint32Array;
  readonly places: Uint32Array;
}

export interface RowSource {
  /** Rows to be written. */
  readonly rows: number;
  /** All that the place holds, dead ones included. */
  readonly rowsIn: number;
  readonly hidden: readonly HiddenRow[];
  /** Of each row, Infinity where it does not expire; undefined where none does. */
  readonly expiresMs: Float64Array | undefined;
  /** All rows in order. A chunk is valid until the next one is asked for. */
  chunks(maxBytes: number): AsyncIterable<VectorChunk>;
  place(placement: Placement, target: Float32Array): Awaitable<void>;
  documents(rows: Uint32Array): Awaitable<readonly string[]>;
  seqs(): Awaitable<Float64Array>;
  ids(): Awaitable<readonly string[]>;
}

/** When rows may go for good. The store's date tells it, and a day besides: readers go by their own clocks. */
export interface DropRule {
  /** The store's own date of the newest slot folded; undefined: nothing is dropped by time. */
  readonly storeMs: number | undefined;
  readonly softDeleteDays: number;
}

function isDropped({ storeMs, softDeleteDays }: DropRule, expiresMs: number, hiddenMs: number): boolean {
  if (storeMs === undefined) return false;
  const before = storeMs - limits.dropDelayMs;
  return expiresMs < before || hiddenMs + softDeleteDays * DAY_MS < before;
}

/** The rows of a memtable as of `folded`. The memtable must stay retained while the source is in use. */
export function memtableSource(memtable: Memtable, folded: number, rule: DropRule): RowSource {
  const { dimension } = memtable.schema;
  const kept: number[] = [];
  const hidden: HiddenRow[] = [];
  let rowsIn = 0;
  let expiring = false;
  for (let i = 0; i < memtable.rowCount; i++) {
    const row = asRow(i);
    const life = memtable.lifeOf(row);
    // Rows are in the order of slots: none behind this one is older.
    if (life.born > folded) break;
    rowsIn++;
    if (life.ended <= folded) continue;
    const isHidden = life.hidden <= folded;
    const expiresMs = memtable.expiresMs(row);
    if (isDropped(rule, expiresMs, isHidden ? life.hiddenMs : Infinity)) continue;
    if (isHidden) hidden.push({ row: kept.length, seq: life.hidden, ms: life.hiddenMs });
    if (expiresMs !== Infinity) expiring = true;
    kept.push(i);
  }
  const at = (row: number): ReturnType<typeof asRow> => asRow(kept[row]!);
  const all = <T>(of: (row: ReturnType<typeof asRow>) => T): T[] => kept.map((row) => of(asRow(row)));
  return {
    rows: kept.length,
    rowsIn,
    hidden,
    expiresMs: expiring ? Float64Array.from(all((row) => memtable.expiresMs(row))) : undefined,
    // oxlint-disable-next-line require-await -- the memory is at hand, and a segment's is not
    async *chunks(maxBytes) {
      const perChunk = Math.max(1, Math.floor(maxBytes / (dimension * 4)));
      const buffer = new Float32Array(Math.min(perChunk, kept.length) * dimension);
      for (let first = 0; first < kept.length; first += perChunk) {
        const count = Math.min(perChunk, kept.length - first);
        for (let i = 0; i < count; i++) memtable.copyVector(at(first + i), buffer, i);
        yield { first, vectors: buffer.subarray(0, count * dimension) };
      }
    },
    place({ rows, places }, target) {
      for (let i = 0; i < rows.length; i++) memtable.copyVector(at(rows[i]!), target, places[i]!);
    },
    documents: (rows) => Array.from(rows, (row) => memtable.metadataText(at(row))),
    seqs: () => Float64Array.from(all((row) => memtable.lifeOf(row).born)),
    ids: () => all((row) => memtable.id(row)),
  };
}

export interface SegmentSourceOptions {
  readonly segment: LiveSegment;
  readonly dimension: number;
  /** What the log up to `folded` did to rows of the segment. */
  readonly ends: readonly RowEnd[];
  readonly folded: number;
  readonly rule: DropRule;
  readonly reading?: PageReading | undefined;
}

export interface SegmentRows extends RowSource {
  /** The source's row of each row of the file, -1 where it is dropped. */
  readonly sourceRowOf: Int32Array;
}

const IDS_AT_ONCE = 16_384;

interface KeptRows extends Pick<SegmentRows, 'hidden' | 'sourceRowOf' | 'expiresMs'> {
  /** The file's row of each row of the source. */
  readonly kept: Uint32Array;
}

function keepRows({ segment, ends, folded, rule }: SegmentSourceOptions): KeptRows {
  const { file, deletions, expiries } = segment;
  const draft = new DeletionsDraft(file.rows, deletions);
  markEnds(draft, ends, folded);
  const state = draft.finish();
  const hiddenAt = new Map<number, { readonly seq: number; readonly ms: number }>();
  state?.hiddenRows.forEach((row, i) => {
    hiddenAt.set(row, { seq: state.hiddenSeqs[i]!, ms: state.hiddenMs[i]! });
  });
  const expiryOf = new Map<number, number>();
  expiries.rows.forEach((row, i) => expiryOf.set(row, expiries.ms[i]!));

  const keptRows = new Uint32Array(file.rows);
  const sourceRowOf = new Int32Array(file.rows).fill(-1);
  const hidden: HiddenRow[] = [];
  let rows = 0;
  let expiring = false;
  for (let row = 0; row < file.rows; row++) {
    if (isDead(state, row)) continue;
    const hiding = hiddenAt.get(row);
    const expiresMs = expiryOf.get(row) ?? Infinity;
    if (isDropped(rule, expiresMs, hiding?.ms ?? Infinity)) continue;
    if (hiding !== undefined) hidden.push({ row: rows, ...hiding });
    if (expiresMs !== Infinity) expiring = true;
    sourceRowOf[row] = rows;
    keptRows[rows++] = row;
  }
  const kept = keptRows.subarray(0, rows);
  const expiresMs = expiring ? Float64Array.from(kept, (row) => expiryOf.get(row) ?? Infinity) : undefined;
  return { kept, hidden, sourceRowOf, expiresMs };
}

/** What a reader of single rows does not look at, and a compaction would pass on. */
function wrongIn({ file }: LiveSegment, expected: string, found: string): CairnError {
  return corrupt({ key: file.ref.key, offset: 0, expected, found });
}

export function segmentSource(options: SegmentSourceOptions): SegmentRows {
  const { segment, dimension, folded, reading } = options;
  const { file } = segment;
  const { kept, hidden, sourceRowOf, expiresMs } = keepRows(options);
  const rows = kept.length;
  return {
    rows,
    rowsIn: file.rows,
    hidden,
    sourceRowOf,
    expiresMs,
    async *chunks(maxBytes) {
      let first = 0;
      for await (const { firstRow, vectors } of file.rawChunks(maxBytes)) {
        const count = vectors.length / dimension;
        const from = first;
        const packed = new Float32Array(vectors.length);
        for (let i = 0; i < count; i++) {
          if (sourceRowOf[firstRow + i]! < 0) continue;
          packed.set(vectors.subarray(i * dimension, (i + 1) * dimension), (first - from) * dimension);
          first++;
        }
        if (first > from) yield { first: from, vectors: packed.subarray(0, (first - from) * dimension) };
      }
    },
    async place(placement, target) {
      // In the order of the file, so that neighbours are fetched together.
      const order = placement.rows.map((_, i) => i).sort((a, b) => placement.rows[a]! - placement.rows[b]!);
      const vectors = await file.vectors(
        order.map((i) => kept[placement.rows[i]!]!),
        reading,
      );
      order.forEach((i, at) => {
        const from = at * dimension;
        target.set(vectors.subarray(from, from + dimension), placement.places[i]! * dimension);
      });
    },
    async documents(wanted) {
      const order = wanted.map((_, i) => i).sort((a, b) => wanted[a]! - wanted[b]!);
      const texts = await file.documents(
        order.map((i) => kept[wanted[i]!]!),
        reading,
      );
      const out = new Array<string>(wanted.length);
      order.forEach((i, at) => (out[i] = texts[at]!));
      return out;
    },
    async seqs() {
      const seqs = await file.seqs(kept);
      const late = seqs.findIndex((seq) => seq > folded);
      if (late >= 0) throw wrongIn(segment, `rows of sequences up to ${folded}`, `one of ${seqs[late]}`);
      return Float64Array.from(seqs);
    },
    ids: () => idsOf(segment, { rows, sourceRowOf }),
  };
}

/** By source row. Throws `corrupt`. */
async function idsOf(
  segment: LiveSegment,
  { rows, sourceRowOf }: Pick<SegmentRows, 'rows' | 'sourceRowOf'>,
): Promise<readonly string[]> {
  const { file } = segment;
  const out = new Array<string>(rows);
  const seen = new Uint8Array(file.rows);
  let last = '';
  for (let rank = 0; rank < file.rows; rank += IDS_AT_ONCE) {
    const count = Math.min(IDS_AT_ONCE, file.rows - rank);
    const ranks = Uint32Array.from({ length: count }, (_, i) => rank + i);
    const [ids, rowsOfRanks] = await Promise.all([file.idsOfRanks(ranks), file.rowsOfRanks(ranks)]);
    ids.forEach((id, i) => {
      const fileRow = rowsOfRanks[i]!;
      if (compareUtf8(last, id) >= 0) throw wrongIn(segment, 'ids in their order', `another at ${rank + i}`);
      if (seen[fileRow] === 1) throw wrongIn(segment, 'a rank of each row', `two of row ${fileRow}`);
      seen[fileRow] = 1;
      last = id;
      const row = sourceRowOf[fileRow]!;
      if (row >= 0) out[row] = id;
    });
  }
  return out;
}
