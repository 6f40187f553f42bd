/**
 * Memory layout of every arena, and the size classes. wasm/layout.ts states the same fixed addresses.
 *
 * ```
 *      0 ..  1,024   static data of the module (none today)
 *  1,024 .. 17,408   CRC-32C tables, made by `init` where an arena needs them
 * 17,408 .. 17,664   state of the index in this memory (wasm/index-state.ts, core/index/layout/state.ts)
 * 17,664 .. 45,216   scratch of CRC-32C (wasm/layout.ts)
 * 45,216 .. 45,248   reserved for kernels to come
 * 45,248 .. 45,312   locks of rows, where threads share the memory (wasm/graph-partitions.ts)
 * 45,312 .. 49,152   state of the index as other threads search it (`stateOffset`)
 * 49,152 .. 65,536   checksums of pages, on their way out
 * 65,536 .. end      the payload: as many bytes as the arena's class says
 * ```
 *
 * A fixed first page costs each arena 64 KiB of address space (its untouched part is never resident) and lets the
 * kernels use constant addresses for their tables.
 */

export const WASM_PAGE_BYTES = 65_536;
export const CRC_TABLES_OFFSET = 1_024;
export const CRC_TABLES_BYTES: number = 16 * 256 * 4;
export const INDEX_STATE_OFFSET: number = CRC_TABLES_OFFSET + CRC_TABLES_BYTES;
export const CRC_SCRATCH_OFFSET = 17_664;
export const CRC_SCRATCH_BYTES = 27_552;
/** 16 x u32. */
export const ROW_LOCKS_OFFSET = 45_248;
/** Room for the checksums of so many pages. */
export const CHECKSUMS_MOST = 4_096;
export const CHECKSUMS_OFFSET = 49_152;
export const PAYLOAD_OFFSET: number = WASM_PAGE_BYTES;

const STATE_BYTES = 256;
const THREAD_STATES_OFFSET = 45_312;

/** Where a thread's state of the index lies, of `limits.threads`; 0 is the caller's own. */
export function stateOffset(thread: number): number {
  return thread === 0 ? INDEX_STATE_OFFSET : THREAD_STATES_OFFSET + (thread - 1) * STATE_BYTES;
}

/**
 * Payload bytes of each size class, ascending: 256 KiB, 1, 4, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1,024 and 1,536 MiB, and as
 * much as ends at 2 GiB: no address is negative where it is taken for a signed number.
 */
export const arenaClasses = [
  262_144, 1_048_576, 4_194_304, 16_777_216, 33_554_432, 50_331_648, 67_108_864, 100_663_296, 134_217_728,
  201_326_592, 268_435_456, 402_653_184, 536_870_912, 805_306_368, 1_073_741_824, 1_610_612_736,
  2_147_418_112,
] as const;

export type ArenaClass = (typeof arenaClasses)[number];

/** Bytes that an arena of a class counts for. */
export function arenaBytes(arenaClass: ArenaClass): number {
  return arenaClass + PAYLOAD_OFFSET;
}

/** The smallest class that holds `payloadBytes`, or undefined where none does. */
export function arenaClassFor(payloadBytes: number): ArenaClass | undefined {
  return arenaClasses.find((arenaClass) => arenaClass >= payloadBytes);
}
