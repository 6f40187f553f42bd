/** Dates as numbers: milliseconds since 1970, as far as a `Date` holds them. Beyond there is no text of a date. */

export const HOUR_MS = 3_600_000;

const DATE_MAX_MS = 8_640_000_000_000_000;

/** False for NaN, too. */
export function isDateMs(ms: number): boolean {
  return Math.abs(ms) <= DATE_MAX_MS;
}
