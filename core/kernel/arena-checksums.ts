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
    const pages = Math.ceil(bytes.length / pageBytes);
    assertInternal(bytes.buffer === u8.buffer, 'bytes of another memory');
    assertInternal(pages <= CHECKSUMS_MOST, () => `${pages} pages at once`);
    exports.crc32cPages(bytes.byteOffset, bytes.length, pageBytes, CHECKSUMS_OFFSET);
    return u32.slice(CHECKSUMS_OFFSET / 4, CHECKSUMS_OFFSET / 4 + pages);
  };
}
