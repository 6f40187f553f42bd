/**
 * A selection of terms as the kernels test it: one range, or bitmaps of ordinals, each as long as the kernel takes them.
 */
import { bitmapBytes } from '../../base/bitmap.js';
import { MASK_SET_SIZE } from '../../kernel/index.js';
import type { OrdinalSet, RowMasks, TestedOrdinals } from '../../kernel/index.js';
import type { OrdinalRun } from './term-selection.js';

const ALL_BYTES = 256;

export class OrdinalTest {
  readonly isEmpty: boolean;
  readonly #range: OrdinalRun | undefined;
  readonly #sets: readonly OrdinalSet[];

  constructor(runs: readonly OrdinalRun[], width: 0 | 1 | 2 | 4) {
    this.isEmpty = runs.length === 0;
    this.#range = runs.length === 1 ? runs[0] : undefined;
    this.#sets = runs.length > 1 ? setsOf(runs, width) : [];
  }

  /** Writes the mask, and uses `part` besides. Requires: it is not empty. */
  run(
    masks: RowMasks,
    { mask, part }: { readonly mask: number; readonly part: number },
    tested: TestedOrdinals,
  ): void {
    if (this.#range !== undefined) {
      masks.range(mask, tested, this.#range[0], this.#range[1]);
      return;
    }
    masks.set(mask, tested, this.#sets[0]!);
    if (this.#sets.length === 1) return;
    // Nothing but what is tested is joined.
    masks.clear(part);
    for (const set of this.#sets.slice(1)) {
      masks.set(part, tested, set);
      masks.or(mask, part, tested.at + tested.count);
    }
  }
}

/** Runs may overlap, and be in any order. */
function setsOf(runs: readonly OrdinalRun[], width: 0 | 1 | 2 | 4): readonly OrdinalSet[] {
  if (width === 1) return [setOf(runs, 0, ALL_BYTES)];
  const sets: OrdinalSet[] = [];
  const ordered = [...runs].sort((a, b) => a[0] - b[0]);
  const end = ordered.reduce((most, [, to]) => Math.max(most, to), 0);
  for (let i = 0, base = ordered[0]![0]; base < end;) {
    const size = Math.min(MASK_SET_SIZE, end - base);
    sets.push(setOf(ordered, base, size));
    base += size;
    // Where no run is, no set is needed.
    while (i < ordered.length && ordered[i]![1] <= base) i++;
    base = Math.max(base, ordered[i]?.[0] ?? end);
  }
  return sets;
}

function setOf(runs: readonly OrdinalRun[], base: number, size: number): OrdinalSet {
  const bits = new Uint8Array(bitmapBytes(size));
  for (const [from, to] of runs) {
    const end = Math.min(to - base, size);
    for (let at = Math.max(from - base, 0); at < end; at++) bits[at >> 3]! |= 1 << (at & 7);
  }
  return { base, size, bits };
}
