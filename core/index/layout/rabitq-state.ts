/**
 * What the RaBitQ kernels look for at the state's `rabitq`: wasm/rabitq-state.ts states the same numbers and says what each is.
 * All u32 but those marked f32.
 */
import type { Arena } from '../../kernel/index.js';

export const rabitqOffsets = {
  padded: 0,
  bits: 4,
  rotated: 8,
  signed: 12,
  planes: 16,
  leafOf: 20,
  leafStarts: 24,
  centroids: 28,
  shares: 32,
  marks: 36,
  leaves: 40,
  /** f32. */
  unit: 44,
  /** f32. */
  sum: 48,
  /** f32. */
  weight: 52,
} as const;

export const RABITQ_STATE_BYTES = 56;

/** Writes u32 fields of the struct at the address. */
export function putRabitqState(
  { u32 }: Pick<Arena, 'u32'>,
  at: number,
  fields: Partial<Record<keyof typeof rabitqOffsets, number>>,
): void {
  for (const [name, value] of Object.entries(fields))
    u32[(at + rabitqOffsets[name as keyof typeof rabitqOffsets]) / 4] = value;
}
