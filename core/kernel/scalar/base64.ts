/** Scalar twin of wasm/base64.ts: strict base64, the standard alphabet, padding optional, canonical last bits. */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

export type Base64Result = { readonly bytes: Uint8Array } | { readonly badOffset: number };

/** Decodes `text`, or names the first character that is refused. */
export function decodeBase64Scalar(text: string): Base64Result {
  let end = text.length;
  if (end % 4 === 0 && text.endsWith('=')) end -= text.endsWith('==') ? 2 : 1;
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  for (let i = 0; i < end; i++) {
    const value = ALPHABET.indexOf(text.charAt(i));
    if (value < 0) return { badOffset: i };
    bits = (bits << 6) | value;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes.push(bits >> held);
    bits &= (1 << held) - 1;
  }
  // Six bits held: a single character of a quartet. Else what is held must be zero, or two texts mean the same bytes.
  return held === 6 || bits !== 0 ? { badOffset: end - 1 } : { bytes: Uint8Array.from(bytes) };
}
