/** What the segments of a file store hold, by kind of section: the directory in each footer (docs/FORMAT.md). */
import { compileEmbeddedKernel, createDigests, Kernel } from '../dist/core/kernel/index.js';
import { decodeFooter, footerOffset } from '../dist/core/segment/footer.js';
import { openFileStore } from '../dist/core/store/adapters/node/index.js';

const MEMORY_BYTES = 16 * 2 ** 20;
/** Most of one is a checksum of each page of 16 KiB. */
const FOOTER_BYTES_MAX = 2 ** 20;

/** @typedef {import('../dist/core/segment/footer.js').SegmentSection} SegmentSection */
/** @typedef {{ key: string, bytes: number, rows: number, sections: readonly SegmentSection[] }} SegmentLayout */

/**
 * @param {string} folder of the store
 * @returns {Promise<SegmentLayout[]>} of all segments that are there
 */
export async function segmentLayouts(folder) {
  const digests = createDigests(
    new Kernel(await compileEmbeddedKernel(), { memoryBudgetBytes: MEMORY_BYTES }),
  );
  const store = await openFileStore(folder, { create: false });
  const layouts = [];
  for (const { key, size } of await store.list('c/')) {
    if (!key.endsWith('.seg')) continue;
    const from = Math.max(0, size - FOOTER_BYTES_MAX);
    const found = await store.get(key, { range: { offset: from, length: size - from } });
    if (found.status !== 'found') continue;
    const offset = footerOffset(key, found.bytes, from);
    const { rows, sections } = decodeFooter(digests, { key, offset }, found.bytes.subarray(offset - from));
    layouts.push({ key, bytes: size, rows, sections });
  }
  await store.close();
  return layouts;
}

/**
 * @param {string} folder of the store
 * @returns {Promise<Record<string, number>>} bytes of all sections of a kind
 */
export async function sectionBytes(folder) {
  /** @type {Record<string, number>} */
  const kinds = {};
  for (const { sections } of await segmentLayouts(folder))
    for (const { kind, length } of sections) kinds[kind] = (kinds[kind] ?? 0) + length;
  return kinds;
}
