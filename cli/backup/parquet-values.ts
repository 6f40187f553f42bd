/** Values of Parquet's physical types out of the bytes of a page. */

/** Of one column and file a single kind. */
export type Values = Float32Array | readonly (string | number | bigint | boolean)[];

export interface WantedValues {
  readonly type: string;
  readonly count: number;
}

/** One after the other, as they are. Undefined where there are fewer, or of a type that no column of a record has. */
export function tryReadPlain(bytes: Uint8Array, { type, count }: WantedValues): Values | undefined {
  const width = WIDTHS[type];
  if (width !== undefined && bytes.length < count * width) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const each = <T>(at: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => at(i));
  switch (type) {
    case 'FLOAT':
      return copyFloats(bytes, count);
    case 'DOUBLE':
      return Float32Array.from({ length: count }, (_, i) => view.getFloat64(8 * i, true));
    case 'INT32':
      return each((i) => view.getInt32(4 * i, true));
    case 'INT64':
      return each((i) => view.getBigInt64(8 * i, true));
    case 'BOOLEAN':
      return each((i) => ((bytes[i >> 3]! >> (i & 7)) & 1) === 1);
    case 'BYTE_ARRAY':
      return tryReadTexts(bytes, count);
    default:
      return undefined;
  }
}

/** Pages begin anywhere; floats in memory lie at multiples of four. */
function copyFloats(bytes: Uint8Array, count: number): Float32Array {
  const floats = new Float32Array(count);
  new Uint8Array(floats.buffer).set(bytes.subarray(0, 4 * count));
  return floats;
}

/** Bytes of a value. */
const WIDTHS: Readonly<Record<string, number>> = { FLOAT: 4, DOUBLE: 8, INT32: 4, INT64: 8, BOOLEAN: 1 / 8 };

function tryReadTexts(bytes: Uint8Array, count: number): readonly string[] | undefined {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const texts: string[] = [];
  for (let at = 0; texts.length < count;) {
    if (at + 4 > bytes.length) return undefined;
    const end = at + 4 + view.getUint32(at, true);
    if (end > bytes.length) return undefined;
    texts.push(decoder.decode(bytes.subarray(at + 4, end)));
    at = end;
  }
  return texts;
}

/** The first bytes of all values, then the second ones, and so on. */
export function tryReadSplit(bytes: Uint8Array, { type, count }: WantedValues): Values | undefined {
  const width = WIDTHS[type];
  if ((type !== 'FLOAT' && type !== 'DOUBLE') || bytes.length < count * width!) return undefined;
  const joined = new Uint8Array(count * width!);
  for (let i = 0; i < count; i++)
    for (let b = 0; b < width!; b++) joined[i * width! + b] = bytes[b * count + i]!;
  return tryReadPlain(joined, { type, count });
}

/** Undefined where an index is beyond the dictionary. */
export function tryLookUp(dictionary: Values, indexes: Uint32Array): Values | undefined {
  if (indexes.some((index) => index >= dictionary.length)) return undefined;
  if (dictionary instanceof Float32Array) return Float32Array.from(indexes, (index) => dictionary[index]!);
  return Array.from(indexes, (index) => dictionary[index]!);
}

export function joinValues(parts: readonly Values[]): Values {
  if (parts.length === 1) return parts[0]!;
  if (!(parts[0] instanceof Float32Array)) return (parts as readonly (readonly string[])[]).flat();
  const out = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part as Float32Array, at);
    at += part.length;
  }
  return out;
}
