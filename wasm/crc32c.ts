/**
 * CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), slicing by 16: sixteen tables let 16 bytes be folded with
 * independent loads; what is long is made short first (crc32c-multiples.ts). WebAssembly has neither the CRC instruction nor a
 * carry-less product.
 */
import { shorten } from './crc32c-multiples';
import { CRC_REST, CRC_TABLES, CRC_TAKEN, CRC_ZEROS } from './layout';

/** From here on it pays to shorten an input. */
const SHORTENED_LEAST: usize = 1_024;
const SHORTENED_MOST: usize = 16_384;

/** Makes the tables. Every other function here requires it. */
export function init(): void {
  memory.fill(CRC_ZEROS, 0, CRC_TAKEN - CRC_ZEROS);
  for (let i: u32 = 0; i < 256; i++) {
    let crc = i;
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0x82f63b78 & (0 - (crc & 1)));
    store<u32>(CRC_TABLES + (<usize>i << 2), crc);
  }
  for (let i: u32 = 256; i < 16 * 256; i++) {
    const previous = load<u32>(CRC_TABLES + (<usize>(i - 256) << 2));
    const folded = load<u32>(CRC_TABLES + (<usize>(previous & 0xff) << 2));
    store<u32>(CRC_TABLES + (<usize>i << 2), (previous >> 8) ^ folded);
  }
}

/**
 * Folds 16 bytes into `crc`. Only the first word depends on the crc so far, and the products are joined as a tree with
 * that word's last: in a chain of 16 the latency of each fold is felt (2.6 against 4.4 GB/s). Indices are shifted so
 * that they are byte offsets; table offsets must be literals to become immediates. Two to four streams side by side
 * were measured and gain nothing over this.
 */
// @ts-ignore: decorator
@inline
function fold16(crc: u32, at: usize): u32 {
  const w0 = load<u32>(at) ^ crc;
  const w1 = load<u32>(at, 4);
  const w2 = load<u32>(at, 8);
  const w3 = load<u32>(at, 12);
  const p1 =
    (load<u32>((w1 << 2) & 0x3fc, CRC_TABLES + 11 * 1024) ^ load<u32>((w1 >> 6) & 0x3fc, CRC_TABLES + 10 * 1024)) ^
    (load<u32>((w1 >> 14) & 0x3fc, CRC_TABLES + 9 * 1024) ^ load<u32>((w1 >> 22) & 0x3fc, CRC_TABLES + 8 * 1024));
  const p2 =
    (load<u32>((w2 << 2) & 0x3fc, CRC_TABLES + 7 * 1024) ^ load<u32>((w2 >> 6) & 0x3fc, CRC_TABLES + 6 * 1024)) ^
    (load<u32>((w2 >> 14) & 0x3fc, CRC_TABLES + 5 * 1024) ^ load<u32>((w2 >> 22) & 0x3fc, CRC_TABLES + 4 * 1024));
  const p3 =
    (load<u32>((w3 << 2) & 0x3fc, CRC_TABLES + 3 * 1024) ^ load<u32>((w3 >> 6) & 0x3fc, CRC_TABLES + 2 * 1024)) ^
    (load<u32>((w3 >> 14) & 0x3fc, CRC_TABLES + 1 * 1024) ^ load<u32>((w3 >> 22) & 0x3fc, CRC_TABLES + 0 * 1024));
  const p0 =
    (load<u32>((w0 << 2) & 0x3fc, CRC_TABLES + 15 * 1024) ^ load<u32>((w0 >> 6) & 0x3fc, CRC_TABLES + 14 * 1024)) ^
    (load<u32>((w0 >> 14) & 0x3fc, CRC_TABLES + 13 * 1024) ^ load<u32>((w0 >> 22) & 0x3fc, CRC_TABLES + 12 * 1024));
  return (p1 ^ (p2 ^ p3)) ^ p0;
}

function byTables(crc: u32, bytes: usize, length: usize): u32 {
  let at = bytes;
  const end = bytes + length;
  const end16 = bytes + (length & ~15);
  for (; at < end16; at += 16) crc = fold16(crc, at);
  for (; at < end; at++) {
    crc = (crc >> 8) ^ load<u32>(((crc ^ load<u8>(at)) & 0xff) << 2, CRC_TABLES);
  }
  return crc;
}

/** Continues `crc` (0 at the start) over `length` bytes. */
export function crc32c(crc: u32, bytes: usize, length: usize): u32 {
  crc = ~crc;
  let at = bytes;
  const end = bytes + length;
  while (end - at >= SHORTENED_LEAST) {
    const part = min(SHORTENED_MOST, end - at) & ~15;
    crc = byTables(0, CRC_REST, shorten(crc, at, part));
    at += part;
  }
  return ~byTables(crc, at, end - at);
}

/** Writes the CRC of each page of `pageBytes` (the last may be short) to `out` (u32). */
export function crc32cPages(bytes: usize, length: usize, pageBytes: usize, out: usize): void {
  const end = bytes + length;
  for (let at = bytes; at < end; at += pageBytes, out += 4) {
    const rest = end - at;
    store<u32>(out, crc32c(0, at, rest < pageBytes ? rest : pageBytes));
  }
}
