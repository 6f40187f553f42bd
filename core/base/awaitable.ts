/**
 * Values that may be there already. What a cache answers at once must not cost a tick: a state may be used only until
 * the next one, and a read whose pages are all in memory ends in the step that it began in.
 */

export type Awaitable<T> = T | Promise<T>;

/** `next` of the value, at once where it is there. */
export function andThen<T, U>(value: Awaitable<T>, next: (value: T) => Awaitable<U>): Awaitable<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** All of them, at once where every one is there. */
export function allOf<T>(values: readonly Awaitable<T>[]): Awaitable<readonly T[]> {
  return values.some((value) => value instanceof Promise) ? Promise.all(values) : (values as readonly T[]);
}
