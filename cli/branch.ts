/**
 * `cairn branch COLLECTION NAME [--snapshot NAME | --sequence N | --time T]`: another collection that begins with a
 * state of this one.
 */
import { tryPastPoint } from './past-point.js';
import { withDatabase } from './store-command.js';
import type { StoreCommand } from './store-command.js';

export const branch: StoreCommand = async (settings, { name, more, json, options }, { out }) => {
  const point = tryPastPoint(options);
  await withDatabase(settings, async (database) => {
    const collection = database.collection(name!);
    const made = await collection.branch(more[0]!, point);
    if (json) out(JSON.stringify(made));
    else out(`${made.name}: a branch of ${collection.name}, from sequence ${made.sequence} on`);
  });
};
