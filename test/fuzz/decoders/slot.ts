/**
 * Slots and what waits in the inbox, which has the same body: header, entries, and that they lie over the contents as they
 * say. The hash over the entries is made right again for the most part.
 */
import { isDeepStrictEqual } from 'node:util';
import { sequence } from '../../../core/base/ids.js';
import type { Sequence } from '../../../core/base/ids.js';
import { limits } from '../../../core/base/limits.js';
import { openSlot, sealSlot } from '../../../core/log/slot-codec.js';
import type { OpenedSlot, SlotBatch, SlotPlace } from '../../../core/log/slot-codec.js';
import type { Chance } from '../../log/virtual-time.js';
import { damaged } from '../byte-edits.js';
import { hexOf, mustHold, mustWork } from '../decoder.js';
import type { Decoder } from '../decoder.js';
import { digests, sealedAs, seedOf, uid } from '../forge.js';
import type { Seed } from '../forge.js';

const HEADER_BYTES = 128;
const ENTRY_BYTES = 160;
const PAYLOAD_AT = 88;

interface SlotSeed extends Seed {
  readonly seq: Sequence;
}

const seeds: readonly SlotSeed[] = [
  { ...seedOf('slot.bin', 'SLT'), seq: sequence(1) },
  { ...seedOf('slot-group.bin', 'SLT'), seq: sequence(2) },
  { ...seedOf('slot-carrying.bin', 'SLT'), seq: sequence(3) },
  { ...seedOf('slot-restore.bin', 'SLT'), seq: sequence(4) },
  { ...seedOf('inbox.bin', 'INB'), seq: sequence(2) },
];

/** SHA-256 over as many entries as the header says, where there are so many. */
function withPayloadHash(body: Uint8Array): void {
  if (body.length < HEADER_BYTES) return;
  const count = new DataView(body.buffer, body.byteOffset).getUint32(16, true);
  const end = HEADER_BYTES + ENTRY_BYTES * count;
  if (end <= body.length) body.set(digests.sha256(body.subarray(HEADER_BYTES, end)), PAYLOAD_AT);
}

function isSequence(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function mustBeSound(batch: SlotBatch): void {
  const { content, resolvedAt, carried, restore } = batch;
  mustHold(resolvedAt === undefined || isSequence(resolvedAt), 'resolvedAt is a sequence');
  mustHold(carried === undefined || (isSequence(carried.after) && Number.isFinite(carried.label)), 'carried');
  const goesBack = restore === undefined || (isSequence(restore.seq) && restore.version >= 1);
  mustHold(goesBack, 'a state to go back to');
  mustHold(restore === undefined || (resolvedAt !== undefined && 'inline' in content), 'a restore');
  if ('inline' in content) return;
  mustHold(isSequence(content.after) && content.bytes <= limits.batchBlobBytes, 'a named batch');
}

/** What was read can be written and read again. */
function mustComeBack(slot: OpenedSlot, place: SlotPlace): void {
  const again = mustWork('to be written and read', () =>
    openSlot(digests, uid, slot.seq, sealSlot(digests, slot, undefined, place).bytes, place),
  );
  mustHold(isDeepStrictEqual(again.batches, slot.batches), 'the batches come back');
  mustHold(again.label === slot.label && again.nonce === slot.nonce, 'label and nonce come back');
}

export const slot: Decoder = {
  name: 'slot',
  refusals: ['corrupt'],
  next: (chance: Chance) => {
    const { kind, key, body, seq } = chance.pick(seeds);
    const entries = {
      offset: HEADER_BYTES,
      length: Math.min(body.length, 3 * ENTRY_BYTES + 128) - HEADER_BYTES,
    };
    const bytes = damaged(chance, body, [{ offset: 0, length: HEADER_BYTES }, entries, entries]);
    if (chance.happens(0.9)) withPayloadHash(bytes);
    const place = { kind: kind as SlotPlace['kind'], key };
    return {
      size: bytes.length,
      show: () => `${kind} ${hexOf(bytes)}`,
      run: () => {
        const opened = openSlot(digests, uid, seq, sealedAs(kind, key, bytes), place);
        mustHold(opened.batches.length >= 1 && opened.batches.length <= limits.keysPerSlot, 'batches');
        opened.batches.forEach(mustBeSound);
        mustComeBack(opened, place);
      },
    };
  },
};
