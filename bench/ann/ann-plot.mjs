/**
 * The plot of the bench of contenders: queries per second over recall, as SVG, written by hand. Recall goes by what is
 * missing of it, so that 0.9 to 0.99 is as wide as 0.99 to 0.999; speed is logarithmic; each line has its name at its end.
 */
import { envelopeOf } from '../contenders/qps-at-recall.mjs';
import { apart, COLOURS, escaped, fixed, frameOf, speedTicks } from '../plot-parts.mjs';

const PLOT = { width: 860, height: 520, left: 64, right: 170, top: 44, bottom: 48 };
const RECALL = { least: 0.8, most: 0.9999 };
const RECALL_TICKS = [0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999];
const LABEL_PITCH = 15;

/** @typedef {{ key: string, title: string, sweep: readonly import('../contenders/qps-at-recall.mjs').Point[] }} Line */
/** @typedef {{ x: (recall: number) => number, y: (qps: number) => number }} Scale */

/** @param {readonly Line[]} lines @param {string} title */
export function annPlot(lines, title) {
  const { height, top } = PLOT;
  const drawn = lines
    .map((line, at) => ({ ...line, colour: COLOURS[at % COLOURS.length] ?? '', points: shownOf(line.sweep) }))
    .filter(({ points }) => points.length > 0);
  const speeds = drawn.flatMap(({ points }) => points.map(({ qps }) => qps));
  const scale = scaleOf(Math.min(...speeds), Math.max(...speeds));
  const ends = drawn.map(({ points }) => scale.y(points.at(-1)?.qps ?? 1));
  const labels = apart(ends, { pitch: LABEL_PITCH, least: top + 6, most: height - PLOT.bottom });
  return [
    ...frameOf(PLOT, title),
    ...axes(scale, Math.min(...speeds), Math.max(...speeds)),
    ...drawn.map((line, at) => lineOf(line, scale, labels[at] ?? 0)),
    '</svg>',
    '',
  ].join('\n');
}

/**
 * The envelope between the ends of the axis. A line that comes from below the axis begins where it crosses.
 * @param {Line['sweep']} sweep
 */
function shownOf(sweep) {
  const envelope = envelopeOf(sweep);
  const shown = envelope.filter(({ recall }) => recall >= RECALL.least);
  const before = envelope[envelope.length - shown.length - 1];
  const [first] = shown;
  if (first === undefined || before === undefined) return shown;
  const share = (RECALL.least - before.recall) / (first.recall - before.recall);
  return [{ recall: RECALL.least, qps: before.qps * (first.qps / before.qps) ** share }, ...shown];
}

/** @param {number} slowest @param {number} fastest @returns {Scale} */
function scaleOf(slowest, fastest) {
  const { width, height, left, right, top, bottom } = PLOT;
  const missing = (/** @type {number} */ recall) => -Math.log10(1 - Math.min(recall, RECALL.most));
  const [from, to] = [missing(RECALL.least), missing(RECALL.most)];
  // A line along a border is no line: a little room on both sides.
  const [low, high] = [Math.log10(slowest / 1.2), Math.log10(fastest * 1.2)];
  return {
    x: (recall) => left + ((missing(recall) - from) / (to - from)) * (width - left - right),
    y: (qps) => top + (1 - (Math.log10(qps) - low) / (high - low)) * (height - top - bottom),
  };
}

/** @param {Scale} scale @param {number} slowest @param {number} fastest */
function axes({ x, y }, slowest, fastest) {
  const { width, height, left, right, top, bottom } = PLOT;
  return [
    ...RECALL_TICKS.map(
      (recall) =>
        `<path d="M${fixed(x(recall))} ${top}V${height - bottom}" stroke="#e3e3e3"/>` +
        `<text x="${fixed(x(recall))}" y="${height - bottom + 16}" text-anchor="middle">${recall}</text>`,
    ),
    ...speedTicks(slowest, fastest).map(
      (qps) =>
        `<path d="M${left} ${fixed(y(qps))}H${width - right}" stroke="#e3e3e3"/>` +
        `<text x="${left - 6}" y="${fixed(y(qps) + 4)}" text-anchor="end">${qps.toLocaleString('en')}</text>`,
    ),
    `<text x="${(left + width - right) / 2}" y="${height - 10}" text-anchor="middle">recall@10</text>`,
    `<text x="${left}" y="${top - 8}" text-anchor="end">queries/s</text>`,
  ];
}

/**
 * @param {{ key: string, title: string, colour: string, points: readonly import('../contenders/qps-at-recall.mjs').Point[] }} line
 * @param {Scale} scale @param {number} labelY
 */
function lineOf({ key, title, colour, points }, { x, y }, labelY) {
  const end = points.at(-1) ?? { recall: RECALL.least, qps: 1 };
  const [endX, endY] = [x(end.recall), y(end.qps)];
  const labelX = PLOT.width - PLOT.right + 24;
  const path = points.map(
    ({ recall, qps }, at) => `${at === 0 ? 'M' : 'L'}${fixed(x(recall))} ${fixed(y(qps))}`,
  );
  const own = key.startsWith('cairn');
  return [
    `<path d="${path.join('')}" fill="none" stroke="${colour}" stroke-width="${own ? 2.5 : 1.5}"/>`,
    ...points.map(
      ({ recall, qps }) =>
        `<circle cx="${fixed(x(recall))}" cy="${fixed(y(qps))}" r="2.2" fill="${colour}"/>`,
    ),
    `<path d="M${fixed(endX + 4)} ${fixed(endY)}L${labelX - 4} ${fixed(labelY)}" stroke="${colour}" stroke-width="0.6" stroke-dasharray="2 2"/>`,
    `<text x="${labelX}" y="${fixed(labelY + 4)}" fill="${colour}"${own ? ' font-weight="600"' : ''}>${escaped(title)}</text>`,
  ].join('\n');
}
