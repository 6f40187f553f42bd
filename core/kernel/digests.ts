/**
 * The Digests port from the kernels: CRC-32C in WebAssembly, SHA-256 as given or, where the host has none that is
 * synchronous, in plain JavaScript.
 */
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import type { Digests } from '../base/ports.js';
import type { Kernel } from './kernel.js';

export type Sha256 = Digests['sha256'];

export function createDigests(kernel: Kernel, sha256: Sha256 = portableSha256): Digests {
  return {
    sha256,
    crc32c: (bytes) => kernel.crc32c(bytes),
    crc32cPages: (bytes, pageBytes) => kernel.crc32cPages(bytes, pageBytes),
  };
}

function portableSha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = nobleSha256.create();
  for (const part of parts) hash.update(part);
  return hash.digest();
}
