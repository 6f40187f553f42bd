/** What a footer says of pages that were edited: for segments that are damaged so that every checksum is right. */
import { limits } from '../../core/base/limits.js';
import type { SegmentSection } from '../../core/segment/footer.js';
import { pagesOf } from '../../core/segment/section-layout.js';
import { digests } from './fixture.js';

/**
 * Checksums of the pages of `content`, which is all before the footer, as the footer holds them. Where the table lies apart it is written
 * there, and they are those of the leaves and of everything from the first section on that lies apart. What leaves say of pages of rows stays.
 */
export function rightChecksums(content: Uint8Array, sections: readonly SegmentSection[]): Uint32Array {
  const table = sections.find(({ kind }) => kind === 'pageChecksums');
  if (table === undefined) return digests.crc32cPages(content, limits.pageBytes);
  const before = digests.crc32cPages(content.subarray(0, table.count * limits.pageBytes), limits.pageBytes);
  content.set(new Uint8Array(before.buffer, before.byteOffset, before.byteLength), table.offset);
  const all = digests.crc32cPages(content, limits.pageBytes);
  const { first, count } = pagesOf(sections.find(({ kind }) => kind === 'leaves'));
  return Uint32Array.from([...all.subarray(first, first + count), ...all.subarray(table.count)]);
}
