/**
 * The bytes of restores in slots, and of what heads know of their past. Strategy: that of `codecs.test.ts`: what is
 * written comes back, and of hostile bytes under sound checksums each is a `corrupt` error (invariant 15).
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesToHex } from '../../core/base/bytes.js';
import { headVersion, sequence } from '../../core/base/ids.js';
import type { Uid } from '../../core/base/ids.js';
import { limits } from '../../core/base/limits.js';
import { newObject, openSealed, seal, sealJson } from '../../core/base/sealed-object.js';
import { NO_COUNTS } from '../../core/log/batch.js';
import { openHead, sealHead } from '../../core/log/head-codec.js';
import type { Head } from '../../core/log/head.js';
import { headKey, segmentKey, slotKey } from '../../core/log/layout.js';
import { encodeRestore, tryDecodeRestore } from '../../core/log/restore-target.js';
import type { RestoreTarget } from '../../core/log/restore-target.js';
import { openSlot, sealSlot } from '../../core/log/slot-codec.js';
import type { SlotBatch } from '../../core/log/slot-codec.js';
import { digests, slotBatch, upsertBatch } from './fixture.js';
import { outcome } from './outcome.js';
import { b, busyHead, nonceOf, pastHead, pin, restore, uid } from './head-contents.js';

const ENTRY = 128;
const RESTORE_BYTES = 32;
/** Where the content of the only entry lies: at the next multiple of 64. */
const CONTENT = 320;
const identity = { kind: 'SLT', key: slotKey(uid, sequence(7)) } as const;

function batchOf(target: RestoreTarget): SlotBatch {
  const inline = encodeRestore(target);
  return {
    keyHash: 'ab'.repeat(16),
    requestHash: 'cd'.repeat(32),
    contentSha: bytesToHex(digests.sha256(inline)),
    counts: NO_COUNTS,
    resolvedAt: sequence(6),
    content: { inline },
    restore: target,
  };
}

function slotOf(...batches: readonly SlotBatch[]): ReturnType<typeof sealSlot> {
  const plain = { uid, seq: sequence(7), nonce: nonceOf('1'), prevChain: 'cd'.repeat(32), label: 1_000 };
  return sealSlot(digests, { ...plain, batches });
}

const open = (bytes: Uint8Array) => openSlot(digests, uid, sequence(7), bytes);

/** Writes into the body and makes every checksum right again; `length` is that of the body then. */
function forge(bytes: Uint8Array, change: (view: DataView) => void, length?: number): Uint8Array {
  const old = openSealed(digests, identity, bytes);
  const object = newObject(length ?? old.length);
  object.body.set(old.subarray(0, object.body.length));
  const { body } = object;
  change(new DataView(body.buffer, body.byteOffset, body.byteLength));
  body.set(digests.sha256(body.subarray(ENTRY, ENTRY + 160)), 88);
  return seal(digests, identity, object);
}

const target: RestoreTarget = { version: headVersion(3), seq: sequence(5), nonce: nonceOf('2') };

