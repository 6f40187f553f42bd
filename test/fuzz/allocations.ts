/**
 * What is asked for at once of memory outside the heap: an input of a few bytes must not make a decoder ask for more than
 * it can fill. No host tells, so the constructors of buffers and typed arrays are watched. Those of WebAssembly are not:
 * they come from a pool with a budget of its own.
 */

const WATCHED = [
  'ArrayBuffer',
  'Uint8Array',
  'Int8Array',
  'Uint16Array',
  'Int16Array',
  'Uint32Array',
  'Int32Array',
  'Float32Array',
  'Float64Array',
] as const;

type Watched = new (...args: unknown[]) => object;

let largestBytes = 0;
let watching = false;

function watched(constructor: Watched): Watched {
  const { BYTES_PER_ELEMENT: width = 1 } = constructor as { readonly BYTES_PER_ELEMENT?: number };
  return new Proxy(constructor, {
    construct(target, args, newTarget) {
      const [length] = args as unknown[];
      if (typeof length === 'number') largestBytes = Math.max(largestBytes, length * width);
      return Reflect.construct(target, args, newTarget) as object;
    },
  });
}

/** From now on, in this thread. Once is enough. */
export function watchAllocations(): void {
  if (watching) return;
  watching = true;
  const host = globalThis as unknown as Record<(typeof WATCHED)[number], Watched>;
  for (const name of WATCHED) host[name] = watched(host[name]);
}

/** Bytes of the largest piece that was asked for since this was called last. */
export function takeLargestAllocation(): number {
  const largest = largestBytes;
  largestBytes = 0;
  return largest;
}
