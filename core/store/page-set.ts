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
    const start = offset % pageBytes;
    if (start + length <= pageBytes) {
      const page = this.#page(Math.floor(offset / pageBytes), start + length);
      return page.subarray(start, start + length);
    }
    return this.copyTo(offset, new Uint8Array(length));
  }

  /** Fills `target` with the bytes from `offset` on, and returns it. */
  copyTo(offset: number, target: Uint8Array): Uint8Array {
    for (let done = 0; done < target.length;) {
      const at = offset + done;
      const start = at % pageBytes;
      const length = Math.min(pageBytes - start, target.length - done);
      const page = this.#page(Math.floor(at / pageBytes), start + length);
      target.set(start === 0 && length === page.length ? page : page.subarray(start, start + length), done);
      done += length;
    }
    return target;
  }

  #page(page: number, end: number): Uint8Array {
    const bytes = this.#pages.get(page);
    assertInternal(bytes !== undefined && end <= bytes.length, `page ${page} up to ${end} was not read`);
    return bytes;
  }
}
