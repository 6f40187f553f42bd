/**
 * What a patch makes of a record, and how much of a patch by filter one call takes.
 */
import { limits, tierLimits } from '../../base/limits.js';
import { compileFilter } from '../../filter/index.js';
import type { DocumentTest } from '../../filter/index.js';
import { upsertBytes, UPSERTS_FRAME_BYTES } from '../../log/index.js';
import type { CollectionSchema } from '../../log/index.js';
import { mergePatch, metadataToText, mustBeStorable, sameJson } from '../input/index.js';
import type { ParsedFilterPatch } from '../input/index.js';
import type { JsonObject, PatchMode } from '../interface/index.js';

/** Null: no metadata. Throws `corrupt` where the document is none that a writer can have left. */
export function patchedMetadata(
  document: JsonObject,
  patch: JsonObject | null,
  mode: PatchMode,
): JsonObject | null {
  if (mode === 'replace' || patch === null) return patch;
  mustBeStorable(document);
  return mergePatch(document, patch);
}

/**
 * A patch of all that match a filter. A record that is already as the patch would leave it is none of those that it
 * changes: so a call goes on where the one before it ended, though the filter may hold after the patch as before.
 */
export class FilterPatch {
  readonly #matches: DocumentTest;
  readonly #patch: ParsedFilterPatch;

  constructor(patch: ParsedFilterPatch) {
    this.#matches = compileFilter(patch.filter);
    this.#patch = patch;
  }

  /** The metadata that a record is left with; undefined where it is left alone. Throws `limit_exceeded`. */
  tryChange(id: string, document: JsonObject): string | undefined {
    if (!this.#matches(document)) return undefined;
    const changed = patchedMetadata(document, this.#patch.metadata, this.#patch.mode);
    if (sameJson(document, changed ?? {})) return undefined;
    // Two metadata within the limits may merge into one that is not.
    return metadataToText(changed, `record ${JSON.stringify(id)}`);
  }
}

/**
 * What one call changes at most: as many records as a batch may name, and no more bytes than a slot may have. Nor more than
 * the half of its log that a tier leaves free, else the log would never have room for it.
 */
export class PatchRoom {
  readonly #dimension: number;
  #records = limits.batchRecords;
  #bytes: number;

  constructor({ dimension, tier }: CollectionSchema) {
    this.#dimension = dimension;
    this.#bytes = Math.min(limits.slotBytes, tierLimits[tier].foldAt.bytes) - UPSERTS_FRAME_BYTES;
  }

  /** False where the room is used up. */
  tryTake(id: string, metadata: string): boolean {
    this.#records -= 1;
    this.#bytes -= upsertBytes(id, metadata, this.#dimension);
    return this.#records >= 0 && this.#bytes >= 0;
  }
}
