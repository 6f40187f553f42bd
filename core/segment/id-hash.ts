/**
 * Hash of an id for the filter: two 32-bit words, by the steps of MurmurHash3 (two lanes that feed each other). Part of
 * the format. It keeps no adversary from making ids of one hash: such ids cost look-ups, never an answer.
 *
 *   for each word k of 4 bytes, little-endian, the last padded with zeros:
 *     a ^= rotl(k x c1, 15) x c2;   a = (rotl(a, 19) + b) x 5 + 0x561ccd1b
 *     b ^= rotl(k x c3, 16) x c4;   b = (rotl(b, 17) + a) x 5 + 0x0bcaa747
 *   a ^= length, b ^= length; a += b, b += a; a = mix(a), b = mix(b); a += b, b += a
 */
const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

/** MurmurHash3's last step: every bit of the answer depends on every bit of `value`. Unsigned. */
export function mix32(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Writes the two words of `id` to `target[at]` and `target[at + 1]`. */
export function hashId(id: Uint8Array, target: Uint32Array, at: number): void {
  let a = 0;
  let b = 0;
  for (let i = 0; i < id.length; i += 4) {
    // Past the end a typed array answers undefined, which counts as 0 here.
    const k = id[i]! | (id[i + 1]! << 8) | (id[i + 2]! << 16) | (id[i + 3]! << 24);
    const ka = Math.imul(k, C1);
    a ^= Math.imul((ka << 15) | (ka >>> 17), C2);
    a = (Math.imul((((a << 19) | (a >>> 13)) + b) | 0, 5) + 0x561ccd1b) | 0;
    const kb = Math.imul(k, C3);
    b ^= Math.imul((kb << 16) | (kb >>> 16), C4);
    b = (Math.imul((((b << 17) | (b >>> 15)) + a) | 0, 5) + 0x0bcaa747) | 0;
  }
  a ^= id.length;
  b ^= id.length;
  a = (a + b) | 0;
  b = (b + a) | 0;
  a = mix32(a);
  b = mix32(b);
  a = (a + b) | 0;
  b = (b + a) | 0;
  target[at] = a;
  target[at + 1] = b;
}
