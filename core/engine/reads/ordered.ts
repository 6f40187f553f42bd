/**
 * The first records of a selection in an order by their fields, then by id. Every document is read and only the best are
 * held: the memtable's copied in the step that the state is given out in, those of segments read at the end.
 */
import type { Awaitable } from '../../base/awaitable.js';
import { compareUtf8 } from '../../base/bytes.js';
import type { Row } from '../../base/ids.js';
import type { LogState } from '../../log/index.js';
import type { OrderField, OrderPosition, Projection } from '../input/index.js';
import type { Memtable, View } from '../memtable/index.js';
import type { SegmentOverlay } from '../segments/index.js';
import type { Table, Turns } from '../table/index.js';
import type { Selection } from './count.js';
import { matchedInMemtable, matchedInSegment } from './matched-rows.js';
import { AnswerSize, sizeOf } from './projection.js';
import type { StoredRow } from './projection.js';
import { pinned } from './read-table.js';
import { BestRows, RowOrder } from './row-order.js';
import type { OrderKeys } from './row-order.js';
import { memtableRow } from './stored-rows.js';
import type { RowPlace } from './stored-rows.js';

export interface OrderedRequest extends Selection {
  readonly order: readonly OrderField[];
  /** Records up to this position are left out. */
  readonly after: OrderPosition | undefined;
  readonly limit: number;
  readonly projection: Projection;
  /** Reads of whole files take turns. */
  readonly turns: Turns;
}

export interface OrderedRow extends OrderPosition {
  /** Of the answer's record. */
  readonly bytes: number;
  /** Undefined where no answer has room for the rows up to this one. */
  readonly at: RowPlace<StoredRow> | undefined;
}

/** One more than the limit, where there are so many. Requires: a table that is caught up. */
export function selectOrdered(
  state: LogState<Table>,
  request: OrderedRequest,
): Awaitable<readonly OrderedRow[]> {
  const { memtable, overlays } = state.sink;
  const order = new RowOrder(request.order);
  const best = new BestRows<OrderedRow>(
    request.limit + 1,
    (a, b) => order.compare(a.keys, b.keys) || compareUtf8(a.id, b.id),
  );
  for (const row of copyMemtable(memtable, order, request)) best.add(row);
  if (overlays.length === 0) return best.sorted();
  const { dimension } = memtable.schema;
  const later = { ...request, view: pinned(request.view, state) };
  return request.turns.run(async () => {
    for (const overlay of overlays) {
      const isLate = (keys: OrderKeys): boolean => isAfter(order, keys, best.worst);
      for (const row of await bestOfSegment(overlay, order, { ...later, dimension, isLate })) best.add(row);
    }
    return best.sorted();
  });
}

function isAfter(order: RowOrder, keys: OrderKeys, other: { readonly keys: OrderKeys } | undefined): boolean {
  return other !== undefined && order.compare(keys, other.keys) > 0;
}

function copyMemtable(memtable: Memtable, order: RowOrder, request: OrderedRequest): readonly OrderedRow[] {
  const { after, projection, view } = request;
  const best = new BestRows<OrderPosition & { readonly row: Row; readonly metadataLength: number }>(
    request.limit + 1,
    (a, b) => order.compare(a.keys, b.keys) || compareUtf8(a.id, b.id),
  );
  for (const { row, document, metadataLength } of matchedInMemtable(memtable, request)) {
    const keys = order.keysOf(document);
    const id = memtable.id(row);
    const behind = after === undefined ? 1 : order.compare(keys, after.keys) || compareUtf8(id, after.id);
    if (behind > 0) best.add({ keys, id, row, metadataLength });
  }
  const size = new AnswerSize();
  let full = false;
  return best.sorted().map(({ keys, id, row, metadataLength }): OrderedRow => {
    const bytes = sizeOf(id, metadataLength, memtable.schema.dimension, projection);
    full ||= !size.fits(bytes);
    if (full) return { keys, id, bytes, at: undefined };
    size.add(bytes);
    return { keys, id, bytes, at: { copy: memtableRow(memtable, row, view, projection) } };
  });
}

interface SegmentRequest extends OrderedRequest {
  /** As of a sequence. */
  readonly view: View;
  readonly dimension: number;
  /** Whether enough records come before these keys already. */
  readonly isLate: (keys: OrderKeys) => boolean;
}

/** Ranks are in the order of ids: no id is read before it is known who stays. */
async function bestOfSegment(
  overlay: SegmentOverlay,
  order: RowOrder,
  { after, limit, projection, dimension, isLate, ...selection }: SegmentRequest,
): Promise<readonly OrderedRow[]> {
  const { file } = overlay.segment;
  const firstRank = after === undefined ? 0 : (await file.idsFrom(after.id, 1)).firstRank;
  const best = new BestRows<{
    readonly keys: OrderKeys;
    readonly row: number;
    readonly rank: number;
    readonly metadataLength: number;
  }>(limit + 1, (a, b) => order.compare(a.keys, b.keys) || a.rank - b.rank);
  for await (const matched of matchedInSegment(overlay, selection)) {
    const wanted = matched.flatMap(({ row, document, metadataLength }) => {
      const keys = order.keysOf(document);
      const behind = after === undefined ? 1 : order.compare(keys, after.keys);
      if (behind < 0 || isAfter(order, keys, best.worst) || isLate(keys)) return [];
      return [{ keys, row, metadataLength, rankMin: behind === 0 ? firstRank : 0 }];
    });
    const ranks = await file.ranksOfRows(Uint32Array.from(wanted, ({ row }) => row));
    wanted.forEach(({ rankMin, ...found }, i) => {
      if (ranks[i]! >= rankMin) best.add({ ...found, rank: ranks[i]! });
    });
  }
  const rows = best.sorted();
  const ids = await file.idsOfRanks(rows.map(({ rank }) => rank));
  return rows.map(({ keys, row, metadataLength }, i): OrderedRow => {
    const id = ids[i]!;
    const bytes = sizeOf(id, metadataLength, dimension, projection);
    return { keys, id, bytes, at: { id, overlay, row } };
  });
}
