/**
 * The kernel module for hosts that may compile WebAssembly from bytes (Node, browsers). Cloudflare Workers refuse
 * that: there the entry file imports the module statically and passes it on.
 */
import type { KernelModule } from './kernel-module.js';
import { wasmBase64 } from './wasm-bytes.generated.js';

export async function compileEmbeddedKernel(): Promise<KernelModule> {
  const text = atob(wasmBase64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return await WebAssembly.compile(bytes);
}
