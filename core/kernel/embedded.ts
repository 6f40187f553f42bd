/**
 * The kernel module for hosts that may compile WebAssembly from bytes (Node, browsers): the one with relaxed SIMD where the
 * host takes it, else the plain one. Cloudflare Workers refuse to compile: there the entry file imports a module statically and
 * passes it on.
 */
import type { KernelModule, Simd } from './kernel-module.js';
import { plainBase64, relaxedBase64 } from './wasm-bytes.generated.js';

/** The same module without and with relaxed SIMD, in base64. Both answer the same to the bit. */
export interface KernelTexts {
  readonly plain: string;
  readonly relaxed: string;
}

const embedded: KernelTexts = { plain: plainBase64, relaxed: relaxedBase64 };

/** `simd`: which one, for tests and measurements; a host may refuse `relaxed`. */
export async function compileEmbeddedKernel(
  simd?: Simd,
  texts: KernelTexts = embedded,
): Promise<KernelModule> {
  if (simd !== 'plain') {
    const relaxed = bytesOf(texts.relaxed);
    if (simd === 'relaxed' || WebAssembly.validate(relaxed)) return await WebAssembly.compile(relaxed);
  }
  return await WebAssembly.compile(bytesOf(texts.plain));
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
