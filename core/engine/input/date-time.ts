/** Dates and times as RFC 3339 writes them. A date alone is none: it leaves open in whose day it is. */
import { tryParseInstant } from '../../filter/index.js';

const DATE_TIME = /^[^Tt]{10}[Tt]/;
/** Seconds since 1970 of the first year that RFC 3339 can write in UTC, and of the first that it cannot. */
const YEAR_0_S = -62_167_219_200;
const YEAR_10000_S = 253_402_300_800;

/** Whole milliseconds since 1970. Undefined where it is none. */
export function tryParseDateTime(value: unknown): number | undefined {
  const instant = typeof value === 'string' && DATE_TIME.test(value) ? tryParseInstant(value) : undefined;
  if (instant === undefined || instant.seconds < YEAR_0_S || instant.seconds >= YEAR_10000_S)
    return undefined;
  return instant.seconds * 1_000 + Math.floor(instant.nanos / 1e6);
}
