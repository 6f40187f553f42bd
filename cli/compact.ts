/** `cairn compact [COLLECTION]`: compacts now instead of at the next scheduled run. */
import { chosen, withDatabase } from './store-command.js';
import type { StoreCommand } from './store-command.js';

export const compact: StoreCommand = (settings, { name, json }, { out }) =>
  withDatabase(settings, async (database) => {
    for await (const collection of chosen(database, name)) {
      const done = await collection.compact();
      const line = `${collection.name}: folded ${done.foldedSlots} log slots, wrote ${done.segmentsWritten} segments, merged ${done.segmentsMerged}`;
      const { foldedSlots, segmentsWritten, segmentsMerged, sequence } = done;
      const result = {
        name: collection.name,
        folded_slots: foldedSlots,
        segments_written: segmentsWritten,
        segments_merged: segmentsMerged,
        sequence,
      };
      out(json ? JSON.stringify(result) : line);
    }
  });
