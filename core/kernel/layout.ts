/**
 * Memory layout of every arena, and the size classes. wasm/layout.ts states the same fixed addresses.
 *
 * ```
 *      0 ..  1,024   static data of the module (none today)
 *  1,024 .. 17,408   CRC-32C tables, made by `init` where an arena needs them
 * 17,408 .. 65,536   reserved for kernels to come
 * 65,536 .. end      the payload: as many bytes as the arena's class says
 * ```
 *
 * A fixed first page costs each arena 64 KiB of address space (its untouched part is never resident) and lets the
 * kernels use constant addresses for their tables.
 */

export const WASM_PAGE_BYTES = 65_536;
export const CRC_TABLES_OFFSET = 1_024;
export const CRC_TABLES_BYTES: number = 16 * 256 * 4;
export const PAYLOAD_OFFSET: number = WASM_PAGE_BYTES;

const KiB = 1_024;
const MiB = 1_024 * KiB;

/** Payload bytes of each size class, ascending. */
export const arenaClasses = [256 * KiB, MiB, 4 * MiB, 16 * MiB, 64 * MiB, 256 * MiB, 512 * MiB] as const;

export type ArenaClass = (typeof arenaClasses)[number];

/** Bytes that an arena of a class counts for. */
export function arenaBytes(arenaClass: ArenaClass): number {
  return arenaClass + PAYLOAD_OFFSET;
}

/** The smallest class with at least `payloadBytes`, or undefined where none is that large. */
export function tryArenaClass(payloadBytes: number): ArenaClass | undefined {
  return arenaClasses.find((size) => size >= payloadBytes);
}
