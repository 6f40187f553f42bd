/**
 * What pages of an object are checked against. Of an object of gigabytes the table of them is read when it is needed, beside the pages:
 * who needs few of them may know theirs from elsewhere.
 */
import type { Awaitable } from '../base/awaitable.js';
import { corrupt } from '../base/errors.js';
import { limits } from '../base/limits.js';

const { pageBytes } = limits;

export interface PageChecksums {
  /** CRC-32C of a page; undefined where it is not here. */
  sumOf(page: number): number | undefined;
  /**
   * Of all pages, by their numbers. Throws `corrupt`, or `unavailable` (`object_gone`). Cost: a request or a few, of everybody who asks
   * before they have come, for a 4,096th of the bytes of the pages.
   */
  load(): Awaitable<Uint32Array>;
}

/** A whole table. */
export function knownChecksums(sums: Uint32Array): PageChecksums {
  return { sumOf: (page) => sums[page], load: () => sums };
}

/** Throws `corrupt` at the first page of which the checksum is another than the object's table says. */
export function mustMatchPages(
  table: { readonly key: string; readonly expected: Uint32Array; readonly first: number },
  sums: Uint32Array,
): void {
  const { key, expected, first } = table;
  for (let i = 0; i < sums.length; i++)
    mustMatchPage({ key, number: first + i }, expected[first + i], sums[i]!);
}

/** Throws `corrupt`. */
export function mustMatchPage(
  page: { readonly key: string; readonly number: number },
  expected: number | undefined,
  sum: number,
): void {
  if (sum === expected) return;
  throw corrupt({
    key: page.key,
    offset: page.number * pageBytes,
    expected: `page checksum ${expected?.toString(16)}`,
    found: sum.toString(16),
  });
}
