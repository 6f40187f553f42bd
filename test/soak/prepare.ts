/** Before the run: the collections that all share, each with a full idempotency window (bundle.mjs says why). */
import { limits, open } from '../../core/index.js';
import type { Collection } from '../../core/index.js';
import { SHARED } from './lanes.js';
import type { Part } from './messages.js';
import { storeOf } from './parent-line.js';

export async function prepare(part: Part): Promise<void> {
  const database = await open(storeOf(part));
  for (const [name, settings] of Object.entries(SHARED)) {
    await fillWindow(await database.createCollection(name, settings));
  }
  await database.close();
}

/** With writes that change nothing, as many at once as share a slot. */
async function fillWindow(collection: Collection): Promise<void> {
  for (let keys = 0; keys < limits.windowKeys; keys += limits.keysPerSlot) {
    const nothing = Array.from({ length: limits.keysPerSlot }, () =>
      collection.delete({ ids: ['of no lane'] }),
    );
    await Promise.all(nothing);
  }
  await collection.compact();
}
