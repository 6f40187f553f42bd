/**
 * What the simulator's build has otherwise than the product: limits so small that a short run meets them, and memory that
 * is not asked for in megabytes.
 *
 * @type {readonly import('./bundle.mjs').Edit[]}
 */
export const settings = [
  ['segmentBufferBytes: 4_194_304,', 'segmentBufferBytes: 65_536,'],
  ['keysPerSlot: 256,', 'keysPerSlot: 4,'],
  ['eligibleSlots: 256,', 'eligibleSlots: 4,'],
  // At least as many slots as a batch may wait for.
  ['windowKeys: 65_536,', 'windowKeys: 16,'],
].map(([find, replace]) => ({ file: 'core/base/limits.ts', find, replace }));