describe('a restore', () => {
  it('comes back, whatever it goes back to', () => {
    const nonce = fc
      .uint8Array({ minLength: 16, maxLength: 16 })
      .map((bytes) => Buffer.from(bytes).toString('hex'));
    const targets = fc.record({
      version: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }).map(headVersion),
      seq: fc.maxSafeNat().map(sequence),
      nonce,
    });
    fc.assert(
      fc.property(targets, (to) => {
        const made = slotOf(batchOf(to));
        expect(open(made.bytes)).toEqual(made.slot);
        expect(tryDecodeRestore(encodeRestore(to))).toEqual(to);
      }),
    );
  });

  it('comes back beside batches, among which it does not count', () => {
    const made = slotOf(batchOf(target), slotBatch('one', upsertBatch('a', 1)));
    expect(open(made.bytes)).toEqual(made.slot);
  });

  it('is of one length', () => {
    const bytes = encodeRestore(target);
    expect(bytes).toHaveLength(RESTORE_BYTES);
    for (let length = 0; length < RESTORE_BYTES; length++)
      expect(tryDecodeRestore(bytes.subarray(0, length))).toBeUndefined();
    expect(tryDecodeRestore(Uint8Array.of(...bytes, 0))).toBeUndefined();
  });

  const { bytes } = slotOf(batchOf(target));

  it.each([...Array(64).keys()].filter((flags) => flags !== 9))('is none with flags %i', (flags) => {
    const opened = outcome(() => open(forge(bytes, (view) => view.setUint32(ENTRY + 112, flags, true))));
    // Then it is a batch, which nobody has decoded yet.
    const isBatch = [0, 1, 4].includes(flags);
    expect(opened === 'corrupt' ? opened : opened.batches[0]!.restore).toBe(isBatch ? undefined : 'corrupt');
  });

  it.each<{ what: string; change: (view: DataView) => void; length?: number }>([
    { what: 'version 0', change: (v) => v.setBigUint64(CONTENT, 0n, true) },
    { what: 'a version past all', change: (v) => v.setBigUint64(CONTENT, 2n ** 53n, true) },
    { what: 'the last version of all', change: (v) => v.setBigUint64(CONTENT, 2n ** 64n - 1n, true) },
    { what: 'a sequence past all', change: (v) => v.setBigUint64(CONTENT + 8, 2n ** 53n, true) },
    { what: 'a tail past all', change: (v) => v.setBigUint64(ENTRY + 104, 2n ** 53n, true) },
    {
      what: 'a byte less',
      change: (v) => v.setBigUint64(ENTRY + 128, BigInt(RESTORE_BYTES - 1), true),
      length: CONTENT + RESTORE_BYTES - 1,
    },
    {
      what: 'a byte more',
      change: (v) => v.setBigUint64(ENTRY + 128, BigInt(RESTORE_BYTES + 1), true),
      length: CONTENT + RESTORE_BYTES + 1,
    },
    { what: 'nothing', change: (v) => v.setBigUint64(ENTRY + 128, 0n, true), length: CONTENT },
    { what: 'bytes past the slot', change: (v) => v.setBigUint64(ENTRY + 128, 2n ** 40n, true) },
    { what: 'bytes elsewhere', change: (v) => v.setBigUint64(ENTRY + 120, 128n, true) },
  ])('refuses $what under sound checksums', ({ change, length }) => {
    expect(outcome(() => open(forge(bytes, () => {})))).not.toBe('corrupt');
    expect(outcome(() => open(forge(bytes, change, length)))).toBe('corrupt');
  });
});

const lender = 'e'.repeat(32) as Uid;
/** With a state under its pin, a restore, a branch, and a segment and deletions of a lender. */
const full: Head = {
  ...pastHead,
  pins: [{ ...pin, under: [{ version: headVersion(1), foldedSeq: sequence(0), seq: sequence(1) }] }],
  restores: [{ ...restore, under: [{ version: pin.version, foldedSeq: pin.foldedSeq, seq: pin.seq }] }],
  origin: { parent: lender, seq: sequence(2), lenders: [lender] },
  segments: [
    busyHead.segments[0]!,
    {
      ...b,
      key: segmentKey(lender, nonceOf('1'), 1),
      deletions: { ...b.deletions!, key: b.deletions!.key.replace(uid, lender) },
    },
  ],
};

type Path = readonly (string | number)[];

/** The JSON of the head with another value at `path`, or none, sealed again. */
function forgedHead(path: Path, value: unknown): Uint8Array {
  const place = { kind: 'HED', key: headKey(uid) } as const;
  const text = new TextDecoder().decode(openSealed(digests, place, sealHead(digests, full)));
  const document = JSON.parse(text) as Record<string, unknown>;
  const parent = path
    .slice(0, -1)
    .reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], document);
  const last = path.at(-1)!;
  if (value === undefined) delete (parent as Record<string, unknown>)[last];
  else (parent as Record<string, unknown>)[last] = value;
  return sealJson(digests, place, document, limits.headBytes);
}

const openForged = (path: Path, value: unknown) =>
  outcome(() => openHead(digests, uid, forgedHead(path, value)));

