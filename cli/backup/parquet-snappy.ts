/**
 * Snappy as Parquet has it, without a frame.
 *
 *   block    = varint of the length, elements
 *   literal  = tag xxxxxx00, for 60 to 63 one to four bytes of length, then so many bytes
 *   copy     = tag xxxxxx01, 10 or 11: length and distance back, which may be less than the length
 *
 * Of our own, because the decoder of the Parquet library takes lengths as signed numbers and can be led backwards for ever.
 */

/** Undefined where the input is not what it should be. `length` is what it must inflate to. */
export function tryInflateSnappy(input: Uint8Array, length: number): Uint8Array | undefined {
  const out = new Uint8Array(length);
  let at = 0;
  while (at < input.length && input[at++]! >= 0x80);
  let end = 0;
  while (at < input.length) {
    const element = elementAt(input, at);
    if (element === undefined || end + element.length > length) return undefined;
    at = element.next;
    if (element.back === 0) {
      out.set(input.subarray(at, at + element.length), end);
      at += element.length;
    } else {
      if (element.back > end) return undefined;
      // Byte by byte: what is copied may begin with what is being written.
      for (let i = 0; i < element.length; i++) out[end + i] = out[end + i - element.back]!;
    }
    end += element.length;
  }
  return end === length ? out : undefined;
}

interface Element {
  readonly length: number;
  /** 0 for a literal. */
  readonly back: number;
  readonly next: number;
}

function elementAt(input: Uint8Array, at: number): Element | undefined {
  const tag = input[at]!;
  const kind = tag & 3;
  const extra = kind === 0 ? Math.max(0, (tag >> 2) - 59) : [0, 1, 2, 4][kind]!;
  const next = at + 1 + extra;
  if (next > input.length) return undefined;
  let number = 0;
  for (let i = extra; i > 0; i--) number = number * 256 + input[at + i]!;
  if (kind === 0) {
    const length = (extra === 0 ? tag >> 2 : number) + 1;
    return next + length > input.length ? undefined : { length, back: 0, next };
  }
  const length = kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
  const back = kind === 1 ? (tag >> 5) * 256 + number : number;
  return back === 0 ? undefined : { length, back, next };
}
