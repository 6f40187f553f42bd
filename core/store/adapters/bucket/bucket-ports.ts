/**
 * What a store in a bucket needs of whoever opens it, and an end in time for each of its requests: an SDK waits for ever, or for
 * as long as its own retries take.
 */
import { limits } from '../../../base/limits.js';
import type { Clock, Random, Sleep } from '../../../base/ports.js';
import type { ObjectStore } from '../../index.js';

export interface BucketPorts {
  readonly clock: Pick<Clock, 'wallMs'>;
  readonly random: Random;
  /** The real one: it ends requests that take too long. */
  readonly sleep: Sleep;
}

export interface BucketOptions {
  /** 32 bytes that the store encrypts every object with, and forgets. Whoever loses them loses the data. */
  readonly customerKey?: Uint8Array;
}

export interface OpenedBucketStore {
  readonly store: ObjectStore;
  /** Requests sent so far: those of the self-test at first. */
  readonly sent: () => number;
}

/** As the SDKs take it: aborted where the time is over. */
export interface Late {
  readonly abortSignal: AbortSignal;
}

/** Gives `send` the time in which an answer has to begin, and what `bytes` take on a slow line. */
export async function bounded<T>(
  { sleep }: Pick<BucketPorts, 'sleep'>,
  { answerMs, bytes = 0 }: { readonly answerMs: number; readonly bytes?: number },
  send: (late: Late) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const done = new AbortController();
  const expire = async (): Promise<void> => {
    await sleep(answerMs + bytes / limits.storeBytesPerMs, done.signal);
    if (!done.signal.aborted) late.abort();
  };
  void expire();
  try {
    return await send({ abortSignal: late.signal });
  } finally {
    // With a reason of its own: without one an error is made, with a stack that nobody reads.
    done.abort('answered');
  }
}
