/**
 * Requests to a binding, each with an end in time. A binding takes no signal: a request that is late is left alone, and whatever
 * comes of it is dropped. So its body may still be on its way while the caller writes something else into that memory: of a put
 * R2 then refuses what is torn, by its SHA-256; a part that comes late gets another ETag than the one that the join names.
 *
 * How many requests are under way is the caller's business, and in a Worker the runtime's: it lets six connections of one
 * invocation open at a time and the next ones wait. A queue in here would be shared by all invocations in the isolate, and
 * a promise that another invocation resolves is what Workers do not have.
 */
import { bounded } from '../bucket/index.js';
import type { BucketPorts } from '../bucket/index.js';
import type { R2Binding } from './r2-binding.js';

export interface R2Ports extends BucketPorts {
  /** The host's own: of every body that is put, which R2 checks. */
  readonly sha256: (bytes: Uint8Array) => Promise<ArrayBuffer>;
}

export interface R2Requests {
  readonly bucket: R2Binding;
  readonly ports: R2Ports;
  readonly answerMs: number;
}

export interface R2Bound<T> {
  /** On their way to R2 or from it. */
  readonly bytes?: number;
  readonly answerMs?: number;
  /** Of an answer that nobody waits for any more. */
  readonly drop?: (late: T) => void;
}

/** Throws what the binding throws, and where nothing came in time an error without a code. */
export function answered<T>(
  { bucket, ports, answerMs }: R2Requests,
  send: (bucket: R2Binding) => Promise<T>,
  { bytes = 0, answerMs: ownMs = answerMs, drop }: R2Bound<T> = {},
): Promise<T> {
  return bounded(ports, { answerMs: ownMs, bytes }, ({ abortSignal: late }) => {
    const answer = send(bucket);
    return new Promise((resolve, reject) => {
      late.addEventListener(
        'abort',
        () => {
          reject(new Error('no answer in time'));
          // It comes after that, or never.
          answer.then(drop, () => {});
        },
        { once: true },
      );
      answer.then(resolve, reject);
    });
  });
}
