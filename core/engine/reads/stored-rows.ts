/**
 * Records out of where they lie, as much of them as a projection wants.
 */
import { andThen } from '../../base/awaitable.js';
import type { Awaitable } from '../../base/awaitable.js';
import type { Row } from '../../base/ids.js';
import type { Projection } from '../input/index.js';
import type { Memtable, View } from '../memtable/index.js';
import type { LocatedRow, Table } from '../table/index.js';
import { mustFit } from './projection.js';
import type { StoredRow } from './projection.js';

const NO_VECTOR = new Float32Array();

/** A copy: good beyond the state that it was read from. */
export function memtableRow(memtable: Memtable, row: Row, view: View, projection: Projection): StoredRow {
  return {
    id: memtable.id(row),
    vector: projection.vector ? memtable.vector(row) : NO_VECTOR,
    metadata: projection.metadata.length > 0 ? memtable.metadataText(row) : '',
    expiresMs: memtable.expiresMs(row),
    hidden: memtable.isHidden(row, view),
  };
}

export interface NamedRow extends LocatedRow {
  readonly id: string;
}

/** Where a record of an answer lies: copied out of the memtable, or still in a segment. */
export type RowPlace<C> = { readonly copy: C } | NamedRow;

/** Those of segments in one wave of reads. `view` is as of a sequence. */
export function rowsAt(
  table: Table,
  places: readonly RowPlace<StoredRow>[],
  view: View,
  projection: Projection,
): Awaitable<readonly StoredRow[]> {
  const named: NamedRow[] = [];
  for (const at of places) if (!('copy' in at)) named.push(at);
  mustFit(named.length, table.schema.dimension, projection);
  return andThen(segmentRows(table, named, view, projection), (rows) => {
    if (rows.length === places.length) return rows;
    let next = 0;
    return places.map((at) => ('copy' in at ? at.copy : rows[next++]!));
  });
}

/** In one wave of reads. `view` is as of a sequence: it may be read ticks after the capture. */
export function segmentRows(
  table: Table,
  rows: readonly NamedRow[],
  view: View,
  projection: Projection,
): Awaitable<readonly StoredRow[]> {
  const wanted = { vector: projection.vector, metadata: projection.metadata.length > 0, seq: false };
  if (!wanted.vector && !wanted.metadata) {
    return rows.map(({ id, overlay, row }): StoredRow => ({
      id,
      vector: NO_VECTOR,
      metadata: '',
      expiresMs: overlay.expiresMs(row),
      hidden: overlay.isHidden(row, view),
    }));
  }
  return andThen(table.records(rows, wanted), (records) =>
    records.map(({ vector, metadata, expiresMs }, i): StoredRow => {
      const { id, overlay, row } = rows[i]!;
      return { id, vector, metadata, expiresMs, hidden: overlay.isHidden(row, view) };
    }),
  );
}
