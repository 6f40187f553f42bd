/** What the segments of a file store hold, by kind of section: the directory in each footer (docs/FORMAT.md). */
import { compileEmbeddedKernel, createDigests, Kernel } from '../dist/core/kernel/index.js';
import { decodeFooter, footerOffset } from '../dist/core/segment/footer.js';
import { openFileStore } from '../dist/core/store/adapters/node/index.js';

const MEMORY_BYTES = 16 * 2 ** 20;

/**
 * @param {string} folder of the store
 * @returns {Promise<Record<string, number>>} bytes of all sections of a kind
 */
export async function sectionBytes(folder) {
  const digests = createDigests(
    new Kernel(await compileEmbeddedKernel(), { memoryBudgetBytes: MEMORY_BYTES }),
  );
  const store = await openFileStore(folder, { create: false });
  /** @type {Record<string, number>} */
  const kinds = {};
  for (const { key } of await store.list('c/')) {
    if (!key.endsWith('.seg')) continue;
    const found = await store.get(key);
    if (found.status !== 'found') continue;
    const offset = footerOffset(key, found.bytes, 0);
    const { sections } = decodeFooter(digests, { key, offset }, found.bytes.subarray(offset));
    for (const { kind, length } of sections) kinds[kind] = (kinds[kind] ?? 0) + length;
  }
  await store.close();
  return kinds;
}
