import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareInstants, instantKey, tryParseInstant } from '../../core/filter/instant.js';

const seconds = (text: string): number | undefined => tryParseInstant(text)?.seconds;

test.each([
  ['1970-01-01', 0],
  ['1969-12-31', -86_400],
  ['2000-02-29', 951_782_400],
  ['2024-02-29T23:59:59Z', 1_709_251_199],
  ['2024-05-01T01:00:00+02:00', 1_714_518_000],
  ['2024-04-30t23:00:00z', 1_714_518_000],
  ['2024-04-30T23:00:00-00:00', 1_714_518_000],
  ['0000-01-01', -62_167_219_200],
  ['9999-12-31T23:59:59.999999999-23:59', 253_402_387_139],
])('%s is second %d', (text, expected) => {
  expect(seconds(text)).toBe(expected);
});

test.each([
  '', '2024', '2024-05', '2024-5-1', '20240501', '2024-05-01T', '2024-05-01Z', '2024-05-01T10:30Z', '2024-05-01T10:30:00',
  '2024-05-01 10:30:00Z', '2024-05-01T10:30:00.Z', '2024-05-01T10:30:00.1234567890Z', '2024-05-01T10:30:00+02', '2024-05-01T10:30:00+0200',
  '2024-05-01T10:30:00+24:00', '2024-05-01T10:30:00+00:60', '2024-05-01T24:00:00Z', '2024-05-01T10:60:00Z', '2016-12-31T23:59:60Z',
  '2023-02-29', '1900-02-29', '2024-04-31', '2024-00-01', '2024-13-01', '2024-01-00', '2024-01-32', '+002024-05-01', '-2024-05-01',
  ' 2024-05-01', '2024-05-01\n', '２０２４-05-01', '2024-05-01T10:30:00Zx',
])('%j is no instant', (text) => {
  expect(tryParseInstant(text)).toBeUndefined();
}); // prettier-ignore

test('agrees with Date over four-digit years, in the three digits that Date has', () => {
  const range = {
    min: new Date('0000-01-02T00:00:00Z'),
    max: new Date('9999-12-30T00:00:00Z'),
    noInvalidDate: true,
  };
  fc.assert(
    fc.property(fc.date(range), fc.integer({ min: -1439, max: 1439 }), (date, offset) => {
      const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, -1);
      const minutes = Math.abs(offset);
      const zone = `${offset < 0 ? '-' : '+'}${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
      const instant = tryParseInstant(local + zone)!;
      expect(instant.seconds * 1000 + instant.nanos / 1e6).toBe(date.getTime());
      expect(tryParseInstant(date.toISOString().slice(0, 10))!.seconds * 1000).toBe(
        Math.floor(date.getTime() / 86_400_000) * 86_400_000,
      );
    }),
    { numRuns: 2_000 },
  );
});

test('fractions are exact, before 1970 too', () => {
  const [early, late] = [
    tryParseInstant('1969-12-31T23:59:59.1Z')!,
    tryParseInstant('1969-12-31T23:59:59.100000001Z')!,
  ];
  expect(compareInstants(early, late)).toBeLessThan(0);
  expect(compareInstants(late, early)).toBeGreaterThan(0);
  expect(early).toEqual({ seconds: -1, nanos: 100_000_000 });
  expect(instantKey(early)).not.toBe(instantKey(late));
  expect(instantKey(early)).toBe(instantKey(tryParseInstant('1969-12-31T23:59:59.100Z')!));
});
