/**
 * The body of an answer as chunks. Read through one small buffer that is used again: a default reader of workerd's gives 4 KiB
 * at a time, which takes seven times as long, and `arrayBuffer()` brings fresh memory where the caller lends some.
 */
import type { Chunks } from '../bucket/index.js';
import type { R2Reader, R2Stream } from './r2-binding.js';

const CHUNK_BYTES = 262_144; // 256 KiB

/** Each chunk is good until the next one is asked for. */
export function chunksOf(body: R2Stream, length: number): Chunks {
  const reader = readerOf(body);
  const cancel = (): void => void reader.cancel().catch(() => {});
  return {
    destroy: cancel,
    async *[Symbol.asyncIterator]() {
      // Nothing can be read into no room.
      let room = new Uint8Array(Math.max(1, Math.min(CHUNK_BYTES, length)));
      try {
        for (;;) {
          const { done, value } = await reader.read(room);
          if (done || value === undefined) return;
          yield value;
          room = new Uint8Array(value.buffer);
        }
      } finally {
        cancel();
      }
    },
  };
}

/** What wrangler puts in a binding's place in Node has no streams of bytes: its readers take no notice of the room. */
function readerOf(body: R2Stream): R2Reader {
  try {
    return body.getReader({ mode: 'byob' });
  } catch {
    return body.getReader();
  }
}
