/**
 * The kernels as the rest of the engine calls them: bytes and numbers in, answers out. Owns the pool and a scratch
 * arena through which inputs pass in bounded chunks, so that no input of any size asks for memory here.
 */
import { assertInternal, invalid } from '../base/errors.js';
import type { Arena } from './arena.js';
import { ArenaPool } from './arena-pool.js';
import type { KernelThreads } from './kernel-threads.js';
import type { KernelModule, Simd } from './kernel-module.js';
import { PAYLOAD_OFFSET, arenaClasses } from './layout.js';
import { RowMasks } from './row-masks.js';

const SCRATCH_CLASS = arenaClasses[0];
const INPUT = PAYLOAD_OFFSET;
const INPUT_BYTES: number = 192 * 1024;
const OUTPUT: number = INPUT + INPUT_BYTES;
/** Characters per round of base64: a character is at most 3 bytes of UTF-8, and 4 of them make 3 bytes of output. */
const TEXT_CHUNK: number = INPUT_BYTES / 3;

export interface KernelOptions {
  /** Bytes that all arenas together may take. */
  readonly memoryBudgetBytes: number;
  /** In memory that threads share, which the module has to be made for. Default false. */
  readonly shared?: boolean;
}

export class Kernel {
  readonly pool: ArenaPool;
  /** In the same scratch memory as all else here: good until the next call of anything. */
  readonly masks: RowMasks;
  /** That work in arenas of the pool beside the caller's own; set by whoever has started them. */
  threads: KernelThreads | undefined;
  readonly #scratch: Arena;
  readonly #encoder = new TextEncoder();

