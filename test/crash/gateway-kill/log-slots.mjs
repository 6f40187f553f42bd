/** A look into the log of the one collection of a bucket, below the engine: which slots there are, and which keys lie in them. */
import { compileEmbeddedKernel, createDigests, Kernel } from '../../../dist/core/kernel/index.js';
import { logPrefix, openSlot, tryDatedKey } from '../../../dist/core/log/index.js';
import { nodeSha256 } from '../../../dist/core/store/adapters/node/index.js';
import { openS3Store, parseS3Url } from '../../../dist/core/store/adapters/s3/index.js';
import { systemClock, systemRandom, systemSleep } from '../../../dist/core/system-ports.js';

const KERNEL_BYTES = 16 * 1024 * 1024;

/**
 * @typedef {object} LogSlot
 * @property {number} sequence
 * @property {readonly { keyHash: string, carried: boolean }[]} batches
 */

/** Requires: nothing was collected. In order. @param {string} url @returns {Promise<readonly LogSlot[]>} */
export async function logSlots(url) {
  const kernel = new Kernel(await compileEmbeddedKernel(), { memoryBudgetBytes: KERNEL_BYTES });
  const digests = createDigests(kernel, nodeSha256);
  const ports = { clock: systemClock, random: systemRandom, sleep: systemSleep };
  const { store } = await openS3Store(parseS3Url(url), ports);
  try {
    const [first] = await store.list('c/', { limit: 1 });
    const uid = /** @type {import('../../../dist/core/base/ids.js').Uid} */ (first?.key.split('/')[1]);
    const slots = [];
    for (const { key } of await store.list(logPrefix(uid))) {
      const [place, got] = [tryDatedKey(uid, key), await store.get(key)];
      if (place?.kind !== 'slot' || got.status !== 'found') throw new Error(`${key} is no slot`);
      const { batches } = openSlot(digests, uid, place.seq, got.bytes);
      slots.push({
        sequence: place.seq,
        batches: batches.map(({ keyHash, carried }) => ({ keyHash, carried: carried !== undefined })),
      });
    }
    return slots.reverse();
  } finally {
    await store.close();
  }
}
