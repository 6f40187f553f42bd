/** The signs of the rotation (wasm/rotation.ts): of a dimension always the same, so that one rotated query serves all segments. */
import { alignUp } from '../../base/bytes.js';
import { randomSource } from '../../base/random-source.js';

const ROUNDS = 4;

/** Dimensions of a rotated vector. */
export function paddedDimension(dimension: number): number {
  return alignUp(dimension, 64);
}

/** A bit per padded dimension, four times. */
export function rotationSigns(padded: number): Uint8Array<ArrayBuffer> {
  const next = randomSource(padded);
  return Uint8Array.from({ length: (ROUNDS * padded) / 8 }, () => next() & 0xff);
}
