/**
 * One signal for several. By hand: `AbortSignal.any` keeps what it returns alive as long as the longest of its sources,
 * and some of ours live as long as the process.
 */
import type { Endable } from './end-signal.js';

/** Runs `use` with a signal that is aborted as soon as one of `signals` is. */
export async function withAnySignal<T>(
  signals: readonly (Endable | undefined)[],
  use: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const any = new AbortController();
  const abort = (): void => any.abort();
  for (const signal of signals) {
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort);
  }
  try {
    return await use(any.signal);
  } finally {
    for (const signal of signals) signal?.removeEventListener('abort', abort);
  }
}
