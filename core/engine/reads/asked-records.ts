/**
 * The vectors of stored records that queries name instead of a vector. A record in a segment may take reads, and the
 * query must be asked of the state that the record was found in.
 */
import { andThen } from '../../base/awaitable.js';
import type { Awaitable } from '../../base/awaitable.js';
import { CairnError } from '../../base/errors.js';
import type { LogState } from '../../log/index.js';
import type { SeenQuery } from './query.js';
import type { View } from '../memtable/index.js';
import type { LocatedRow, Table } from '../table/index.js';
import { pinned, viewOf } from './read-table.js';

export class AskedRecords {
  /** Of `#state` at `#seq`, by query. */
  #vectors: ReadonlyMap<SeenQuery, Float32Array> = new Map();
  #state: LogState<Table> | undefined;
  #seq = -1;

  /** Requires: a table that is caught up. Throws `record_not_found`. */
  resolve(state: LogState<Table>, queries: readonly SeenQuery[], nowMs: number): Awaitable<void> {
    if (this.#state === state && this.#seq === state.position.seq) return undefined;
    if (!queries.some(({ id }) => id !== undefined)) return undefined;
    const table = state.sink;
    const { seq } = state.position;
    const vectors = new Map<SeenQuery, Float32Array>();
    const views = new Map<SeenQuery, View>();
    const missing: (SeenQuery & { readonly id: string })[] = [];
    for (const query of queries) {
      if (query.id === undefined) continue;
      const view = viewOf(state, query, nowMs);
      const row = table.memtable.find(query.id, view);
      // The log may go on while ids are looked up.
      views.set(query, pinned(view, state));
      if (row === undefined) missing.push(query as SeenQuery & { readonly id: string });
      else vectors.set(query, table.memtable.vector(row));
    }
    const keep = (): void => {
      this.#vectors = vectors;
      this.#state = state;
      this.#seq = seq;
    };
    if (missing.length === 0) return keep();
    return andThen(table.locate(missing.map(({ id }) => id)), (located) => {
      const rows = missing.map((query): LocatedRow => {
        const found = located.get(query.id);
        if (found?.overlay.isVisible(found.row, views.get(query)!) === true) return found;
        throw recordNotFound(query.id);
      });
      return andThen(table.records(rows, { vector: true, metadata: false, seq: false }), (records) => {
        records.forEach(({ vector }, i) => vectors.set(missing[i]!, vector));
        keep();
      });
    });
  }

  vectorOf(query: SeenQuery): Float32Array {
    return query.vector ?? this.#vectors.get(query)!;
  }
}

function recordNotFound(id: string): CairnError {
  return new CairnError('not_found', 'record_not_found', `there is no record ${JSON.stringify(id)}`, {
    details: { id },
  });
}
