/** What all golden objects share: whose they are, how they are hashed, and how each is described. */
import { formatUuid } from '../../core/base/ids.js';
import type { Uid } from '../../core/base/ids.js';
import type { Digests } from '../../core/base/ports.js';
import { compileEmbeddedKernel, createDigests, Kernel } from '../../core/kernel/index.js';
import type { RowMasks } from '../../core/kernel/index.js';

export const kernel: Kernel = new Kernel(await compileEmbeddedKernel(), {
  memoryBudgetBytes: 16 * 1024 * 1024,
});
export const digests: Digests = createDigests(kernel);
export const masks: RowMasks = kernel.masks;

export const hex = (start: number, bytes: number): string =>
  Array.from({ length: bytes }, (_, i) => ((start + i) & 255).toString(16).padStart(2, '0')).join('');

export const uid: Uid = hex(0x10, 16) as Uid;
export const UUID: string = formatUuid(
  Uint8Array.from({ length: 16 }, (_, i) => 0xa0 + i),
  4,
);
export interface GoldenObject {
  readonly file: string;
  readonly key: string;
  readonly bytes: Uint8Array;
  /** Opens the bytes with every check and writes what was read again. */
  readonly reencode: (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>;
  /** The same of an object of format 0, where it is named, or names others, by a hash. */
  readonly reencodeOlder?: (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>;
  /** The first format that has it, where that is not 0. */
  readonly newIn?: number;
}

/** A part of an example: where it begins, and what it is. */
export interface Part {
  readonly offset: number;
  readonly what: string;
}
