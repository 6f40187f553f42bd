/**
 * Records in the order of their ids: the memtable's, copied in the step that the state is given out in, merged with the
 * walk through the segments. Or in an order by fields (ordered.ts), a page at a time.
 */
import { andThen } from '../../base/awaitable.js';
import type { Awaitable } from '../../base/awaitable.js';
import { compareUtf8 } from '../../base/bytes.js';
import { limits } from '../../base/limits.js';
import type { LogState } from '../../log/index.js';
import { toCursor, toOrderedCursor } from '../input/index.js';
import type { Projection } from '../input/index.js';
import type { RecordOutput } from '../interface/index.js';
import type { Memtable, View } from '../memtable/index.js';
import { Turns, walkSegments } from '../table/index.js';
import type { Table, WalkedRow } from '../table/index.js';
import type { Selection } from './count.js';
import { selectOrdered } from './ordered.js';
import type { OrderedRequest } from './ordered.js';
import { AnswerSize, recordBytes, toRecord, vectorBytes } from './projection.js';
import type { StoredRow } from './projection.js';
import { pinned } from './read-table.js';
import type { TableState } from './read-table.js';
import { memtableRow, rowsAt, segmentRows } from './stored-rows.js';
import type { NamedRow, RowPlace } from './stored-rows.js';

const NO_VECTOR = new Float32Array();

export interface ScanRequest extends Selection {
  readonly after: string;
  readonly limit: number;
  readonly projection: Projection;
}

export interface ScanAnswer {
  readonly records: readonly RecordOutput[];
  /** Undefined where there are no more. */
  readonly cursor: string | undefined;
}

/** Ends before its limit where the answer would become too large: the cursor goes on from there. */
export function answerScan(state: TableState, request: ScanRequest): Awaitable<ScanAnswer> {
  const table = state.sink;
  const copied = copyMemtable(table.memtable, request);
  if (table.overlays.length > 0) return mergeSegments(state, copied, request);
  const page = new ScanPage(request);
  const full = copied.rows.some((row) => !page.take(row, recordBytes(row)));
  return answerOf(page.rows, request.projection, full || copied.cut);
}

export type OrderedScanRequest = Omit<OrderedRequest, 'turns'>;

/** The same in an order by fields. */
export function answerOrderedScan(
  state: LogState<Table>,
  request: OrderedScanRequest,
): Awaitable<ScanAnswer> {
  const table = state.sink;
  const { order, limit, projection } = request;
  const view = pinned(request.view, state);
  return andThen(selectOrdered(state, { ...request, turns: new Turns() }), (selected) => {
    const size = new AnswerSize();
    const places: RowPlace<StoredRow>[] = [];
    for (const { bytes, at } of selected) {
      if (at === undefined || places.length === limit || !size.fits(bytes)) break;
      size.add(bytes);
      places.push(at);
    }
    const more = places.length < selected.length;
    const cursor = more ? toOrderedCursor(order, selected[places.length - 1]!) : undefined;
    return andThen(rowsAt(table, places, view, projection), (rows) => ({
      records: rows.map((row) => toRecord(row, projection)),
      cursor,
    }));
  });
}

interface CopiedRows {
  readonly rows: readonly StoredRow[];
  /** There are more that no answer has room for. */
  readonly cut: boolean;
}

/** One more than the limit, so that the end of the answer tells whether there are more. */
function copyMemtable(
  memtable: Memtable,
  { after, limit, view, filter, projection }: ScanRequest,
): CopiedRows {
  const size = new AnswerSize();
  const rows: StoredRow[] = [];
  for (const id of memtable.order.after(after)) {
    const row = memtable.find(id, view);
    if (row === undefined || (filter !== undefined && !filter.test(memtable.document(row)))) continue;
    if (rows.length > limit || !size.fits(vectorBytes(memtable.schema.dimension, projection))) {
      return { rows, cut: true };
    }
    const copy = memtableRow(memtable, row, view, projection);
    rows.push(copy);
    size.add(Math.min(recordBytes(copy), limits.answerBytes));
  }
  return { rows, cut: false };
}

/** A row of a segment whose vector is still to be read. */
interface PendingRow extends StoredRow {
  readonly pending?: NamedRow | undefined;
}

class ScanPage {
  readonly rows: PendingRow[] = [];
  readonly #limit: number;
  readonly #size = new AnswerSize();

  constructor({ limit }: ScanRequest) {
    this.#limit = limit;
  }

  /** False where the page is full. `bytes` are those of the whole record. */
  take(row: PendingRow, bytes: number): boolean {
    if (this.rows.length === this.#limit || !this.#size.fits(bytes)) return false;
    this.#size.add(bytes);
    this.rows.push(row);
    return true;
  }
}

function answerOf(rows: readonly StoredRow[], projection: Projection, more: boolean): ScanAnswer {
  return {
    records: rows.map((row) => toRecord(row, projection)),
    cursor: more ? toCursor(rows.at(-1)!.id) : undefined,
  };
}

async function mergeSegments(
  state: TableState,
  copied: CopiedRows,
  request: ScanRequest,
): Promise<ScanAnswer> {
  const { after, limit, filter, projection } = request;
  const table = state.sink;
  const view = pinned(request.view, state);
  const documents = projection.metadata.length > 0;
  const vector = vectorBytes(table.schema.dimension, projection);
  const page = new ScanPage(request);
  let next = 0;
  /** Takes the memtable's rows before `id`. False where the page is full. */
  const takeBefore = (id: string | undefined): boolean => {
    for (; next < copied.rows.length; next++) {
      const row = copied.rows[next]!;
      if (id !== undefined && compareUtf8(row.id, id) > 0) return true;
      if (!page.take(row, recordBytes(row))) return false;
    }
    return !copied.cut;
  };
  const fill = async (): Promise<boolean> => {
    const walk = { after, view, documents, filter, expected: limit };
    for await (const walked of walkSegments(table.overlays, walk)) {
      const row = pendingRow(walked, view, vector > 0);
      if (!takeBefore(walked.id) || !page.take(row, recordBytes(row) + vector)) return true;
    }
    return !takeBefore(undefined);
  };
  const more = await fill();
  return answerOf(await withVectors(table, page.rows, view), projection, more);
}

function pendingRow(walked: WalkedRow, view: View, vector: boolean): PendingRow {
  const { id, overlay, row, metadata } = walked;
  const hidden = overlay.isHidden(row, view);
  const pending = vector ? walked : undefined;
  return { id, vector: NO_VECTOR, metadata, expiresMs: overlay.expiresMs(row), hidden, pending };
}

/** In one wave of reads. */
async function withVectors(
  table: Table,
  rows: readonly PendingRow[],
  view: View,
): Promise<readonly StoredRow[]> {
  const named = rows.flatMap(({ pending }) => (pending === undefined ? [] : [pending]));
  if (named.length === 0) return rows;
  const read = await segmentRows(table, named, view, { vector: true, metadata: [], expiresAt: false });
  let next = 0;
  return rows.map((row) => (row.pending === undefined ? row : { ...row, vector: read[next++]!.vector }));
}
