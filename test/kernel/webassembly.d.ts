/**
 * What core/kernel uses of the WebAssembly namespace. The tests are compiled with Node's types, which do not declare
 * it, and import the sources of core/.
 */
declare namespace WebAssembly {
  class Module {
    private constructor();
    static imports(module: object): readonly object[];
  }
  class Memory {
    constructor(size: { readonly initial: number; readonly maximum?: number; readonly shared?: boolean });
    readonly buffer: ArrayBuffer;
  }
  class Instance {
    constructor(module: object, imports: object);
    readonly exports: object;
  }
  function validate(bytes: Uint8Array): boolean;
  function compile(bytes: Uint8Array): Promise<Module>;
}
