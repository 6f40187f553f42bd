/** What Workers' types leave out. */

declare module '*.wasm' {
  const compiled: WebAssembly.Module;
  export default compiled;
}
