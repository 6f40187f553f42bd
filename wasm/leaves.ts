/** Which centroid is nearest. Squared L2 over f32, the first of equals. */
import { L2, distance } from './distance';

/** Writes the nearest of `centroidCount` centroids of each row to `out` (u32). */
export function assignRows(
  rows: usize,
  rowCount: u32,
  dimension: u32,
  centroids: usize,
  centroidCount: u32,
  out: usize,
): void {
  const bytes = <usize>dimension << 2;
  for (let i: usize = 0; i < <usize>rowCount; i++) {
    const row = rows + i * bytes;
    let best: f32 = Infinity;
    let at: u32 = 0;
    for (let c: u32 = 0; c < centroidCount; c++) {
      const value = distance(L2, row, centroids + <usize>c * bytes, dimension);
      if (value < best) {
        best = value;
        at = c;
      }
    }
    store<u32>(out + (i << 2), at);
  }
}
