/**
 * Values that may be there already. What a cache answers at once must not cost a tick: a state may be used only until
 * the next one, and a read whose pages are all in memory ends in the step that it began in.
 */

export type Awaitable<T> = T | Promise<T>;

/** `use` of the value, at once where it is there. */
export function andThen<T, U>(value: Awaitable<T>, use: (value: T) => Awaitable<U>): Awaitable<U> {
  return value instanceof Promise ? value.then(use) : use(value);
}

/** What it throws fails the value. */
export function attempt<T>(run: () => Awaitable<T>): Awaitable<T> {
  try {
    return run();
  } catch (error) {
    return Promise.reject(error);
  }
}

/**
 * Starts all of them, in order, and gives their values: at once where every one is there. Where a start throws, nobody
 * waits for those before it, and a failure of theirs is lost in silence instead of ending the process.
 */
export function startAll<T>(starts: Iterable<() => Awaitable<T>>): Awaitable<readonly T[]> {
  const started: Awaitable<T>[] = [];
  try {
    for (const start of starts) started.push(start());
  } catch (error) {
    for (const value of started) if (value instanceof Promise) value.catch(() => {});
    throw error;
  }
  return started.some((value) => value instanceof Promise) ? Promise.all(started) : (started as readonly T[]);
}

/** What each begins, while the `count` after it are begun already: others may be at them meanwhile. */
export function* begunAhead<T>(begins: readonly (() => T)[], count: number): Generator<T> {
  const begun: T[] = [];
  for (const begin of begins) {
    begun.push(begin());
    if (begun.length > count) yield begun.shift()!;
  }
  yield* begun;
}
