/** What plots have in common: SVG written by hand, speeds on a logarithmic axis, the name of a line at its end. */

/** @typedef {{ width: number, height: number, left: number, right: number, top: number, bottom: number }} Plot */

export const COLOURS = [
  '#d1342f',
  '#e8833a',
  '#1f6fb4',
  '#5fa3d6',
  '#2e8b57',
  '#8cbf5a',
  '#7b4fa3',
  '#8a6d3b',
  '#666666',
];

/** @param {number} value */
export const fixed = (value) => value.toFixed(1);

/** @param {string} text */
export function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

/** Opens the document, and names the plot. @param {Plot} plot @param {string} title */
export function frameOf({ width, height, left }, title) {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`,
    `  font-family="system-ui, sans-serif" font-size="12" fill="#333">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${left}" y="20" font-weight="600">${escaped(title)}</text>`,
  ];
}

/** Round speeds from a little below the slowest to a little above the fastest. @param {number} slowest @param {number} fastest */
export function speedTicks(slowest, fastest) {
  return Array.from({ length: 8 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power))
    .flat()
    .filter((qps) => qps >= slowest / 1.2 && qps <= fastest * 1.2);
}

/**
 * Heights as near to the wanted ones as they can be with `pitch` between them: downward from the top, then back up from
 * the bottom where that ran out of the plot.
 * @param {readonly number[]} wanted @param {{ pitch: number, least: number, most: number }} room
 */
export function apart(wanted, { pitch, least, most }) {
  const order = wanted.map((_, at) => at).toSorted((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0));
  const placed = [...wanted];
  let floor = least;
  for (const at of order) {
    placed[at] = Math.max(placed[at] ?? 0, floor);
    floor = (placed[at] ?? 0) + pitch;
  }
  let ceiling = most;
  for (const at of order.toReversed()) {
    placed[at] = Math.min(placed[at] ?? 0, ceiling);
    ceiling = (placed[at] ?? 0) - pitch;
  }
  return placed;
}
