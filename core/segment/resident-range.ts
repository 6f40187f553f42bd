/**
 * A range of a segment's resident part, for who has no room for all of it: whole pages, each checked, past any cache before the
 * bucket, which streams would only empty.
 */
import { alignUp } from '../base/bytes.js';
import { assertInternal } from '../base/errors.js';
import { limits } from '../base/limits.js';
import type { Digests } from '../base/ports.js';
import { mustMatchPages, readRange } from '../store/index.js';
import type { ByteRange } from '../store/index.js';
import type { ResidentSource } from './resident-load.js';

const { pageBytes } = limits;

/** Bytes of room for a range of so many bytes, wherever it begins. */
export function residentRoom(bytes: number): number {
  return alignUp(bytes, pageBytes) + pageBytes;
}

/**
 * Reads the pages that hold `range`, whose offset counts from the start of the resident part, to the start of `room`; answers
 * where in `room` the range begins. Throws `corrupt`, or `unavailable` (`object_gone`). Cost: one request.
 */
export async function readResidentRange(
  source: Omit<ResidentSource, 'mustBeSound'>,
  { offset, length }: ByteRange,
  room: Uint8Array,
  crc32cPages: Digests['crc32cPages'],
): Promise<number> {
  const { store, key, checksums } = source;
  const start = Math.floor(offset / pageBytes) * pageBytes;
  const place = room.subarray(0, alignUp(offset + length, pageBytes) - start);
  assertInternal(place.length >= offset + length - start, () => `${room.length} bytes for ${length}`);
  const first = (source.offset + start) / pageBytes;
  const range = { offset: source.offset + start, length: place.length };
  const sums = checksums.load();
  // Told below, by whoever waits for them.
  if (sums instanceof Promise) sums.catch(() => {});
  await readRange({ store, key, range, into: place, cache: 'pass' }, async (bytes) => {
    const expected = await sums;
    if (bytes.buffer !== place.buffer) place.set(bytes);
    mustMatchPages({ key, expected, first }, crc32cPages(place, pageBytes));
  });
  return offset - start;
}
