/** The k nearest of numbered rows, exactly, in a sorted list: k is small. */

/**
 * @param {number} rows
 * @param {number} k
 * @param {(row: number) => number} distanceOf
 * @returns {number[]} rows, nearest first, ties by row
 */
export function nearestRows(rows, k, distanceOf) {
  /** @type {{ row: number, distance: number }[]} */
  const kept = [];
  let farthest = Infinity;
  for (let row = 0; row < rows; row++) {
    const distance = distanceOf(row);
    if (kept.length === k && distance >= farthest) continue;
    let at = kept.length;
    while (at > 0 && /** @type {{ distance: number }} */ (kept[at - 1]).distance > distance) at--;
    kept.splice(at, 0, { row, distance });
    if (kept.length > k) kept.pop();
    if (kept.length === k) farthest = /** @type {{ distance: number }} */ (kept.at(-1)).distance;
  }
  return kept.map(({ row }) => row);
}
