/**
 * CRC-32C as Google Cloud Storage has it in metadata, eight bytes at a time. The SDK's own takes byte after byte out of an
 * iterator, ten times slower: a slot of a few MiB would stop the process for a tenth of a second.
 */

/** Reversed. */
const POLYNOMIAL = 0x82f63b78;
const SLICES = 8;

/** Of a byte that is followed by 0 to 7 others. Made at the first use: hosts refuse computation while modules load. */
let tables: Int32Array | undefined;

function makeTables(): Int32Array {
  const made = new Int32Array(256 * SLICES);
  for (let byte = 0; byte < 256; byte++) {
    let rest = byte;
    for (let bit = 0; bit < 8; bit++) rest = (rest & 1) === 0 ? rest >>> 1 : (rest >>> 1) ^ POLYNOMIAL;
    made[byte] = rest;
  }
  for (let at = 256; at < made.length; at++) {
    const shorter = made[at - 256]!;
    made[at] = made[shorter & 255]! ^ (shorter >>> 8);
  }
  return made;
}

/** Continues `crc` (0 at the start) over `bytes`. */
export function crc32c(bytes: Uint8Array, crc = 0): number {
  const of = (tables ??= makeTables());
  const whole = bytes.length - (bytes.length % SLICES);
  let rest = ~crc;
  for (let at = 0; at < whole; at += SLICES) {
    const low = rest ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
    rest =
      of[1_792 + (low & 255)]! ^
      of[1_536 + ((low >>> 8) & 255)]! ^
      of[1_280 + ((low >>> 16) & 255)]! ^
      of[1_024 + (low >>> 24)]! ^
      of[768 + bytes[at + 4]!]! ^
      of[512 + bytes[at + 5]!]! ^
      of[256 + bytes[at + 6]!]! ^
      of[bytes[at + 7]!]!;
  }
  for (let at = whole; at < bytes.length; at++) rest = of[(rest ^ bytes[at]!) & 255]! ^ (rest >>> 8);
  return ~rest;
}

/** Base64 of the four bytes, the highest first. */
export function crc32cText(crc: number): string {
  return btoa(String.fromCharCode(crc >>> 24, (crc >>> 16) & 255, (crc >>> 8) & 255, crc & 255));
}

/** What the header `x-goog-hash` says of the whole object, where it says anything. */
export function crc32cIn(hashes: string | undefined): string | undefined {
  return /(?:^|,)\s*crc32c=([A-Za-z0-9+/]{6}==)/.exec(hashes ?? '')?.[1];
}
