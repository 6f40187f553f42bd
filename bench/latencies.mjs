/** Figures of a list of times, and how figures are printed. */

/** @param {readonly number[]} times @param {number} share */
export function quantile(times, share) {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Milliseconds. @param {readonly number[]} times */
export function summaryOf(times) {
  const total = times.reduce((sum, ms) => sum + ms, 0);
  return {
    count: times.length,
    qps: round((times.length / total) * 1_000, 1),
    p50: round(quantile(times, 0.5), 3),
    p99: round(quantile(times, 0.99), 3),
    most: round(Math.max(...times), 3),
  };
}

/** @param {number} value @param {number} digits */
export function round(value, digits) {
  return Number(value.toFixed(digits));
}

/** `12,345`. @param {number} value */
export function whole(value) {
  return Math.round(value).toLocaleString('en');
}

/** Megabytes of 1,000,000. @param {number} bytes */
export function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Things per second, or a dash where nothing was done. @param {number} count @param {number} ms */
export function perSecond(count, ms) {
  return ms > 0 ? whole((count / ms) * 1_000) : '-';
}
