/** Scalar twin of wasm/crc32c.ts: the polynomial division, bit by bit. */

/** Continues `crc` (0 at the start) over `bytes`; unsigned. */
export function crc32cScalar(bytes: Uint8Array, crc = 0): number {
  let rest = ~crc;
  for (const byte of bytes) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit++) rest = (rest & 1) === 0 ? rest >>> 1 : (rest >>> 1) ^ 0x82f63b78;
  }
  return ~rest >>> 0;
}
