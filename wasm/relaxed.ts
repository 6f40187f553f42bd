/**
 * What of relaxed SIMD the kernels use. The module is built twice, with it and without (asconfig.json), and both answer the
 * same to the bit: an instruction is used only on operands for which all hosts must agree. None multiplies and adds f32 in
 * one rounding, as some hosts would and others not.
 */

/** Which of the two this is, for the host to read. Its branches are decided when the module is built. */
export const relaxed: bool = ASC_FEATURE_RELAXED_SIMD;

/** The bytes of `table` at the indices, 0 where an index is negative. Requires: no index from 16 to 127. */
// @ts-ignore: decorator
@inline
export function lookUp(table: v128, indices: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? i8x16.relaxed_swizzle(table, indices) : i8x16.swizzle(table, indices);
}
