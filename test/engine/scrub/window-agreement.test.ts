/**
 * What a window and a slot have to say of each other, by every reason for which a batch takes no effect.
 */
import { expect, test } from 'vitest';
import { sequence } from '../../../core/base/ids.js';
import type { Uid } from '../../../core/base/ids.js';
import { limits } from '../../../core/base/limits.js';
import { WindowAgreement } from '../../../core/engine/scrub/window-agreement.js';
import { NO_COUNTS } from '../../../core/log/index.js';
import type { OpenedSlot, SlotBatch } from '../../../core/log/index.js';

const key = (digit: string): string => digit.repeat(32);

function batch(digit: string, more: Partial<SlotBatch> = {}): SlotBatch {
  return {
    keyHash: key(digit),
    requestHash: digit.repeat(64),
    contentSha: '0'.repeat(64),
    counts: NO_COUNTS,
    resolvedAt: undefined,
    content: { inline: new Uint8Array(0) },
    ...more,
  };
}

function slot(seq: number, ...batches: readonly SlotBatch[]): OpenedSlot {
  const [nonce, prevChain, chain] = [key('0'), '', ''];
  const uid = key('c') as Uid;
  return { uid, seq: sequence(seq), nonce, prevChain, label: 1_000_000, batches, chain, bytesTotal: 0 };
}

const carried = (label: number): Partial<SlotBatch> => ({ carried: { after: sequence(6), uuid: '', label } });

test.each<[string, string, OpenedSlot, number, RegExp | undefined]>([
  ['its keys', 'ab', slot(7, batch('a'), batch('b')), 0, undefined],
  ['a key that is not in it', 'a', slot(7, batch('a'), batch('b')), 0, /key b+, which took effect in slot 7/],
  ['such a key, where the window has lost earlier ones', 'a', slot(7, batch('a'), batch('b')), 1, undefined],
  [
    'another request',
    'a',
    slot(7, batch('a', { requestHash: 'f'.repeat(64) })),
    0,
    /another request or result/,
  ],
  [
    'another result',
    'a',
    slot(7, batch('a', { counts: { ...NO_COUNTS, deleted: 1 } })),
    0,
    /another request or result/,
  ],
  ['a key less', 'ab', slot(7, batch('a')), 0, /2 keys of slot 7, which holds 1/],
  ['a key twice', 'a', slot(7, batch('a'), batch('a')), 0, undefined],
  ['a key of an earlier slot', '', slot(7, batch('e')), 0, undefined],
  ['a batch of another state', '', slot(7, batch('a', { resolvedAt: sequence(5) })), 0, undefined],
  ['a batch of its state', '', slot(7, batch('a', { resolvedAt: sequence(6) })), 0, /which took effect/],
  [
    'a batch that was carried too late',
    '',
    slot(7, batch('a', carried(999_999 - limits.eligibleMs))),
    0,
    undefined,
  ],
  ['a batch that was carried in time', '', slot(7, batch('a', carried(999_999))), 0, /which took effect/],
  ['a slot after it', '', slot(9, batch('a')), 0, undefined],
  ['a slot that it does not reach', '', slot(7, batch('a')), 7, undefined],
])('%s', (_, digits, opened, reach, fault) => {
  const ofSlot = digits.split('').map((digit) => ({ ...batch(digit), seq: sequence(7) }));
  const entries = reach === 7 ? [] : [{ ...batch('e'), seq: sequence(3) }, ...ofSlot];
  const found = new WindowAgreement({ seq: sequence(8), reach: sequence(reach), entries }).faultOf(opened);
  if (fault === undefined) expect(found).toBeUndefined();
  else expect(found).toMatch(fault);
});
