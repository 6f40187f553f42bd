/**
 * Moves a state onto newer heads, whose records lie elsewhere: a fold or a merge was committed. The state that it is until
 * then is as right (it is a function of the sequence), so nobody has to wait, and what goes wrong here fails no call.
 */
import { CairnError } from '../base/errors.js';
import { limits } from '../base/limits.js';
import { mustBeUnnamed, tryGoneKey } from './log-reader.js';
import type { LoadedHead, LogContext } from './log-reader.js';
import type { LogSink, LogState } from './log-state.js';

export interface AdoptionOptions<S extends LogSink<S>> {
  readonly context: LogContext;
  /** Beside the calls that meet a newer head; otherwise each such call waits, as no promise may cross requests. */
  readonly beside: boolean;
  readonly isCurrent: (state: LogState<S>) => boolean;
  /** Drops the current state: the next call loads anew. */
  readonly drop: () => void;
}

export class Adoption<S extends LogSink<S>> {
  readonly #options: AdoptionOptions<S>;
  #running: Promise<void> | undefined;
  #failure: unknown;

  constructor(options: AdoptionOptions<S>) {
    this.#options = options;
  }

  /** What kept the state from the newest head the last time; undefined where nothing did. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Sees to it that the state gets onto the newest head that it knows. Never fails. */
  async keepUp(state: LogState<S>): Promise<void> {
    if (!this.#isWanted(state)) return;
    if (!this.#options.beside) {
      await this.#adopt(state);
      return;
    }
    this.#running ??= this.#adopt(state).finally(() => {
      this.#running = undefined;
    });
  }

  async settle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  #isWanted(state: LogState<S>): boolean {
    return this.#options.isCurrent(state) && state.canRebase;
  }

  async #adopt(state: LogState<S>): Promise<void> {
    for (let round = 0; round < limits.freshenRounds && this.#isWanted(state); round++) {
      this.#failure = undefined;
      if (!state.isOfHead) {
        this.#options.drop();
        return;
      }
      const target = state.head;
      const { head } = target;
      try {
        // What a restore went back to stays where it is until that is folded.
        const make = state.since > head.foldedSeq ? () => state.sink : await state.sink.rebase(head);
        // The state may have been dropped, or moved by another request of this process that was faster.
        if (!this.#options.isCurrent(state) || state.base.version >= head.version) continue;
        state.rebase(head, make());
      } catch (error) {
        this.#failure = error;
        if (!(await this.#mayTryAgain(state, target, error))) return;
      }
    }
  }

  async #mayTryAgain(state: LogState<S>, target: LoadedHead, error: unknown): Promise<boolean> {
    const key = tryGoneKey(error);
    if (key === undefined) {
      // What passes is tried again by the next call that meets the head. All else is for the next load to report.
      const passes = error instanceof CairnError && error.kind === 'unavailable';
      if (!passes && this.#options.isCurrent(state)) this.#options.drop();
      return false;
    }
    try {
      state.learn(await mustBeUnnamed(this.#options.context, target, key));
      return true;
    } catch (cause) {
      return await this.#mayTryAgain(state, target, cause);
    }
  }
}
