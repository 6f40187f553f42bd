/**
 * A 16-bit binary fuse filter (Graf and Lemire, "Binary Fuse Filters", 2022; 3-wise): tells of an id that is not in the
 * segment that it is not, but for one in 65,536. About 18 bits per id.
 *
 *   idFilter  := u32 seed, u32 segmentLength, u32 segmentCount, u32 zero
 *                u16 fingerprint[(segmentCount + 2) x segmentLength]
 *
 * Where we leave the paper: keys are two 32-bit words of hash (id-hash.ts), since JavaScript has no 64-bit product; slots
 * hold the exclusive or of key numbers, not of hashes; keys are not sorted by segment first. `segmentLength` is read and
 * never computed again, so no reader depends on anybody's logarithm. Seeds count up from 0. Should no seed do,
 * `segmentCount` is 0 and every id may be there: ids are chosen by users, and none of them may stop a compaction.
 */
import type { CairnError } from '../base/errors.js';
import { limits } from '../base/limits.js';
import { hashId, mix32 } from './id-hash.js';

const HEADER_BYTES = 16;
const SEGMENT_LENGTH_MAX = 262_144;
const SEED_STEP = 0x9e3779b1;

interface FilterShape {
  readonly seed: number;
  readonly segmentLength: number;
  readonly segmentCount: number;
}

/** Slots and fingerprint of the key that was placed last: no objects in the loops below. */
class Placement {
  a = 0;
  b = 0;
  c = 0;
  fingerprint = 0;

  place(low: number, high: number, { seed, segmentLength, segmentCount }: FilterShape): void {
    const mask = segmentLength - 1;
    const u = mix32(low ^ Math.imul(seed, SEED_STEP));
    const v = mix32((high + u) | 0);
    const w = mix32(u ^ ((v << 16) | (v >>> 16)) ^ SEED_STEP);
    // The high 32 bits of u x range, in steps that a double holds exactly.
    const range = segmentLength * segmentCount;
    const lower = Math.floor(((u & 0xffff) * range) / 65_536);
    this.a = Math.floor(((u >>> 16) * range + lower) / 65_536);
    this.b = (this.a + segmentLength) ^ (v & mask);
    this.c = (this.a + 2 * segmentLength) ^ (w & mask);
    this.fingerprint = ((v >>> 16) ^ (w >>> 16)) & 0xffff;
  }
}

export class FuseFilterBuilder {
  #size = 0;
  readonly #keys: Uint32Array<ArrayBuffer>;

  /** `capacity`: how many ids will be added at most. */
  constructor(capacity: number) {
    this.#keys = new Uint32Array(2 * capacity);
  }

