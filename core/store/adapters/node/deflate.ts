/** RFC 1951 by node:zlib: more than twice as fast as any portable one, and synchronous like it. */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Deflate } from '../../../base/ports.js';

/** On abstracts in JSON: 1.6 times as fast as the defaults, and 5 % more bytes. */
const options = { level: 2, memLevel: 9 };

export const nodeDeflate: Deflate = {
  deflate: (bytes) => deflateRawSync(bytes, options),
  tryInflate: (deflated, length) => {
    try {
      const bytes = inflateRawSync(deflated, {
        maxOutputLength: length,
        chunkSize: Math.max(64, length + 1),
      });
      return bytes.length === length ? bytes : undefined;
    } catch {
      return undefined;
    }
  },
};
