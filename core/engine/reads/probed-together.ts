/**
 * Of the candidates that probes of several segments find, only the nearest of all are worth an exact comparison: each segment alone
 * would read as many raw vectors as if it held all that is near. Segments are told apart by nothing but chance, so that estimates of all
 * are of one scale once they are in one unit.
 */
import { worstCompared } from '../segments/index.js';
import type { Estimated } from '../segments/index.js';

/** What one segment says: at most one offer, and one end. */
export interface ProbedPart {
  /** Candidates of this segment: answers how far those of all go that are compared. */
  offer(estimated: Estimated): Promise<number>;
  /** Nothing is offered any more. May be said again. */
  end(): void;
}

export class ProbedTogether {
  readonly #waiting: ((worst: number) => void)[] = [];
  readonly #offers: Estimated[] = [];
  #open: number;

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
    const offer = (estimated: Estimated): Promise<number> => {
      this.#offers.push(estimated);
      const answer = new Promise<number>((resolve) => this.#waiting.push(resolve));
      end();
      return answer;
    };
    return { offer, end };
  }

  #settle(): void {
    const all = Float64Array.from(this.#offers.flatMap(({ distances }) => [...distances])).sort();
    // As the segment would have it that compares the most.
    const worst = this.#offers.reduce(
      (farthest, { compared }) => Math.max(farthest, worstCompared(all, compared)),
      -Infinity,
    );
    for (const resolve of this.#waiting) resolve(worst);
  }
}
