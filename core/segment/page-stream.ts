/**
 * The bytes of a segment from front to back, each page read once and checked against its checksum before anybody sees it:
 * for who looks at all of a file, past all caches, which that would only empty. Holds one piece of it at a time.
 */
import { CairnError, assertInternal, corrupt } from '../base/errors.js';
import { limits } from '../base/limits.js';
import type { Digests } from '../base/ports.js';
import { mustMatchPages, readRange } from '../store/index.js';
import type { ObjectStore } from '../store/index.js';

const { pageBytes, segmentChunkBytes } = limits;

export interface PageStreamOptions {
  readonly store: ObjectStore;
  readonly digests: Digests;
  readonly key: string;
  /** Of the whole object. */
  readonly size: number;
  readonly pageChecksums: Uint32Array;
  /** From where to where, both multiples of the page. */
  readonly from: number;
  readonly to: number;
  /** Of one request: a multiple of the page. Default 4 MiB. */
  readonly pieceBytes?: number;
}

/** Cost: a request for each piece, one after another. */
export class PageStream {
  readonly #options: PageStreamOptions;
  /** What was read last, nothing where it is damaged; where it begins and ends. */
  #piece: Uint8Array = new Uint8Array(0);
  #pieceOffset: number;
  #pieceEnd: number;
  #position: number;

  constructor(options: PageStreamOptions) {
    const { from, to, pieceBytes = segmentChunkBytes } = options;
    const whole = [from, to, pieceBytes].every((bytes) => bytes % pageBytes === 0);
    assertInternal(whole && from <= to, `pages ${from} to ${to} in pieces of ${pieceBytes}`);
    this.#options = options;
    this.#pieceOffset = from;
    this.#pieceEnd = from;
    this.#position = from;
  }

  /** Where the next byte lies in the object. */
  get position(): number {
    return this.#position;
  }

  /**
   * The next `length` bytes, which begin at a multiple of 8: good until the next call. Throws `corrupt` where a page of them
   * is damaged, or `unavailable` (`object_gone`).
   */
  async take(length: number): Promise<Uint8Array> {
    const start = this.#position - this.#pieceOffset;
    if (start + length <= this.#piece.length) {
      this.#position += length;
      const view = this.#piece.subarray(start, start + length);
      return view.byteOffset % 8 === 0 ? view : view.slice();
    }
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const at = this.#position - this.#pieceOffset;
      if (at >= this.#piece.length) {
        await this.#next();
        continue;
      }
      const part = this.#piece.subarray(at, at + length - done);
      bytes.set(part, done);
      done += part.length;
      this.#position += part.length;
    }
    return bytes;
  }

  /** Goes on at `offset`, which is not behind. What lies between is read and checked all the same. */
  async skipTo(offset: number): Promise<void> {
    assertInternal(offset >= this.#position, `from ${this.#position} back to ${offset}`);
    this.#position = offset;
    while (this.#pieceEnd < Math.min(offset, this.#options.to)) await this.#next();
  }

  /** Reads all that is left, whatever it finds, and answers how many pieces of it are damaged. */
  async damagedPieces(): Promise<number> {
    let damaged = 0;
    while (this.#pieceEnd < this.#options.to) {
      try {
        await this.#next();
      } catch (error) {
        if (!(error instanceof CairnError && error.kind === 'corrupt')) throw error;
        damaged++;
      }
    }
    return damaged;
  }

  async #next(): Promise<void> {
    const { store, digests, key, size, pageChecksums, to, pieceBytes = segmentChunkBytes } = this.#options;
    const offset = this.#pieceEnd;
    const length = Math.min(pieceBytes, to - offset);
    if (length <= 0) {
      throw corrupt({ key, offset, expected: 'more bytes of a section', found: 'the end of its pages' });
    }
    // Passed, also where it turns out to be damaged: whoever goes on does so behind it.
    this.#pieceOffset = offset;
    this.#pieceEnd = offset + length;
    this.#piece = new Uint8Array(0);
    this.#piece = await readRange({ store, key, size, range: { offset, length }, cache: 'pass' }, (bytes) => {
      const table = { key, expected: pageChecksums, first: offset / pageBytes };
      mustMatchPages(table, digests.crc32cPages(bytes, pageBytes));
      return bytes;
    });
  }
}
