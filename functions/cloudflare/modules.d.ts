/** What Workers' types leave out. */

declare module '*.wasm' {
  const compiled: WebAssembly.Module;
  export default compiled;
}

/** Needs the flag nodejs_als, or nodejs_compat. */
declare module 'node:async_hooks' {
  export class AsyncLocalStorage<T> {
    getStore(): T | undefined;
    run<R>(store: T, work: () => R): R;
  }
}
