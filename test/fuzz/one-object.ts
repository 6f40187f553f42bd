/** A bucket in which every key holds the same bytes, which are neither copied nor kept. */
import { clampRange } from '../../core/store/request-checks.js';
import { memoryStore } from '../../core/store/index.js';
import type { ObjectStore, StoreVersion } from '../../core/store/index.js';

const nothing = memoryStore({ clock: { wallMs: () => 0 } });

export function holding(bytesOf: () => Uint8Array): ObjectStore {
  return {
    description: 'one object',
    get: async (key, { range } = {}) => {
      const bytes = bytesOf();
      const { offset, length } = clampRange(key, range, bytes.length);
      return {
        status: 'found',
        bytes: bytes.subarray(offset, offset + length),
        size: bytes.length,
        version: '1' as StoreVersion,
        modifiedMs: 0,
      };
    },
    put: (key, bytes, options) => nothing.put(key, bytes, options),
    upload: (key) => nothing.upload(key),
    list: (prefix, options) => nothing.list(prefix, options),
    delete: (keys) => nothing.delete(keys),
    close: () => nothing.close(),
  };
}
