/** `cairn restore COLLECTION (--snapshot NAME | --sequence N | --time T)`: a collection goes back to a state, in place. */
import { invalid } from '../core/base/errors.js';
import { tryPastPoint } from './past-point.js';
import { withDatabase } from './store-command.js';
import type { StoreCommand } from './store-command.js';

export const restore: StoreCommand = async (settings, { name, json, options }, { out }) => {
  const point = tryPastPoint(options);
  if (point === undefined)
    throw invalid('invalid_flags', 'which state? Give --snapshot, --sequence or --time');
  await withDatabase(settings, async (database) => {
    const collection = database.collection(name!);
    const { sequence, restored } = await collection.restoreTo(point);
    if (json) out(JSON.stringify({ name: collection.name, sequence, restored }));
    else out(`${collection.name}: at sequence ${sequence}, as it was at ${restored}`);
  });
};
