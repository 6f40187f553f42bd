/** What sweeps come to: queries per second at a recall, ratios of two contenders there, and whether they have become worse. */

export const RECALLS = [0.9, 0.95, 0.99, 0.999];

/** Recalls whose ratio is held, and the share of the earlier one that it must reach. */
const CHECKED = [0.95, 0.99];
const CHECKED_SHARE = 0.8;

/** @typedef {{ recall: number, qps: number }} Point */
/** By recall, null where it is not reached. @typedef {Record<string, number | null>} ByRecall */

/**
 * The points that no other beats in both recall and speed, by ascending recall and so by falling speed.
 * @template {Point} P
 * @param {readonly P[]} sweep
 * @returns {P[]}
 */
export function envelopeOf(sweep) {
  /** @type {P[]} */
  const envelope = [];
  for (const point of sweep.toSorted((a, b) => b.recall - a.recall || b.qps - a.qps))
    if (point.qps > (envelope.at(-1)?.qps ?? -Infinity)) envelope.push(point);
  return envelope.reverse();
}

/**
 * Between the neighbouring points of the envelope the logarithm of the speed goes straight. Null above the highest recall;
 * below the lowest, that point's speed: less effort was not tried.
 * @param {readonly Point[]} sweep @param {number} recall
 */
export function qpsAt(sweep, recall) {
  const envelope = envelopeOf(sweep);
  const above = envelope.findIndex((point) => point.recall >= recall);
  const [low, high] = [envelope[above - 1], envelope[above]];
  if (high === undefined) return null;
  if (low === undefined) return high.qps;
  const share = (recall - low.recall) / (high.recall - low.recall);
  return low.qps * (high.qps / low.qps) ** share;
}

/** @param {readonly Point[]} sweep @returns {ByRecall} */
export function qpsAtRecalls(sweep) {
  return Object.fromEntries(RECALLS.map((recall) => [recall, qpsAt(sweep, recall)]));
}

/** @param {ByRecall} ours @param {ByRecall} theirs @returns {ByRecall} */
export function ratiosOf(ours, theirs) {
  return Object.fromEntries(
    RECALLS.map((recall) => {
      const [a, b] = [ours[recall] ?? null, theirs[recall] ?? null];
      return [recall, a === null || b === null ? null : a / b];
    }),
  );
}

/**
 * What has become worse than the earlier ratios allow, a line each.
 * @param {ByRecall | undefined} found @param {ByRecall | undefined} earlier
 */
export function worseThan(found, earlier) {
  return CHECKED.flatMap((recall) => lineIfWorse(`at recall ${recall}`, found?.[recall], earlier?.[recall]));
}

/**
 * @param {string} where
 * @param {number | null | undefined} now
 * @param {number | null | undefined} then
 */
export function lineIfWorse(where, now, then) {
  if (then === null || then === undefined) return [`there is no earlier ratio ${where}`];
  if (now === null || now === undefined) return [`no ratio ${where}, which was ${then.toFixed(2)}`];
  if (now >= then * CHECKED_SHARE) return [];
  const least = (then * CHECKED_SHARE).toFixed(2);
  return [`ratio ${now.toFixed(2)} ${where}, was ${then.toFixed(2)} and must be ${least} at least`];
}
