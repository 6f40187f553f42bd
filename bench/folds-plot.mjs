/** The plot of the folds bench: three panels over the number of folds, as SVG, written by hand. */
import { escaped, fixed } from './plot-parts.mjs';

const PANEL = { width: 300, height: 170, left: 52, right: 12, top: 34, bottom: 34, gap: 10 };
const HEADER = 30;
const TICKS = 4;

/** @typedef {{ title: string, values: readonly number[], steps?: boolean }} Panel */

/**
 * @param {readonly { amplification: number, segments: number, qps: number, recall: number }[]} folds
 * @param {string} title
 */
export function foldsPlot(folds, title) {
  /** @type {Panel[]} */
  const panels = [
    { title: 'write amplification', values: folds.map(({ amplification }) => amplification) },
    { title: 'segments', values: folds.map(({ segments }) => segments), steps: true },
    { title: 'queries per second at target 0.95', values: folds.map(({ qps }) => qps) },
  ];
  const pitch = PANEL.width + PANEL.gap;
  const width = panels.length * pitch - PANEL.gap;
  const height = HEADER + PANEL.height;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`,
    `  font-family="system-ui, sans-serif" font-size="11" fill="#333">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="8" y="18">${escaped(title)}</text>`,
    ...panels.map(
      (panel, at) => `<g transform="translate(${at * pitch} ${HEADER})">\n${panelOf(panel)}\n</g>`,
    ),
    '</svg>',
    '',
  ].join('\n');
}

/** @param {Panel} panel */
function panelOf({ title, values, steps = false }) {
  const { width, height, left, right, top, bottom } = PANEL;
  const most = niceMost(Math.max(...values, 0));
  const [innerWidth, innerHeight] = [width - left - right, height - top - bottom];
  const x = (/** @type {number} */ fold) => left + (fold / Math.max(1, values.length - 1)) * innerWidth;
  const y = (/** @type {number} */ value) => top + (1 - value / most) * innerHeight;
  const ticks = Array.from({ length: TICKS + 1 }, (_, at) => (most * at) / TICKS);
  const points = values.map((value, at) => {
    if (at === 0) return `M${fixed(x(at))} ${fixed(y(value))}`;
    // Steps go across and then up or down: there is nothing between two counts.
    return steps ? `H${fixed(x(at))}V${fixed(y(value))}` : `L${fixed(x(at))} ${fixed(y(value))}`;
  });
  const folds = [0, Math.floor((values.length - 1) / 2), values.length - 1];
  return [
    `<text x="${left}" y="${top - 12}" font-weight="600">${escaped(title)}</text>`,
    ...ticks.map(
      (tick) =>
        `<path d="M${left} ${fixed(y(tick))}H${width - right}" stroke="#ddd"/>` +
        `<text x="${left - 6}" y="${fixed(y(tick) + 4)}" text-anchor="end">${Number(tick.toPrecision(4))}</text>`,
    ),
    ...[...new Set(folds)].map(
      (fold) =>
        `<text x="${fixed(x(fold))}" y="${height - bottom + 16}" text-anchor="middle">${fold + 1}</text>`,
    ),
    `<text x="${width - right}" y="${height - 4}" text-anchor="end">fold</text>`,
    `<path d="${points.join('')}" fill="none" stroke="#0b6bcb" stroke-width="1.5"/>`,
  ].join('\n');
}

/** A round number at or above the greatest value. @param {number} value */
function niceMost(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 5, 8].find((factor) => factor * power >= value) ?? 10) * power;
}
