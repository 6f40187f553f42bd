/** What both formats of a part have in common: who writes one, who reads one, and what a row of it is. */
import type { RecordInput, RecordOutput } from '../../core/index.js';
import type { Place } from './file-fault.js';
import type { Written } from './folder.js';

export interface PartWriter {
  /** Bytes so far, before compression. */
  readonly size: number;
  /** Requires: records with all of their parts. */
  write(records: readonly RecordOutput[]): Promise<void>;
  /** The part is there under its name, and on disk. */
  finish(): Promise<Written>;
  abandon(): Promise<void>;
}

/** A record as a file has it. The collection checks it. */
export interface PartRow {
  readonly record: RecordInput;
  /** Soft-deleted. */
  readonly deleted: boolean;
  /** As it was read, about. */
  readonly bytes: number;
  readonly place: Place;
}

/** Throws `CairnError` with the file and the place of what is wrong. */
export type PartRows = AsyncGenerator<PartRow, void, undefined>;

/** A record without metadata reads as one with an empty object: files leave it out. */
export function metadataOf({ metadata }: RecordOutput): RecordOutput['metadata'] {
  return metadata === undefined || Object.keys(metadata).length === 0 ? undefined : metadata;
}

/** Other databases number their records. */
export function idOf(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value)))
    return String(value);
  // What is no string either is refused by the collection, by name.
  return value as string;
}
