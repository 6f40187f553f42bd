/**
 * Records as they are answered: what of them the caller wanted to see, and how large the answer becomes.
 */
import { overLimit } from '../../base/errors.js';
import { limits } from '../../base/limits.js';
import { documentOf } from '../input/index.js';
import type { Projection } from '../input/index.js';
import type { JsonObject, JsonValue, Match } from '../interface/index.js';

/**
 * Characters of a number, its comma included, and of a record's own frame. An estimate: a float that uses all of its bits
 * takes about 20 in JSON, a small integer 2 to 5.
 */
const NUMBER_BYTES = 20;
const FRAME_BYTES = 64;

/** How large one answer has become. Records of a request share one, however many queries it has. */
export class AnswerSize {
  #bytes = 0;

  /** Counts a record. Throws `limit_exceeded` before the record is made. */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > limits.answerBytes) {
      throw overLimit('answerBytes', this.#bytes, limits.answerBytes, 'answer');
    }
  }

  /** Whether one more of this size fits. */
  fits(bytes: number): boolean {
    return this.#bytes + bytes <= limits.answerBytes;
  }
}

/** A record as it was read, from wherever it lies: what the projection does not want may be missing. */
export interface StoredRow {
  readonly id: string;
  /** Empty where it is not wanted. */
  readonly vector: Float32Array;
  /** JSON text, '' for none and where it is not wanted. */
  readonly metadata: string;
  /** Infinity where the record does not expire. */
  readonly expiresMs: number;
  /** Soft-deleted. */
  readonly hidden: boolean;
}

export function recordBytes({ id, vector, metadata }: StoredRow): number {
  return FRAME_BYTES + id.length + vector.length * NUMBER_BYTES + metadata.length;
}

/** The same of a record that has not been read yet. */
export function sizeOf(
  id: string,
  metadataLength: number,
  dimension: number,
  projection: Projection,
): number {
  const metadata = projection.metadata.length > 0 ? metadataLength : 0;
  return FRAME_BYTES + id.length + vectorBytes(dimension, projection) + metadata;
}

export function vectorBytes(dimension: number, projection: Projection): number {
  return projection.vector ? dimension * NUMBER_BYTES : 0;
}

/** Throws `limit_exceeded` where the vectors alone would not fit, before they are read. */
export function mustFit(records: number, dimension: number, projection: Projection): void {
  new AnswerSize().add(records * (FRAME_BYTES + vectorBytes(dimension, projection)));
}

/** `score`: where something was measured. */
export function toRecord(row: StoredRow, projection: Projection, score?: number): Match {
  // Field by field: spreads of what may be missing made a seventh of the garbage of a query.
  const record: { -readonly [Field in keyof Match]: Match[Field] } =
    score === undefined ? { id: row.id } : { id: row.id, score };
  if (projection.vector) record.vector = Array.from(row.vector);
  const metadata = projectMetadata(row.metadata, projection.metadata);
  if (metadata !== undefined) record.metadata = metadata;
  if (projection.expiresAt && row.expiresMs !== Infinity)
    record.expiresAt = new Date(row.expiresMs).toISOString();
  if (row.hidden) record.deleted = true;
  return record;
}

function projectMetadata(text: string, wanted: Projection['metadata']): JsonObject | undefined {
  if (wanted === 'all') return documentOf(text);
  if (wanted.length === 0) return undefined;
  const document = documentOf(text);
  const out: Record<string, JsonValue> = {};
  for (const path of wanted) copyPath(document, out, path);
  return out;
}

/** Copies one path; a field that is not there stays away. A key that holds the dots itself is taken first. */
function copyPath(from: JsonObject, to: Record<string, JsonValue>, path: readonly string[]): void {
  const literal = path.join('.');
  if (path.length > 1 && Object.hasOwn(from, literal)) {
    to[literal] = from[literal]!;
    return;
  }
  const key = path[0]!;
  if (key === '__proto__' || !Object.hasOwn(from, key)) return;
  const value = from[key]!;
  if (path.length === 1) {
    to[key] = value;
    return;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  const below: Record<string, JsonValue> = { ...(Object.hasOwn(to, key) ? (to[key] as JsonObject) : {}) };
  copyPath(value as JsonObject, below, path.slice(1));
  if (Object.keys(below).length > 0) to[key] = below;
}
