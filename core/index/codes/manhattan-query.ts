/** Prepares an f32 query for the code kernel of L1. */
import type { CodeParams } from '../layout/index.js';

/**
 * Sum of step |q' - code|, q' on the grid of the codes, which are written to `codes`; what lies outside the grid is the same for
 * every row, and returned in units.
 */
export function prepareL1(query: Float32Array, params: CodeParams, unit: number, codes: Uint8Array): number {
  const { lo, step } = params;
  let outside = 0;
  for (let d = 0; d < query.length; d++) {
    const fromLow = query[d]! - lo[d]!;
    const width = step[d]!;
    const code = width > 0 ? Math.max(0, Math.min(255, Math.round(fromLow / width))) : 0;
    codes[d] = code;
    if (fromLow < 0) outside -= fromLow;
    else if (fromLow > 255 * width) outside += fromLow - 255 * width;
  }
  return outside / unit;
}
