/**
 * Reads the body of an answer to a get into memory of the caller's, and holds it against what the headers promise: the range
 * that was asked for, and every byte of it.
 */
import type { CairnError } from '../../../base/errors.js';
import type { ByteRange } from '../../index.js';
import { strangeAnswer } from './faults.js';
import type { StoreFailed } from './faults.js';
import { SpentMemory } from './spent-memory.js';
import type { ReadingSocket } from './spent-memory.js';

export interface BodyPlan {
  /** Of the whole object. */
  readonly size: number;
  /** Bytes that the body has. */
  readonly length: number;
}

export interface PromisedBody {
  /** Content-Length. */
  readonly length: number | undefined;
  /** Content-Range. */
  readonly contentRange: string | undefined;
}

/** What the headers say. Throws `unavailable` (`store_answer`) where that is not what was asked for. */
export function planBody(
  { length, contentRange }: PromisedBody,
  range: ByteRange | undefined,
  failed: StoreFailed,
): BodyPlan {
  if (length === undefined) throw strangeAnswer('has no length', failed);
  if (range === undefined) return { size: length, length };
  const found = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(contentRange ?? '');
  if (found === null) throw strangeAnswer('is not the range that was asked for', failed);
  const [first, last, size] = found.slice(1).map(Number) as [number, number, number];
  const expected = Math.min(range.length, size - range.offset);
  if (first !== range.offset || last - first + 1 !== expected || length !== expected)
    throw strangeAnswer('is of another range than that asked for', failed);
  return { size, length };
}

/** Node's streams end with `destroy`, and tell where they come from. */
export interface Chunks extends AsyncIterable<Uint8Array> {
  readonly destroy?: () => void;
  readonly socket?: ReadingSocket;
}

export interface BodyRead {
  readonly chunks: Chunks | undefined;
  readonly length: number;
  readonly into: Uint8Array | undefined;
  readonly failed: StoreFailed;
  /** Aborted where it takes too long. */
  readonly late: AbortSignal;
}

export async function readBody({ chunks, length, into, failed, late }: BodyRead): Promise<Uint8Array> {
  const bytes =
    into !== undefined && into.length >= length ? into.subarray(0, length) : new Uint8Array(length);
  if (chunks === undefined) throw strangeAnswer('has no body', failed);
  const stop = (): void => chunks.destroy?.();
  late.addEventListener('abort', stop, { once: true });
  // Memory of other streams may be others' too.
  const spent = chunks.socket === undefined ? undefined : new SpentMemory(chunks.socket);
  let at = 0;
  try {
    for await (const chunk of chunks) {
      if (at + chunk.length > length) throw wrongLength(at + chunk.length, length, failed);
      bytes.set(chunk, at);
      at += chunk.length;
      spent?.giveBack(chunk);
    }
  } finally {
    spent?.end();
    late.removeEventListener('abort', stop);
  }
  if (at !== length) throw wrongLength(at, length, failed);
  return bytes;
}

function wrongLength(found: number, expected: number, failed: StoreFailed): CairnError {
  return strangeAnswer(`has ${found} of ${expected} bytes`, failed);
}