  add(id: Uint8Array): void {
    hashId(id, this.#keys, 2 * this.#size);
    this.#size += 1;
  }

  /** The bytes of the section. Cost: about 25 bytes per id while it works. */
  build(): Uint8Array<ArrayBuffer> {
    for (let seed = 0; seed < limits.filterSeeds; seed++) {
      const shape = shapeFor(this.#size, seed);
      const fingerprints = tryBuild(this.#keys.subarray(0, 2 * this.#size), shape);
      if (fingerprints !== undefined) return encode(shape, fingerprints);
      // Two ids with one hash defeat every seed; one of them stands for both.
      if (seed === 0) this.#dropEqualKeys();
    }
    return encode({ seed: 0, segmentLength: 4, segmentCount: 0 }, new Uint16Array(0));
  }

  #dropEqualKeys(): void {
    const keys = new BigUint64Array(this.#keys.buffer, 0, this.#size).sort();
    let kept = 0;
    for (let i = 0; i < keys.length; i++) {
      if (i === 0 || keys[i] !== keys[i - 1]) keys[kept++] = keys[i]!;
    }
    this.#size = kept;
  }
}

/** The paper's sizes for 3-wise filters, section 4.3 and its reference code. */
function shapeFor(size: number, seed: number): FilterShape {
  const exponent = Math.floor(Math.log(size) / Math.log(3.33) + 2.25);
  const segmentLength = Math.min(SEGMENT_LENGTH_MAX, 2 ** exponent);
  const factor = Math.max(1.125, 0.875 + (0.25 * Math.log(1e6)) / Math.log(size));
  const capacity = size <= 1 ? 0 : Math.round(size * factor);
  return { seed, segmentLength, segmentCount: Math.max(1, Math.ceil(capacity / segmentLength) - 2) };
}

/** Undefined where the keys cannot be peeled under this seed. */
function tryBuild(keys: Uint32Array, shape: FilterShape): Uint16Array<ArrayBuffer> | undefined {
  const size = keys.length / 2;
  const slots = (shape.segmentCount + 2) * shape.segmentLength;
  const at = new Placement();
  const counts = new Uint16Array(slots);
  const numbers = new Uint32Array(slots);
  for (let key = 0; key < size; key++) {
    at.place(keys[2 * key]!, keys[2 * key + 1]!, shape);
    for (const slot of [at.a, at.b, at.c]) {
      counts[slot]! += 1;
      numbers[slot]! ^= key;
    }
  }
  // Peel: a slot with one key is that key's own. Each step may free others.
  const lone: number[] = [];
  for (let slot = 0; slot < slots; slot++) if (counts[slot] === 1) lone.push(slot);
  const peeledKeys = new Uint32Array(size);
  const peeledSlots = new Uint32Array(size);
  let peeled = 0;
  while (lone.length > 0) {
    const own = lone.pop()!;
    if (counts[own] !== 1) continue;
    const key = numbers[own]!;
    peeledKeys[peeled] = key;
    peeledSlots[peeled++] = own;
    at.place(keys[2 * key]!, keys[2 * key + 1]!, shape);
    for (const slot of [at.a, at.b, at.c]) {
      counts[slot]! -= 1;
      numbers[slot]! ^= key;
      if (counts[slot] === 1) lone.push(slot);
    }
  }
  if (peeled < size) return undefined;
  const fingerprints = new Uint16Array(slots);
  while (peeled-- > 0) {
    const key = peeledKeys[peeled]!;
    at.place(keys[2 * key]!, keys[2 * key + 1]!, shape);
    // Its own slot is still 0.
    fingerprints[peeledSlots[peeled]!] =
      at.fingerprint ^ fingerprints[at.a]! ^ fingerprints[at.b]! ^ fingerprints[at.c]!;
  }
  return fingerprints;
}

function encode(shape: FilterShape, fingerprints: Uint16Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES + 2 * fingerprints.length);
  new Uint32Array(bytes.buffer, 0, 3).set([shape.seed, shape.segmentLength, shape.segmentCount]);
  new Uint16Array(bytes.buffer, HEADER_BYTES).set(fingerprints);
  return bytes;
}

export class FuseFilter {
  readonly #shape: FilterShape;
  readonly #fingerprints: Uint16Array;
  readonly #key = new Uint32Array(2);
  readonly #at = new Placement();

  /** Throws `corrupt`, by `wrong`, where `bytes` are no filter. Requires: `bytes` at a multiple of 4 in their buffer. */
  constructor(bytes: Uint8Array, wrong: (offset: number, expected: string, found: string) => CairnError) {
    if (bytes.length < HEADER_BYTES)
      throw wrong(0, `at least ${HEADER_BYTES} bytes of filter`, `${bytes.length}`);
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, 4);
    const seed = words[0]!;
    const segmentLength = words[1]!;
    const segmentCount = words[2]!;
    const slots = segmentCount === 0 ? 0 : (segmentCount + 2) * segmentLength;
    const isPower = segmentLength >= 4 && (segmentLength & (segmentLength - 1)) === 0;
    if (!isPower || segmentLength > SEGMENT_LENGTH_MAX || bytes.length !== HEADER_BYTES + 2 * slots) {
      const found = `${segmentCount} of ${segmentLength} in ${bytes.length} bytes`;
      throw wrong(4, 'segments that fill the filter', found);
    }
    this.#shape = { seed, segmentLength, segmentCount };
    this.#fingerprints = new Uint16Array(bytes.buffer, bytes.byteOffset + HEADER_BYTES, slots);
  }

  mayHold(id: Uint8Array): boolean {
    if (this.#shape.segmentCount === 0) return true;
    hashId(id, this.#key, 0);
    const at = this.#at;
    at.place(this.#key[0]!, this.#key[1]!, this.#shape);
    const found = this.#fingerprints[at.a]! ^ this.#fingerprints[at.b]! ^ this.#fingerprints[at.c]!;
    return found === at.fingerprint;
  }
}
