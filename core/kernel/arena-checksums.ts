/** Checksums of bytes that lie in an arena already: nothing is copied. */
import { assertInternal } from '../base/errors.js';
import type { Digests } from '../base/ports.js';
import type { Arena } from './arena.js';
import { CHECKSUMS_OFFSET, CHECKSUMS_MOST } from './layout.js';

/** CRC-32C of each page of a view of the arena; the last page may be short. Requires: nothing else uses the arena's tables. */
export function arenaChecksums(arena: Arena): Digests['crc32cPages'] {
  const { exports, u8, u32 } = arena;
  exports.init();
  return (bytes, pageBytes) => {
    assertInternal(bytes.buffer === u8.buffer, 'bytes of another memory');
    const sums = new Uint32Array(Math.ceil(bytes.length / pageBytes));
    for (let page = 0; page < sums.length; page += CHECKSUMS_MOST) {
      const part = bytes.subarray(page * pageBytes, (page + CHECKSUMS_MOST) * pageBytes);
      exports.crc32cPages(part.byteOffset, part.length, pageBytes, CHECKSUMS_OFFSET);
      const count = Math.min(CHECKSUMS_MOST, sums.length - page);
      sums.set(u32.subarray(CHECKSUMS_OFFSET / 4, CHECKSUMS_OFFSET / 4 + count), page);
    }
    return sums;
  };
}
