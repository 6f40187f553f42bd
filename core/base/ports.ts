/**
 * What the engine needs from the world besides a store. Everything that is not a function of its inputs arrives
 * through these, so that a simulator can own time and chance.
 */

export interface Clock {
  /** Wall clock in milliseconds since 1970. May be wrong and may jump; never a safety input. */
  wallMs(): number;
  /** A clock that never goes back, in milliseconds from an arbitrary start. May drift. */
  monotonicMs(): number;
}

export interface Random {
  /** Fills `target` with random bytes and returns it. */
  fill(target: Uint8Array): Uint8Array;
}

/** Resolves after about `ms` milliseconds, or at once where `signal` is aborted. */
export type Sleep = (ms: number, signal?: AbortSignal) => Promise<void>;

export interface Digests {
  /** SHA-256 over the concatenation of `parts`: 32 bytes. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array;
  /** CRC-32C (Castagnoli) of `bytes` as an unsigned 32-bit number. */
  crc32c(bytes: Uint8Array): number;
  /** The CRC-32C of every page of `bytes`, the last one possibly short: ceil(length / pageBytes) numbers. */
  crc32cPages(bytes: Uint8Array, pageBytes: number): Uint32Array;
}

/** Raw deflate streams (RFC 1951). Every host reads what another one wrote; the bytes may differ. */
export interface Deflate {
  deflate(bytes: Uint8Array): Uint8Array;
  /** Undefined where `deflated` does not inflate to exactly `length` bytes. Asks for no memory beyond a few more. */
  tryInflate(deflated: Uint8Array, length: number): Uint8Array | undefined;
}

export interface Ports {
  readonly clock: Clock;
  readonly random: Random;
  readonly sleep: Sleep;
  readonly digests: Digests;
  readonly deflate: Deflate;
}
