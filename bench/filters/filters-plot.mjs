/**
 * The plot of the bench of filters: queries per second at equal recall over the share of the rows that match, for the uniform
 * field; both axes logarithmic, and dashed the speed without a filter.
 */
import { OWN } from '../contenders/entrants.mjs';
import { apart, COLOURS, escaped, fixed, frameOf, speedTicks } from '../plot-parts.mjs';
import { percent } from './filter-cases.mjs';

const PLOT = { width: 860, height: 480, left: 64, right: 130, top: 44, bottom: 48 };
const SHARE = { least: 0.0001, most: 1 };
const SHARE_TICKS = [0.0001, 0.001, 0.01, 0.05, 0.1, 0.2, 0.5, 1];
const LABEL_PITCH = 15;

/** @typedef {import('./filter-findings.mjs').CaseFinding} CaseFinding */
/** @typedef {{ share: number, qps: number }} Place */
/** @typedef {{ x: (share: number) => number, y: (qps: number) => number }} Scale */
/** @typedef {{ title: string, own: boolean, colour: string, points: Place[], unfiltered: number | undefined }} Line */

/**
 * @param {{ cases: readonly CaseFinding[], contenders: readonly { key: string, title: string }[] }} found
 * @param {string} title
 */
export function filtersPlot({ cases, contenders }, title) {
  const { height, top, bottom } = PLOT;
  const lines = contenders
    .map((contender, at) => lineFor(contender, cases, COLOURS[(2 * at) % COLOURS.length] ?? ''))
    .filter(({ points }) => points.length > 0);
  const speeds = lines.flatMap(({ points, unfiltered = [] }) =>
    points.map(({ qps }) => qps).concat(unfiltered),
  );
  const [slowest, fastest] = [Math.min(...speeds), Math.max(...speeds)];
  const scale = scaleOf(slowest, fastest);
  const ends = lines.map(({ points }) => scale.y(points.at(-1)?.qps ?? 1));
  const labels = apart(ends, { pitch: LABEL_PITCH, least: top + 6, most: height - bottom });
  return [
    ...frameOf(PLOT, title),
    ...axes(scale, slowest, fastest),
    ...lines.map((line, at) => drawn(line, scale, labels[at] ?? 0)),
    '</svg>',
    '',
  ].join('\n');
}

/** @param {{ key: string, title: string }} contender @param {readonly CaseFinding[]} cases @param {string} colour @returns {Line} */
function lineFor({ key, title }, cases, colour) {
  const speedIn = (/** @type {CaseFinding | undefined} */ found) =>
    (key === OWN ? found?.own.qps : found?.peers[key]?.qps) ?? undefined;
  const points = cases
    .filter((found) => found.key.startsWith('draw-'))
    .flatMap((found) => {
      const qps = speedIn(found);
      return qps === undefined ? [] : [{ share: Math.max(found.share, SHARE.least), qps }];
    });
  const unfiltered = speedIn(cases.find((found) => found.key === 'none'));
  return { title, own: key === OWN, colour, points, unfiltered };
}

/** @param {number} slowest @param {number} fastest @returns {Scale} */
function scaleOf(slowest, fastest) {
  const { width, height, left, right, top, bottom } = PLOT;
  const span = Math.log10(SHARE.most / SHARE.least);
  const [low, high] = [Math.log10(slowest / 1.2), Math.log10(fastest * 1.2)];
  return {
    x: (share) => left + (Math.log10(share / SHARE.least) / span) * (width - left - right),
    y: (qps) => top + (1 - (Math.log10(qps) - low) / (high - low)) * (height - top - bottom),
  };
}

/** @param {Scale} scale @param {number} slowest @param {number} fastest */
function axes({ x, y }, slowest, fastest) {
  const { width, height, left, right, top, bottom } = PLOT;
  return [
    ...SHARE_TICKS.map(
      (share) =>
        `<path d="M${fixed(x(share))} ${top}V${height - bottom}" stroke="#e3e3e3"/>` +
        `<text x="${fixed(x(share))}" y="${height - bottom + 16}" text-anchor="middle">${percent(share)}</text>`,
    ),
    ...speedTicks(slowest, fastest).map(
      (qps) =>
        `<path d="M${left} ${fixed(y(qps))}H${width - right}" stroke="#e3e3e3"/>` +
        `<text x="${left - 6}" y="${fixed(y(qps) + 4)}" text-anchor="end">${qps.toLocaleString('en')}</text>`,
    ),
    `<text x="${(left + width - right) / 2}" y="${height - 10}" text-anchor="middle">rows that match</text>`,
    `<text x="${left}" y="${top - 8}" text-anchor="end">queries/s</text>`,
  ];
}

/** @param {Line} line @param {Scale} scale @param {number} labelY */
function drawn({ title, own, colour, points, unfiltered }, { x, y }, labelY) {
  const { width, left, right } = PLOT;
  const path = points.map(
    ({ share, qps }, at) => `${at === 0 ? 'M' : 'L'}${fixed(x(share))} ${fixed(y(qps))}`,
  );
  const dashed =
    unfiltered === undefined
      ? []
      : [
          `<path d="M${left} ${fixed(y(unfiltered))}H${width - right}" stroke="${colour}" stroke-dasharray="4 4" stroke-width="0.8"/>`,
        ];
  return [
    ...dashed,
    `<path d="${path.join('')}" fill="none" stroke="${colour}" stroke-width="${own ? 2.5 : 1.5}"/>`,
    ...points.map(
      ({ share, qps }) => `<circle cx="${fixed(x(share))}" cy="${fixed(y(qps))}" r="2.2" fill="${colour}"/>`,
    ),
    `<text x="${width - right + 12}" y="${fixed(labelY + 4)}" fill="${colour}"${own ? ' font-weight="600"' : ''}>${escaped(title)}</text>`,
  ].join('\n');
}
