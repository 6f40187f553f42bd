/**
 * Requests that one turn of the event loop brings, begun together behind it. Strong reads that begin together share one look at
 * the log, where each of them, begun as it is read from its connection, would take one of its own: with a store in files that is as
 * much work as a query. A turn that brings one request takes a few microseconds longer.
 */
export class Turn {
  #end: Promise<void> | undefined;

  /** Resolves when everything that this turn of the event loop has to read is read. */
  end(): Promise<void> {
    this.#end ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#end = undefined;
        resolve();
      });
    });
    return this.#end;
  }
}
