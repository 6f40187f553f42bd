/**
 * Raw vectors in row order in large pieces, for exact scans and merges: past the page cache and any cache before the
 * bucket, which a scan would only empty, but with the same checks.
 */
import { assertInternal } from '../base/errors.js';
import { limits } from '../base/limits.js';
import type { Digests } from '../base/ports.js';
import { mustMatchPages, readRange } from '../store/index.js';
import type { ObjectStore, PageChecksums } from '../store/index.js';

const { pageBytes } = limits;

export interface RawChunk {
  readonly firstRow: number;
  /** Whole rows. The consumer's to keep or change. */
  readonly vectors: Float32Array;
}

export interface RawSource {
  readonly store: ObjectStore;
  readonly digests: Digests;
  readonly key: string;
  readonly rows: number;
  readonly dimension: number;
  readonly checksums: PageChecksums;
  /** Up to where pages may be read: past the vectors, so that the last page of theirs is whole. */
  readonly pagedBytes: number;
}

/**
 * Rows from `fromRow` on, about `maxBytes` at a time and at least one row. Requires: the vectors begin the object. Cost:
 * a request per piece, one after another; a page that two pieces share is read twice.
 */
export async function* rawChunks(
  source: RawSource,
  maxBytes: number,
  fromRow: number,
): AsyncGenerator<RawChunk, void, undefined> {
  const { store, digests, key, rows, dimension, checksums, pagedBytes } = source;
  assertInternal(maxBytes >= 1 && fromRow >= 0, `pieces of ${maxBytes} bytes from row ${fromRow}`);
  const rowBytes = 4 * dimension;
  const step = Math.max(1, Math.floor(Math.min(maxBytes, limits.segmentChunkBytes) / rowBytes));
  const expected = await checksums.load();
  for (let firstRow = fromRow; firstRow < rows; firstRow += step) {
    const start = firstRow * rowBytes;
    const end = Math.min(rows, firstRow + step) * rowBytes;
    const first = Math.floor(start / pageBytes);
    const offset = first * pageBytes;
    const length = Math.min(Math.ceil(end / pageBytes) * pageBytes, pagedBytes) - offset;
    const part = await readRange({ store, key, range: { offset, length }, cache: 'pass' }, (bytes) => {
      mustMatchPages({ key, expected, first }, digests.crc32cPages(bytes, pageBytes));
      return bytes.subarray(start - offset, end - offset);
    });
    const aligned = part.byteOffset % 4 === 0 ? part : part.slice();
    yield { firstRow, vectors: new Float32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4) };
  }
}
