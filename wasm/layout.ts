/**
 * Fixed addresses of page 0. core/kernel/layout.ts states the same numbers; test/kernel/module.test.ts compares them.
 * Everything from 64 KiB up belongs to the host, which passes pointers into it.
 */

/** Slicing-by-16 tables of CRC-32C: 16 x 256 u32, made by `init`. */
export const CRC_TABLES: usize = 1024;
