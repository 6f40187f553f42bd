/** The Deflate port for hosts that have none of their own which is synchronous. */
import { deflateSync, inflateSync } from 'fflate';
import type { Deflate } from '../base/ports.js';

export const portableDeflate: Deflate = {
  deflate: (bytes) => deflateSync(bytes),
  tryInflate: (deflated, length) => {
    try {
      const bytes = inflateSync(deflated, { out: new Uint8Array(length + 1) });
      return bytes.length === length ? bytes : undefined;
    } catch {
      return undefined;
    }
  },
};
