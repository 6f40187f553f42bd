/**
 * From the recall of single queries to a number that may be promised: the mean, and the lower end of its one-sided 95 %
 * interval.
 */

/** One-sided 95 %. */
const Z = 1.6449;

/** Wilson's lower bound of a share: `hits` of `trials`. */
export function wilsonLower(hits: number, trials: number): number {
  if (trials === 0) return 0;
  const share = hits / trials;
  const z2 = Z * Z;
  const centre = share + z2 / (2 * trials);
  const spread = Z * Math.sqrt((share * (1 - share) + z2 / (4 * trials)) / trials);
  return Math.max(0, (centre - spread) / (1 + z2 / trials));
}

/**
 * The mean of per-query recalls, each a multiple of 1/k, and its lower bound. For k = 1 they are trials with two outcomes.
 * Otherwise the normal approximation, which knows nothing of misses that the sample happened not to meet: 500 flawless
 * queries still admit one miss in a hundred and sixty (the rule of three), which costs 1/k.
 */
export function boundedMean(
  recalls: Float64Array,
  k: number,
): { readonly mean: number; readonly lower: number } {
  const n = recalls.length;
  if (n === 0) return { mean: 0, lower: 0 };
  let sum = 0;
  for (const recall of recalls) sum += recall;
  const mean = sum / n;
  if (k === 1) return { mean, lower: Math.min(mean, wilsonLower(sum, n)) };
  let squares = 0;
  for (const recall of recalls) squares += (recall - mean) ** 2;
  const deviation = n < 2 ? 0 : Math.sqrt(squares / (n - 1));
  const normal = mean - (Z * deviation) / Math.sqrt(n);
  const unseen = 1 - Math.min(1, 3 / n) / k;
  return { mean, lower: Math.max(0, Math.min(mean, normal, unseen)) };
}
