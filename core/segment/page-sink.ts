/**
 * The way of a segment's bytes into its upload: one buffer of whole pages, however large the segment is, and the checksum
 * of each page that left it.
 */
import { alignUp } from '../base/bytes.js';
import { assertInternal } from '../base/errors.js';
import { limits } from '../base/limits.js';
import type { Digests } from '../base/ports.js';
import type { Upload } from '../store/index.js';

export class PageSink {
  readonly #upload: Upload;
  readonly #digests: Digests;
  readonly #buffer = new Uint8Array(limits.segmentBufferBytes);
  #used = 0;
  #sent = 0;
  #checksums = new Uint32Array(1_024);
  #pages = 0;

  constructor(upload: Upload, digests: Digests) {
    this.#upload = upload;
    this.#digests = digests;
  }

  get position(): number {
    return this.#sent + this.#used;
  }

  /** Appends `bytes`, which may be changed once this settles. */
  async append(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const length = Math.min(this.#buffer.length - this.#used, bytes.length - at);
      this.#buffer.set(bytes.subarray(at, at + length), this.#used);
      this.#used += length;
      at += length;
      if (this.#used === this.#buffer.length) await this.#send();
    }
  }

  /** Zeros up to the next multiple of `alignment`, which divides the buffer. */
  async align(alignment: number): Promise<void> {
    const end = alignUp(this.#used, alignment);
    this.#buffer.fill(0, this.#used, end);
    this.#used = end;
    if (this.#used === this.#buffer.length) await this.#send();
  }

  /** Of all pages so far, which are not written to again. Requires: the position is a multiple of the page. */
  async checksums(): Promise<Uint32Array> {
    await this.#send();
    return this.#checksums.subarray(0, this.#pages);
  }

  /** Sends what is left and answers the checksums of all pages. Nothing may be appended after this. */
  async end(): Promise<Uint32Array> {
    await this.#send();
    return this.#checksums.slice(0, this.#pages);
  }

  async #send(): Promise<void> {
    if (this.#used === 0) return;
    const bytes = this.#buffer.subarray(0, this.#used);
    assertInternal(this.#sent % limits.pageBytes === 0, `a page began at ${this.#sent}`);
    const sums = this.#digests.crc32cPages(bytes, limits.pageBytes);
    if (this.#pages + sums.length > this.#checksums.length) {
      const larger = new Uint32Array(2 * (this.#pages + sums.length));
      larger.set(this.#checksums.subarray(0, this.#pages));
      this.#checksums = larger;
    }
    this.#checksums.set(sums, this.#pages);
    this.#pages += sums.length;
    await this.#upload.write(bytes);
    this.#sent += bytes.length;
    this.#used = 0;
  }
}
