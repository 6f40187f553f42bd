/** The one segment of a store, opened past the engine: for benches of what is below it. */
import { bytesToHex } from '../dist/core/base/bytes.js';
import { decodeFooter, footerOffset } from '../dist/core/segment/footer.js';
import { portableDeflate, SegmentReader } from '../dist/core/segment/index.js';
import { PageCache } from '../dist/core/store/index.js';

/**
 * @param {import('../dist/core/store/index.js').ObjectStore} store
 * @param {{
 *   kernel: import('../dist/core/kernel/index.js').Kernel,
 *   digests: import('../dist/core/base/ports.js').Digests,
 *   expected: { dimension: number, metric: import('../dist/core/index.js').Metric },
 *   cacheBytes: number,
 * }} options
 */
export async function openSegment(store, { kernel, digests, expected, cacheBytes }) {
  const key = (await store.list('c/')).map((object) => object.key).find((name) => name.endsWith('.seg'));
  const found = key === undefined ? undefined : await store.get(key);
  if (key === undefined || found?.status !== 'found') throw new Error('there is no segment');
  const { bytes } = found;
  const offset = footerOffset(key, bytes, 0);
  const footer = decodeFooter(digests, { key, offset }, bytes.subarray(offset));
  const tail = footer.sections.find(({ kind }) => kind === 'documentIndex')?.offset ?? 0;
  const reader = await SegmentReader.open({
    ...{ store, digests, deflate: portableDeflate, masks: kernel.masks, expected },
    cache: new PageCache({ budgetBytes: cacheBytes }),
    ref: {
      ...{ key, bytes: bytes.length, tailBytes: bytes.length - tail, rows: footer.rows },
      footerSha256: bytesToHex(digests.sha256(bytes.subarray(offset))),
    },
  });
  return { reader, footer, bytes };
}
