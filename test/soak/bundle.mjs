/** The processes of a run, in one file. */
import { bundle } from '../fuzz/bundle.mjs';

/**
 * What they have otherwise than the product: an idempotency window of an eighth, so that it can be filled before
 * anything is measured. Until it is full, which takes 65,536 writes to one collection, a process grows with each, and
 * no growth of anything else would show. It holds as many slots as before, because a slot takes an eighth of the keys.
 */
const settings = [
  { find: 'keysPerSlot: 256,', replace: 'keysPerSlot: 32,' },
  { find: 'windowKeys: 65_536,', replace: 'windowKeys: 8_192,' },
].map((edit) => ({ file: 'core/base/limits.ts', ...edit }));

/** Gives back the file that it made. */
export async function bundleChild() {
  return await bundle('test/soak/child', settings);
}
