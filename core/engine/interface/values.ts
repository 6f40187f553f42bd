/** What requests and answers are made of. */
/** A JSON value as metadata holds it. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** One vector: numbers, 32-bit floats, or base64 of little-endian 32-bit floats. Length = the collection's dimension. */
export type VectorInput = Float32Array | readonly number[] | string;

export type FilterInput = string | JsonObject;

/** At most 100 of `metadata`, `vector`, `expires_at`, or a metadata field as `metadata.path`. */
export type Include = readonly string[];
