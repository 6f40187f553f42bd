/**
 * Lets a few reads of whole files of one request run at once and the others wait: each holds chunks in memory, and a
 * request may hold a hundred queries over a dozen segments.
 */
const LANES = 3;

export class Turns {
  /** Reads that run at once. */
  static readonly lanes: number = LANES;

  readonly #lanes: Promise<unknown>[] = [];
  #next = 0;

  /** In the order of the calls, within a lane. Requires: a task that does not run others. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    const lane = this.#next++ % LANES;
    const run = (this.#lanes[lane] ?? Promise.resolve()).then(task);
    this.#lanes[lane] = run.catch(() => {});
    return await run;
  }
}
