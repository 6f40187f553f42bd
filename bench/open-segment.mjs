/** The one segment of a store, opened past the engine: for benches of what is below it. */
import { tryReadHead } from '../dist/core/log/index.js';
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
  const head = (await store.list('c/')).find(({ key }) => key.endsWith('/head'));
  const uid = /** @type {import('../dist/core/base/ids.js').Uid} */ (head?.key.split('/')[1]);
  const loaded = await tryReadHead({ store, ports: /** @type {any} */ ({ digests }), uid });
  const ref = loaded?.head.segments[0];
  const found = ref && (await store.get(ref.key));
  if (ref === undefined || found?.status !== 'found') throw new Error('there is no segment');
  const { key } = ref;
  const { bytes } = found;
  const offset = footerOffset(key, bytes, 0);
  const footer = decodeFooter(digests, { key, offset }, bytes.subarray(offset));
  const reader = await SegmentReader.open({
    ...{ store, digests, deflate: portableDeflate, masks: kernel.masks, expected, ref },
    cache: new PageCache({ budgetBytes: cacheBytes }),
  });
  return { reader, footer, bytes };
}
