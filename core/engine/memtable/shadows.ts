/**
 * What the log says of records that lie in segments: for every id that a slot above the fold names, when the segment's
 * row ended (replaced or deleted) and when it was soft-deleted. Whether a segment has such a row is not asked here: a
 * write must not wait for a read.
 */
import type { Sequence } from '../../base/ids.js';
import type { LogPosition } from '../../log/index.js';

/** Fields grow from Infinity to a sequence, once: whoever holds a shadow sees later slots in it. */
export interface Shadow {
  /** Sequence at which the segment's row was replaced or deleted; Infinity where it was not. */
  endedAt: number;
  /** Sequence at which it was soft-deleted; Infinity where it was not. */
  hiddenAt: number;
  /** Label of that slot, in milliseconds since 1970. */
  hiddenMs: number;
}

export class Shadows {
  readonly #byId = new Map<string, Shadow>();
  readonly #ids: string[] = [];

  /** Ids in the order in which the log first named them: it only grows. */
  get ids(): readonly string[] {
    return this.#ids;
  }

  find(id: string): Shadow | undefined {
    return this.#byId.get(id);
  }

  end(id: string, seq: Sequence): void {
    const shadow = this.#of(id);
    if (shadow.endedAt === Infinity) shadow.endedAt = seq;
  }

  hide(id: string, at: LogPosition): void {
    const shadow = this.#of(id);
    if (shadow.endedAt !== Infinity || shadow.hiddenAt !== Infinity) return;
    shadow.hiddenAt = at.seq;
    shadow.hiddenMs = at.label;
  }

  /** Takes over what is left of a shadow above a newer fold, if anything is. */
  keep(id: string, { endedAt, hiddenAt, hiddenMs }: Shadow, folded: number): void {
    const left = (seq: number): number => (seq > folded ? seq : Infinity);
    if (left(endedAt) === Infinity && left(hiddenAt) === Infinity) return;
    Object.assign(this.#of(id), { endedAt: left(endedAt), hiddenAt: left(hiddenAt), hiddenMs });
  }

  *entries(): Generator<readonly [string, Shadow]> {
    yield* this.#byId;
  }

  #of(id: string): Shadow {
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const shadow: Shadow = { endedAt: Infinity, hiddenAt: Infinity, hiddenMs: 0 };
    this.#byId.set(id, shadow);
    this.#ids.push(id);
    return shadow;
  }
}