const counts = [0, -1, 1.5, '1', null, 2 ** 53, undefined];
const sequences = [-1, 0.5, '0', null, 2 ** 53, undefined];
const uids = ['x', '', lender.toUpperCase(), 7, null, undefined];

describe('a head with a past', () => {
  it('comes back', () => {
    expect(openHead(digests, uid, sealHead(digests, full))).toEqual(full);
  });

  it('names only what it knows: a head without a past has none of the fields', () => {
    const text = new TextDecoder().decode(sealHead(digests, { ...busyHead, pins: [] }));
    expect(text).not.toMatch(/pins|under|restore|branches|origin/);
  });

  it.each<{ path: Path; values: readonly unknown[] }>([
    { path: ['restores'], values: [{}, [{}], [null], 'x', null, Array(limits.headRestores + 1).fill({})] },
    { path: ['restores', 0, 'nonce'], values: ['', 'AB'.repeat(16), 7, null, undefined] },
    { path: ['restores', 0, 'after'], values: [...sequences, 5] },
    { path: ['restores', 0, 'at'], values: [0, -1, 0.5, '7', null, 2 ** 53, 6, 7] },
    { path: ['restores', 0, 'version'], values: [...counts, 6] },
    { path: ['restores', 0, 'folded_seq'], values: [...sequences, 7] },
    { path: ['restores', 0, 'seq'], values: [...sequences, 4, 7] },
    {
      path: ['restores', 0, 'under'],
      values: [{}, [{}], [null], 'x', null, Array(limits.restoreDepth + 1).fill({})],
    },
    { path: ['restores', 0, 'under', 0, 'version'], values: [...counts, 6] },
    { path: ['restores', 0, 'under', 0, 'folded_seq'], values: [...sequences, 3] },
    { path: ['restores', 0, 'under', 0, 'seq'], values: sequences },
    { path: ['pins', 0, 'under'], values: [{}, [{}], 7, null, Array(limits.restoreDepth + 1).fill({})] },
    { path: ['pins', 0, 'under', 0, 'version'], values: [...counts, 6] },
    { path: ['pins', 0, 'under', 0, 'seq'], values: sequences },
    { path: ['restored_seq'], values: [-1, 0.5, '0', null, 2 ** 53, 6] },
    { path: ['branches'], values: [{}, [{}], [null], 'x', null, Array(limits.headBranches + 1).fill({})] },
    { path: ['branches', 0, 'uid'], values: [...uids, uid] },
    { path: ['branches', 0, 'version'], values: [...counts, 5] },
    { path: ['branches', 0, 'folded_seq'], values: sequences },
    { path: ['branches', 0, 'created_ms'], values: ['now', null, 1e300, 9e15, undefined] },
    // Without an origin the head names what is nobody's.
    { path: ['origin'], values: [[], 'x', null, {}, undefined] },
    { path: ['origin', 'parent'], values: uids },
    { path: ['origin', 'seq'], values: sequences },
    {
      path: ['origin', 'lenders'],
      values: [
        {},
        'x',
        null,
        undefined,
        [],
        [7],
        ['x'],
        [lender, lender],
        [lender, uid],
        [...Array(limits.branchDepth + 1).keys()].map((i) => i.toString(16).padStart(32, '0')),
      ],
    },
    {
      path: ['segments', 1, 'key'],
      values: [segmentKey('d'.repeat(32) as Uid, nonceOf('1'), 1), `c/${lender}/head`],
    },
    {
      path: ['segments', 1, 'deletions', 'key'],
      values: [b.deletions!.key.replace(uid, 'd'.repeat(32)), segmentKey(lender, nonceOf('1'), 1)],
    },
    { path: ['window', 'key'], values: [busyHead.window!.key.replace(uid, lender)] },
    { path: ['jobs', 0, 'inputs'], values: [[segmentKey('d'.repeat(32) as Uid, nonceOf('1'), 0)]] },
  ])('refuses $path that is not one', ({ path, values }) => {
    for (const value of values) expect([value, openForged(path, value)]).toEqual([value, 'corrupt']);
  });
});
