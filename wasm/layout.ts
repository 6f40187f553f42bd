/**
 * Fixed addresses of page 0. core/kernel/layout.ts states the same numbers; test/kernel/module.test.ts compares them.
 * Everything from 64 KiB up belongs to the host, which passes pointers into it.
 */

/** Slicing-by-16 tables of CRC-32C: 16 x 256 u32, made by `init`. */
export const CRC_TABLES: usize = 1024;

/** What leads an input and was taken away (crc32c-multiples.ts), after zeros that `init` makes, from CRC_ZEROS on. */
export const CRC_ZEROS: usize = 17664;
export const CRC_TAKEN: usize = CRC_ZEROS + 5_328;
/** What is left of it. */
export const CRC_REST: usize = CRC_TAKEN + 16_384;

/** 16 x u32, where threads share the memory. */
export const ROW_LOCKS: usize = 45_248;
