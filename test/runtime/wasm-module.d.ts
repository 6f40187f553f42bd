/** How Workers see an imported WebAssembly file: compiled already. */
declare module '*.wasm' {
  const compiled: object;
  export { compiled as default };
}
