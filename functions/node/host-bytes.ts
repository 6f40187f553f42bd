/** Bytes by Node's own vectorised code: five times as fast and more as any search or base64 in JavaScript or WebAssembly. */
import { Buffer } from 'node:buffer';
import type { HostBytes } from '../http/index.js';

/** Characters per step, a multiple of 4. Strings this short come from memory that is written again and again. */
const stepChars = 65_536;
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

export const hostBytes: HostBytes = {
  indexOf: (bytes, text, from) => bufferOn(bytes).indexOf(text, from, 'latin1'),
  decodeFloatsInPlace,
};

function decodeFloatsInPlace(text: Uint8Array, into: Uint8Array): number | string {
  const source = bufferOn(text);
  const target = bufferOn(into);
  const chars = unpadded(text);
  if (Math.floor((chars * 3) / 4) % 4 !== 0) return source.toString('latin1');
  let written = 0;
  for (let at = 0; at < chars; at += stepChars) {
    // A copy: what is written below may reach into these characters, never into later ones.
    const step = source.toString('latin1', at, Math.min(chars, at + stepChars));
    const bytes = Math.floor((step.length * 3) / 4);
    if (!isPlain(step) || target.write(step, written, bytes, 'base64') !== bytes) {
      return target.toString('base64', 0, written) + step + source.toString('latin1', at + step.length);
    }
    written += bytes;
  }
  return written / 4;
}

/** Node skips what is foreign, which shows in the length, but takes the URL alphabet, half characters and loose bits. */
function isPlain(step: string): boolean {
  if (step.includes('-') || step.includes('_')) return false;
  const group = step.length % 4;
  if (group === 0) return true;
  const last = alphabet.indexOf(step.at(-1)!);
  return group > 1 && (last & (group === 2 ? 0b1111 : 0b11)) === 0;
}

/** The same memory, seen as a Buffer. */
function bufferOn(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Characters without the padding of a whole text. */
function unpadded(text: Uint8Array): number {
  const { length } = text;
  if (length % 4 !== 0 || text[length - 1] !== 0x3d) return length;
  return length - (text[length - 2] === 0x3d ? 2 : 1);
}
