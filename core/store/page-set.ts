/**
 * Pages of one object that were read for one purpose. Holds the pages themselves, so that whatever the cache evicts
 * meanwhile stays readable here.
 */
import { assertInternal } from '../base/errors.js';
import { limits } from '../base/limits.js';

const { pageBytes } = limits;

export class PageSet {
  readonly #pages: ReadonlyMap<number, Uint8Array>;

  constructor(pages: ReadonlyMap<number, Uint8Array>) {
    this.#pages = pages;
  }

  /**
   * `length` bytes at `offset` of the object: a view where they lie in one page, else a copy. Not to be written to.
   * Requires: they lie within a range that was asked for.
   */
  bytes(offset: number, length: number): Uint8Array {
    // Of nothing no page was read.
    if (length === 0) return new Uint8Array(0);
    const start = offset % pageBytes;
    if (start + length <= pageBytes) {
      const page = this.#page(Math.floor(offset / pageBytes), start + length);
      return page.subarray(start, start + length);
    }
    return this.copyTo(offset, new Uint8Array(length));
  }

  /** Fills `target` with the bytes from `offset` on, and returns it. */
  copyTo(offset: number, target: Uint8Array): Uint8Array {
    this.copyInto(offset, target.length, target, 0);
    return target;
  }

  /** Copies `length` bytes from `offset` on to `at` in `target`. */
  copyInto(offset: number, length: number, target: Uint8Array, at: number): void {
    for (let done = 0; done < length;) {
      const from = offset + done;
      const start = from % pageBytes;
      const part = Math.min(pageBytes - start, length - done);
      const page = this.#page(Math.floor(from / pageBytes), start + part);
      target.set(start === 0 && part === page.length ? page : page.subarray(start, start + part), at + done);
      done += part;
    }
  }

  #page(page: number, end: number): Uint8Array {
    const bytes = this.#pages.get(page);
    assertInternal(
      bytes !== undefined && end <= bytes.length,
      () => `page ${page} up to ${end} was not read`,
    );
    return bytes;
  }
}
