/**
 * What the simulator's build has otherwise than the product: limits so small that a short run meets them, memory that is
 * not asked for in megabytes, and heads that are parsed once, however often they are read (`kernel.ts`): they are values.
 *
 * @type {readonly import('./bundle.mjs').Edit[]}
 */
export const settings = [
  ['core/base/limits.ts', 'segmentBufferBytes: 4_194_304,', 'segmentBufferBytes: 65_536,'],
  ['core/base/limits.ts', 'keysPerSlot: 256,', 'keysPerSlot: 4,'],
  ['core/base/limits.ts', 'eligibleSlots: 256,', 'eligibleSlots: 4,'],
  // Four rows: a handler of the edge tier folds a log in portions.
  ['core/base/limits.ts', 'residentBytes: 32 * MiB,', 'residentBytes: 700,'],
  // At least as many slots as a batch may wait for.
  ['core/base/limits.ts', 'windowKeys: 65_536,', 'windowKeys: 16,'],
  [
    'core/log/head-codec.ts',
    'const d = openDocument(',
    'const seen = globalThis.simHeads.find(uid, bytes);\n  if (seen.head !== undefined) return seen.head;\n  const d = openDocument(',
  ],
  [
    'core/log/head-codec.ts',
    "throw d.wrong('', fault, 'another');\n  return head;",
    "throw d.wrong('', fault, 'another');\n  return (seen.head = head);",
  ],
].map(([file, find, replace]) => ({ file: file ?? '', find: find ?? '', replace: replace ?? '' }));
