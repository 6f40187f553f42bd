/**
 * The four metrics, and what lies between the kernels' distance and the score that users see. The kernels' distance is
 * f32 and always smaller for what is nearer: squared L2, L1, or the negated dot product. For cosine the raw vectors
 * are stored and each row has a scale 1/|row|; the query's own scale is a constant of the search and enters the score.
 */

export type Metric = 'cosine' | 'euclidean' | 'dot' | 'manhattan';

export const metrics: readonly Metric[] = ['cosine', 'euclidean', 'dot', 'manhattan'];

/** Codes of wasm/distance.ts. */
export const KERNEL_L2 = 0;
export const KERNEL_DOT = 1;
export const KERNEL_L1 = 2;

const KERNEL_METRICS: Readonly<Record<Metric, number>> = {
  cosine: KERNEL_DOT,
  euclidean: KERNEL_L2,
  dot: KERNEL_DOT,
  manhattan: KERNEL_L1,
};

export function kernelMetric(metric: Metric): number {
  return KERNEL_METRICS[metric];
}

/** Whether a higher score is nearer (similarities), or a lower one (distances). */
export function higherIsNearer(metric: Metric): boolean {
  return metric === 'cosine' || metric === 'dot';
}

/** Whether vectors that are turned are as near to each other as before: lengths and products are kept, sums of differences are not. */
export function isKeptByRotation(metric: Metric): boolean {
  return metric !== 'manhattan';
}

/** 1/|v| as the kernels take it, from |v|^2. Requires: a vector that is not zero. */
export function cosineScale(normSquared: number): number {
  return Math.fround(1 / Math.sqrt(normSquared));
}

/**
 * The public score of a kernel distance. `queryScale` is 1/|query| and counts for cosine alone, where rounding may
 * carry a product past 1: it is brought back, so that a vector is never nearer to another than to itself.
 */
export function scoreOf(metric: Metric, distance: number, queryScale: number): number {
  if (metric === 'euclidean') return Math.sqrt(distance);
  if (metric === 'manhattan') return distance;
  if (metric === 'dot') return 0 - distance;
  return Math.max(-1, Math.min(1, 0 - distance * queryScale));
}
