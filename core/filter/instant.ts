/**
 * Instants: the strings that compare as points in time.
 *
 *   instant   = full-date [ "T" hh ":" mm ":" ss [ "." 1*9digit ] ( "Z" / ("+" / "-") hh ":" mm ) ]
 *   full-date = yyyy "-" mm "-" dd                                      ; a date alone is its midnight in UTC
 *
 * This is RFC 3339 with "T" and "Z" in either case, without leap seconds (they have no place on the time line that
 * clocks use) and with at most nine digits of fraction, so that an instant is exact in seconds and nanoseconds.
 * Everything else is text. JavaScript's own Date takes more (and less), rounds to milliseconds and is not used.
 */

export interface Instant {
  /** Whole seconds since 1970-01-01T00:00:00Z; negative before. */
  readonly seconds: number;
  /** 0 to 999,999,999, always added. */
  readonly nanos: number;
}

const LENGTH_MIN = 10;
const LENGTH_MAX = 35;
const DASH = 45;
const FORM =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d{2}):(\d{2})))?$/;

export function tryParseInstant(text: string): Instant | undefined {
  // Most strings are no dates: look at three numbers before the whole text.
  if (text.length < LENGTH_MIN || text.length > LENGTH_MAX || text.charCodeAt(4) !== DASH) return undefined;
  const parts = FORM.exec(text);
  if (parts === null) return undefined;
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined;
  const [hour, minute, second] = [Number(parts[4] ?? 0), Number(parts[5] ?? 0), Number(parts[6] ?? 0)];
  const [offsetHours, offsetMinutes] = [Number(parts[9] ?? 0), Number(parts[10] ?? 0)];
  if (hour > 23 || minute > 59 || second > 59 || offsetHours > 23 || offsetMinutes > 59) return undefined;
  const offset = (offsetHours * 3600 + offsetMinutes * 60) * (parts[8] === '-' ? -1 : 1);
  return {
    seconds: daysSince1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset,
    nanos: Number((parts[7] ?? '').padEnd(9, '0')),
  };
}

export function compareInstants(a: Instant, b: Instant): number {
  return a.seconds === b.seconds ? a.nanos - b.nanos : a.seconds - b.seconds;
}

/** Equal for equal instants, and for no others. */
export function instantKey(instant: Instant): string {
  return `${instant.seconds}.${instant.nanos}`;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Of a day of the proleptic Gregorian calendar. The year is taken to begin in March, so that the leap day ends it. */
function daysSince1970(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return 365 * y + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + dayOfYear - 719_468;
}
