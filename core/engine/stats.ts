/**
 * The sizes of a collection: of its records, its log, its segments, and of the memory that they take here.
 */
import { tierLimits } from '../base/limits.js';
import type { LogState } from '../log/index.js';
import type { Table } from './table/index.js';
import type { CollectionStats } from './interface/index.js';

/** Requires: a table that is caught up. */
export function statsOf(state: LogState<Table>, nowMs: number): CollectionStats {
  const { sink: table, unfolded, position } = state;
  const { head } = state.head;
  const room = tierLimits[head.schema.tier];
  const { residency, cachedBytes } = table.store;
  return {
    name: head.name,
    sequence: position.seq,
    records: table.counts(nowMs),
    log: { ...unfolded, slotsMax: room.logSlots, bytesMax: room.logBytes, foldedSequence: head.foldedSeq },
    memory: { ...table.memtable.memory(), segmentBytes: residency.bytes, pageCacheBytes: cachedBytes },
    segments: table.overlays.map((overlay) => {
      const { entry, file } = overlay.segment;
      const { visible, softDeleted, expired } = overlay.counts(nowMs);
      const { key, bytes, rows, residentBytes, graph } = entry;
      const live = visible + softDeleted + expired;
      return { key, bytes, rows, live, residentBytes, graph, loaded: residency.isResident(file) };
    }),
    segmentsStreamed: table.overlays.filter(({ segment }) => residency.mustStream(segment.file)).length,
    head: { version: head.version, gcFloor: head.gcFloor },
  };
}