  constructor(module: KernelModule, options: KernelOptions) {
    this.pool = new ArenaPool(module, options.memoryBudgetBytes, options.shared);
    this.#scratch = this.pool.acquire(SCRATCH_CLASS);
    this.#scratch.exports.init();
    this.masks = new RowMasks(this.#scratch);
  }

  /** Which of the two modules this is. Both answer the same. */
  get simd(): Simd {
    return this.#scratch.exports.relaxed.value === 1 ? 'relaxed' : 'plain';
  }

  /** CRC-32C of `bytes`, unsigned. */
  crc32c(bytes: Uint8Array): number {
    const { exports, u8 } = this.#scratch;
    let crc = 0;
    for (let at = 0; at < bytes.length; at += INPUT_BYTES) {
      const chunk = bytes.subarray(at, at + INPUT_BYTES);
      u8.set(chunk, INPUT);
      crc = exports.crc32c(crc, INPUT, chunk.length);
    }
    return crc >>> 0;
  }

  /** CRC-32C of each page of `pageBytes`; the last page may be short. */
  crc32cPages(bytes: Uint8Array, pageBytes: number): Uint32Array<ArrayBuffer> {
    assertInternal(Number.isInteger(pageBytes) && pageBytes > 0, `a page of ${pageBytes} bytes`);
    const { exports, u8, u32 } = this.#scratch;
    const crcs = new Uint32Array(Math.ceil(bytes.length / pageBytes));
    const perRound = Math.min(Math.floor(INPUT_BYTES / pageBytes), 1024);
    if (perRound === 0) {
      for (let i = 0; i < crcs.length; i++) {
        crcs[i] = this.crc32c(bytes.subarray(i * pageBytes, (i + 1) * pageBytes));
      }
      return crcs;
    }
    for (let page = 0; page < crcs.length; page += perRound) {
      const chunk = bytes.subarray(page * pageBytes, (page + perRound) * pageBytes);
      u8.set(chunk, INPUT);
      exports.crc32cPages(INPUT, chunk.length, pageBytes, OUTPUT);
      const count = Math.min(perRound, crcs.length - page);
      crcs.set(u32.subarray(OUTPUT / 4, OUTPUT / 4 + count), page);
    }
    return crcs;
  }

  /**
   * Decodes strict base64 (standard alphabet, padding optional) of little-endian f32. The numbers are not checked:
   * see `normSquared` and `firstNonFinite`. `what` names the text in an error.
   */
  decodeBase64F32(text: string, what: string): Float32Array<ArrayBuffer> {
    const bytes = decodedLength(text);
    const values = new Float32Array(Math.ceil(bytes / 4));
    const target = new Uint8Array(values.buffer);
    const { exports, u8 } = this.#scratch;
    const input = u8.subarray(INPUT, OUTPUT);
    let written = 0;
    for (let at = 0; at < text.length; at += TEXT_CHUNK) {
      const { written: length } = this.#encoder.encodeInto(text.slice(at, at + TEXT_CHUNK), input);
      const last = at + TEXT_CHUNK >= text.length;
      const decoded = exports.base64Decode(INPUT, length, OUTPUT, last ? 1 : 0);
      if (decoded < 0) throw foreignCharacter(text, at - 1 - decoded, what);
      target.set(u8.subarray(OUTPUT, OUTPUT + decoded), written);
      written += decoded;
    }
    if (written % 4 !== 0) {
      throw invalid(
        'invalid_base64',
        `${what}: base64 holds ${written} bytes, which is not a multiple of 4: 32-bit floats are expected`,
        { what, bytes: written },
      );
    }
    return values;
  }

  /** |vector|^2, in f64: what `normSquared` answers of a row. */
  normSquaredOf(vector: Float32Array): number {
    assertInternal(
      4 * vector.length <= INPUT_BYTES,
      () => `a row of ${vector.length} numbers is too long for the scratch arena`,
    );
    const { exports, f32, f64 } = this.#scratch;
    f32.set(vector, INPUT / 4);
    exports.sumSquares(INPUT, 1, vector.length, vector.length * 4, OUTPUT);
    return f64[OUTPUT / 8]!;
  }

  /** |row|^2 of each row, in f64. Finite exactly where every number of the row is finite. */
  normSquared(rows: Float32Array, dimension: number): Float64Array<ArrayBuffer> {
    assertInternal(rows.length % dimension === 0, `${rows.length} numbers are no rows of ${dimension}`);
    const { exports, f32, f64 } = this.#scratch;
    const norms = new Float64Array(rows.length / dimension);
    const perRound = Math.min(Math.floor(INPUT_BYTES / 4 / dimension), 4096);
    assertInternal(perRound > 0, `a row of ${dimension} numbers is too long for the scratch arena`);
    for (let row = 0; row < norms.length; row += perRound) {
      const count = Math.min(perRound, norms.length - row);
      f32.set(rows.subarray(row * dimension, (row + count) * dimension), INPUT / 4);
      exports.sumSquares(INPUT, count, dimension, dimension * 4, OUTPUT);
      norms.set(f64.subarray(OUTPUT / 8, OUTPUT / 8 + count), row);
    }
    return norms;
  }

  /** Index of the first number that is NaN or infinite, or -1. */
  firstNonFinite(values: Float32Array): number {
    const { exports, f32 } = this.#scratch;
    const perRound = INPUT_BYTES / 4;
    for (let at = 0; at < values.length; at += perRound) {
      const chunk = values.subarray(at, at + perRound);
      f32.set(chunk, INPUT / 4);
      const found = exports.firstNonFinite(INPUT, chunk.length);
      if (found >= 0) return at + found;
    }
    return -1;
  }
}

/** Bytes that well-formed base64 of this length and padding stands for. */
function decodedLength(text: string): number {
  let chars = text.length;
  if (chars % 4 === 0 && text.endsWith('=')) chars -= text.endsWith('==') ? 2 : 1;
  return Math.floor((chars * 3) / 4);
}

function foreignCharacter(text: string, offset: number, what: string): Error {
  const shown = JSON.stringify(text.charAt(offset));
  return invalid('invalid_base64', `${what}: base64 is malformed at character ${offset}: ${shown}`, {
    what,
    offset,
  });
}
