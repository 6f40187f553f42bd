/**
 * Of the candidates that probes of several segments find, only the nearest of all are worth an exact comparison: each segment alone
 * would read as many raw vectors as if it held all that is near. Segments are told apart by nothing but chance, so that estimates of all
 * are of one scale once they are in one unit.
 */

/** So many times as many candidates are compared as one segment would compare. */
const ROOM = 1.5;

/** What one segment says: at most one offer, and one end. */
export interface ProbedPart {
  /** Estimated distances, ascending, of which so many would be compared: answers how far those of all go that are. */
  offer(estimates: Float64Array, wanted: number): Promise<number>;
  /** Nothing is offered any more. May be said again. */
  end(): void;
}

export class ProbedTogether {
  readonly #waiting: ((worst: number) => void)[] = [];
  readonly #estimates: Float64Array[] = [];
  #open: number;
  #wanted = 0;

  constructor(segments: number) {
    this.#open = segments;
  }

  /** Of one segment. Whoever gets it ends it, also where the segment fails: the others wait for that. */
  part(): ProbedPart {
    let open = true;
    const end = (): void => {
      if (!open) return;
      open = false;
      this.#open--;
      if (this.#open === 0) this.#settle();
    };
    const offer = (estimates: Float64Array, wanted: number): Promise<number> => {
      this.#estimates.push(estimates);
      this.#wanted = Math.max(this.#wanted, wanted);
      const answer = new Promise<number>((resolve) => this.#waiting.push(resolve));
      end();
      return answer;
    };
    return { offer, end };
  }

  #settle(): void {
    const all = Float64Array.from(this.#estimates.flatMap((own) => [...own])).sort();
    const most = this.#estimates.length > 1 ? Math.ceil(ROOM * this.#wanted) : all.length;
    const worst = all[most - 1] ?? Infinity;
    for (const resolve of this.#waiting) resolve(worst);
  }
}
