/** Batches: ends of texts, kinds, counts, UTF-8. They lie in slots and in objects of their own, without checksums inside. */
import { isDeepStrictEqual } from 'node:util';
import { mustBeRecordId } from '../../../core/base/ids.js';
import { limits } from '../../../core/base/limits.js';
import { decodeBatch, encodeBatch } from '../../../core/log/batch-codec.js';
import { emptyBatch } from '../../../core/log/index.js';
import type { Batch } from '../../../core/log/index.js';
import type { Chance } from '../../log/virtual-time.js';
import { damaged } from '../byte-edits.js';
import { hexOf, mustHold, mustWork } from '../decoder.js';
import type { Decoder } from '../decoder.js';

const DIMENSION = 3;
/** Where what counts the rest ends: the vectors behind it are any numbers. */
const FRAME_BYTES = 32 + 16;
const DATE_MAX_MS = 8_640_000_000_000_000;

const ids = ['a', 'é', '\u{1f600}', 'x'.repeat(40), 'row-1', 'row-2'];
const texts = ['', '{}', '{"n":1}', '{"t":"é\u{1f600}","l":[1,null]}', `{"s":"${'y'.repeat(90)}"}`];

function sound(chance: Chance): Batch {
  const ops = chance.below(6);
  const kinds = Uint8Array.from({ length: ops }, () => chance.below(3));
  const upserts = kinds.filter((kind) => kind === 0).length;
  return {
    ...emptyBatch(DIMENSION),
    kinds,
    ids: Array.from(kinds, () => chance.pick(ids)),
    vectors: Float32Array.from({ length: upserts * DIMENSION }, (_, i) => i / 4 - 1),
    metadata: Array.from({ length: upserts }, () => chance.pick(texts)),
    expiresMs: chance.happens(0.5)
      ? Float64Array.from({ length: upserts }, () => chance.pick([Infinity, 0, 1_767_225_600_000]))
      : undefined,
  };
}

function mustBeSound(batch: Batch): void {
  for (const id of batch.ids) mustHold(isRecordId(id), `an id may not be ${JSON.stringify(id.slice(0, 40))}`);
  for (const text of batch.metadata) mustHold(text.length <= limits.metadataBytes, 'short metadata');
  for (const ms of batch.expiresMs ?? [])
    mustHold(ms === Infinity || Math.abs(ms) <= DATE_MAX_MS, `an expiry may not be ${ms}`);
  mustHold(batch.vectors.length === batch.metadata.length * DIMENSION, 'a vector of each upsert');
}

function isRecordId(id: string): boolean {
  try {
    return mustBeRecordId(id, 'id') === id;
  } catch {
    return false;
  }
}

export const batch: Decoder = {
  name: 'batch',
  refusals: ['corrupt'],
  next: (chance) => {
    const whole = encodeBatch(sound(chance));
    const rest = { offset: FRAME_BYTES, length: whole.length - FRAME_BYTES };
    const spans = [{ offset: 0, length: FRAME_BYTES }, rest, rest];
    // At any place of a larger buffer, as a store may answer.
    const bytes = damaged(chance, whole, spans);
    const shifted = new Uint8Array(bytes.length + 8).subarray(chance.below(9)).subarray(0, bytes.length);
    shifted.set(bytes.subarray(0, shifted.length));
    return {
      size: bytes.length,
      show: () => hexOf(bytes),
      run: () => {
        const place = { key: 'c/x/log/1', offset: 64 };
        const decoded = decodeBatch(shifted, DIMENSION, place);
        mustBeSound(decoded);
        const again = mustWork('to be written and read', () =>
          decodeBatch(encodeBatch(decoded), DIMENSION, place),
        );
        mustHold(isDeepStrictEqual(again, decoded), 'what was read can be written and read again');
      },
    };
  },
};
