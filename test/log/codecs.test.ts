/**
 * The bytes of batches, slots, heads and entries. Strategy: what is written comes back (properties); then hostile bytes:
 * every single bit of small objects flipped, every length cut, objects of one kind exchanged, and fields forged under
 * sound checksums. Whatever is done ends as a `corrupt` error that names key and offset, or as the value that was
 * written; never as another value or another exception (invariant 15).
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { headVersion, sequence } from '../../core/base/ids.js';
import type { Uid } from '../../core/base/ids.js';
import { newObject, openSealed, seal, sealJson } from '../../core/base/sealed-object.js';
import { NO_COUNTS, OP_DELETE, OP_HIDE, OP_UPSERT } from '../../core/log/batch.js';
import type { Batch } from '../../core/log/batch.js';
import { decodeBatch, encodeBatch } from '../../core/log/batch-codec.js';
import { openDocument } from '../../core/log/document-reader.js';
import { openHead, sealHead } from '../../core/log/head-codec.js';
import { firstHead, nextHead } from '../../core/log/head.js';
import type { Head } from '../../core/log/head.js';
import { DEFAULT_NAMESPACE_UID, headKey, slotKey } from '../../core/log/layout.js';
import { CHAIN_START, openSlot, sealSlot } from '../../core/log/slot-codec.js';
import type { Slot, SlotBatch } from '../../core/log/slot-codec.js';
import { digests, schema, slotBatch, upsertBatch } from './fixture.js';
import { outcome } from './outcome.js';

const uid = '0123456789abcdef0123456789abcdef' as Uid;
const place = { key: 'c/x/log/1', offset: 64 };

/** Opens every bit flip and every cut of `bytes`: each must be corrupt. */
function expectNoDamageToPass(bytes: Uint8Array, open: (damaged: Uint8Array) => unknown): void {
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const copy = bytes.slice();
    copy[bit >> 3]! ^= 1 << (bit & 7);
    if (outcome(() => open(copy)) !== 'corrupt') expect.fail(`bit ${bit} flipped was taken for sound`);
  }
  for (let length = 0; length < bytes.length; length++) {
    if (outcome(() => open(bytes.slice(0, length))) !== 'corrupt') expect.fail(`${length} bytes were enough`);
  }
  expect(outcome(() => open(new Uint8Array([...bytes, 0])))).toBe('corrupt');
}

interface Operation {
  readonly kind: 0 | 1 | 2;
  readonly id: string;
  readonly vector: readonly number[];
  readonly metadata: string;
  readonly expires: number;
}

const operation: fc.Arbitrary<Operation> = fc.record({
  kind: fc.constantFrom(OP_UPSERT, OP_DELETE, OP_HIDE),
  id: fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
  vector: fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 3, maxLength: 3 }),
  metadata: fc.oneof(fc.constant(''), fc.json()),
  expires: fc.oneof(fc.constant(Infinity), fc.integer({ min: 0, max: 2 ** 45 })),
});

function toBatch(operations: readonly Operation[], expiring: boolean): Batch {
  const upserts = operations.filter(({ kind }) => kind === OP_UPSERT);
  return {
    kinds: Uint8Array.from(operations, ({ kind }) => kind),
    ids: operations.map(({ id }) => id),
    dimension: 3,
    vectors: Float32Array.from(upserts.flatMap(({ vector }) => vector)),
    metadata: upserts.map(({ metadata }) => metadata),
    expiresMs: expiring ? Float64Array.from(upserts, ({ expires }) => expires) : undefined,
  };
}

const batches = fc
  .tuple(fc.array(operation, { maxLength: 12 }), fc.boolean())
  .map(([operations, expiring]) => toBatch(operations, expiring));

describe('a batch', () => {
  it('comes back, wherever in a buffer it lies', () => {
    fc.assert(
      fc.property(batches, fc.nat(9), (batch, offset) => {
        const bytes = encodeBatch(batch);
        const larger = new Uint8Array(bytes.length + offset);
        larger.set(bytes, offset);
        expect(decodeBatch(larger.subarray(offset), 3, place)).toEqual(batch);
      }),
    );
  });

  it('refuses every other length', () => {
    fc.assert(
      fc.property(batches, fc.nat(1_000), (batch, cut) => {
        const bytes = encodeBatch(batch);
        const length = cut % bytes.length;
        expect(outcome(() => decodeBatch(bytes.slice(0, length), 3, place))).toBe('corrupt');
        expect(outcome(() => decodeBatch(new Uint8Array([...bytes, 0]), 3, place))).toBe('corrupt');
      }),
    );
  });

  it('without checksums, with any bytes: a batch or a corrupt error, and no memory beyond its own size', () => {
    const small = encodeBatch(upsertBatch('id', 1, '{"a":1}'));
    for (let at = 0; at < small.length; at++) {
      for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
        const copy = small.slice();
        copy[at] = value;
        outcome(() => decodeBatch(copy, 1, place));
      }
    }
    for (const at of [0, 4, 16, 20]) {
      for (const value of [2 ** 32 - 1, 2 ** 31, 2 ** 28]) {
        const copy = small.slice();
        new DataView(copy.buffer).setUint32(at, value, true);
        expect(outcome(() => decodeBatch(copy, 1, place))).toBe('corrupt');
      }
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        outcome(() => decodeBatch(bytes, 1, place));
      }),
    );
  });

  it.each([
    { what: 'a kind that is none', at: 48, bytes: [3] },
    { what: 'a deletion where an upsert was counted', at: 48, bytes: [OP_DELETE] },
    { what: 'another dimension', at: 32, bytes: [2] },
    { what: 'two fields', at: 8, bytes: [2] },
    { what: 'an unknown flag', at: 12, bytes: [2] },
    { what: 'another field name', at: 40, bytes: [0x56] },
    { what: 'an id that ends past its bytes', at: 52, bytes: [3] },
    { what: 'an id that is no UTF-8', at: 64, bytes: [0xff] },
    { what: 'an id of no bytes', at: 52, bytes: [0] },
  ])('refuses $what', ({ at, bytes }) => {
    const batch = encodeBatch(upsertBatch('id', 1));
    batch.set(bytes, at);
    expect(outcome(() => decodeBatch(batch, 1, place))).toBe('corrupt');
  });

  it.each([
    { what: 'an empty id', change: { ids: [''] } },
    { what: 'an expiry that is no number', change: { expiresMs: Float64Array.of(Number.NaN) } },
    { what: 'an expiry that no date is', change: { expiresMs: Float64Array.of(8.65e15) } },
    { what: 'an expiry before all dates', change: { expiresMs: Float64Array.of(-Infinity) } },
  ])('refuses $what', ({ change }) => {
    const bytes = encodeBatch({ ...upsertBatch('id', 1), ...change });
    expect(outcome(() => decodeBatch(bytes, 1, place))).toBe('corrupt');
  });

  it('names the offset in the object, not in itself', () => {
    const bytes = encodeBatch(upsertBatch('id', 1));
    bytes[48] = 9;
    expect(() => decodeBatch(bytes, 1, place)).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ key: place.key, offset: 64 + 48 }) }),
    );
  });
});

const slot: Slot = {
  uid,
  seq: sequence(7),
  nonce: 'ab'.repeat(16),
  prevChain: 'cd'.repeat(32),
  label: 1_767_225_600_000.5,
  batches: [
    slotBatch('one', upsertBatch('a', 1)),
    { ...slotBatch('two', upsertBatch('b', 2), { resolvedAt: 6 }), counts: { ...NO_COUNTS, more: 1 } },
    {
      ...slotBatch('three', upsertBatch('c', 3)),
      content: { after: sequence(6), uuid: '01234567-89ab-4def-8123-456789abcdef', bytes: 9_000_000 },
    },
  ],
};

const open = (bytes: Uint8Array, seq: number = 7) => openSlot(digests, uid, sequence(seq), bytes);

/** Writes into the body of a sealed slot and makes every checksum right again, the payload hash included. */
function forge(bytes: Uint8Array, change: (body: Uint8Array, view: DataView) => void, count = 3): Uint8Array {
  const identity = { kind: 'SLT', key: slotKey(uid, sequence(7)) } as const;
  const old = openSealed(digests, identity, bytes);
  const object = newObject(old.length);
  object.body.set(old);
  const { body } = object;
  change(body, new DataView(body.buffer, body.byteOffset, body.byteLength));
  body.set(digests.sha256(body.subarray(128, 128 + 160 * count)), 88);
  return seal(digests, identity, object);
}

describe('a slot', () => {
  const sealed = sealSlot(digests, slot);

  it('comes back with its chain and the bytes that it stands for', () => {
    const opened = open(sealed.bytes);
    expect(opened).toEqual(sealed.slot);
    expect(opened.bytesTotal).toBe(sealed.bytes.length + 9_000_000);
    expect(opened.chain).toMatch(/^[0-9a-f]{64}$/);
  });

  it('comes back whatever is in it', () => {
    const hex = (bytes: number) =>
      fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((b) => Buffer.from(b).toString('hex'));
    const count = fc.nat(2 ** 32 - 1);
    const batch: fc.Arbitrary<SlotBatch> = fc.record({
      keyHash: hex(16),
      requestHash: hex(32),
      contentSha: hex(32),
      counts: fc.record({
        upserted: count,
        patched: count,
        missing: count,
        deleted: count,
        restored: count,
        more: count,
      }),
      resolvedAt: fc.option(fc.maxSafeNat().map(sequence), { nil: undefined }),
      content: fc.uint8Array({ maxLength: 200 }).map((inline) => ({ inline })),
    });
    const many = fc.array(batch, { minLength: 1, maxLength: 256 });
    fc.assert(
      fc.property(many, hex(16), hex(32), fc.maxSafeNat(), (all, nonce, prevChain, label) => {
        const made = sealSlot(digests, { ...slot, nonce, prevChain, label, batches: all });
        expect(open(made.bytes)).toEqual(made.slot);
      }),
      { numRuns: 40 },
    );
  });

  it('has a chain that depends on what came before it and on everything in it', () => {
    const changed: Partial<Slot>[] = [
      { prevChain: CHAIN_START },
      { nonce: '0'.repeat(32) },
      { label: slot.label + 1 },
      { seq: sequence(8) },
      { batches: slot.batches.slice(1) },
      { batches: [slotBatch('one', upsertBatch('a', 2)), ...slot.batches.slice(1)] },
    ];
    const chains = changed.map((change) => sealSlot(digests, { ...slot, ...change }).slot.chain);
    expect(new Set([sealed.slot.chain, ...chains]).size).toBe(changed.length + 1);
  });

  it('passes no damage on', () => {
    expectNoDamageToPass(sealed.bytes, (bytes) => open(bytes));
  });

  it('is not taken for another: swapped, of another collection, of another kind', () => {
    const eighth = sealSlot(digests, { ...slot, seq: sequence(8) });
    expect(outcome(() => open(eighth.bytes, 7))).toBe('corrupt');
    expect(outcome(() => open(sealed.bytes, 8))).toBe('corrupt');
    const other = sealSlot(digests, { ...slot, uid: 'f'.repeat(32) as Uid });
    expect(outcome(() => open(other.bytes))).toBe('corrupt');
    expect(outcome(() => openHead(digests, uid, sealed.bytes))).toBe('corrupt');
  });

  it.each<{ what: string; change: (body: Uint8Array, view: DataView) => void }>([
    { what: 'no batches', change: (_, v) => v.setUint32(16, 0, true) },
    { what: 'more batches than there is room for', change: (_, v) => v.setUint32(16, 200, true) },
    { what: 'more batches than a slot may have', change: (_, v) => v.setUint32(16, 257, true) },
    { what: 'four thousand million batches', change: (_, v) => v.setUint32(16, 2 ** 32 - 1, true) },
    { what: 'another sequence', change: (_, v) => v.setBigUint64(0, 8n, true) },
    { what: 'a label that is no number', change: (_, v) => v.setFloat64(8, Number.NaN, true) },
    { what: 'a label without end', change: (_, v) => v.setFloat64(8, Infinity, true) },
    { what: 'another collection', change: (b) => b.set([9], 24) },
    { what: 'an unknown flag', change: (_, v) => v.setUint32(128 + 112, 8, true) },
    { what: 'carried and computed from a state', change: (_, v) => v.setUint32(128 + 112, 5, true) },
    {
      what: 'a content that ends past the slot',
      change: (_, v) => v.setBigUint64(128 + 128, 100_000n, true),
    },
    {
      what: 'a content of 2^64 - 1 bytes',
      change: (_, v) => v.setBigUint64(128 + 128, 2n ** 64n - 1n, true),
    },
    {
      what: 'a content that starts past the slot',
      change: (_, v) => v.setBigUint64(128 + 120, 2n ** 40n, true),
    },
    { what: 'a content askew', change: (_, v) => v.setBigUint64(128 + 120, 641n, true) },
    { what: 'a content over the entries', change: (_, v) => v.setBigUint64(128 + 120, 64n, true) },
    {
      what: 'two batches with one content',
      change: (b, v) =>
        v.setBigUint64(288 + 120, new DataView(b.buffer, b.byteOffset).getBigUint64(248, true), true),
    },
    { what: 'an object of 2^63 bytes', change: (_, v) => v.setBigUint64(448 + 128, 2n ** 63n, true) },
    { what: 'a state past all sequences', change: (_, v) => v.setBigUint64(288 + 104, 2n ** 53n, true) },
    {
      what: 'an object from after all slots',
      change: (_, v) => v.setBigUint64(448 + 152, 2n ** 64n - 1n, true),
    },
  ])('refuses $what under sound checksums', ({ change }) => {
    expect(outcome(() => open(forge(sealed.bytes, change)))).toBe('corrupt');
  });

  it('refuses bytes that belong to no batch', () => {
    const { bytes } = sealSlot(digests, { ...slot, batches: [slot.batches[2]!] });
    const identity = { kind: 'SLT', key: slotKey(uid, sequence(7)) } as const;
    const body = openSealed(digests, identity, bytes);
    const object = newObject(body.length + 64);
    object.body.set(body);
    expect(outcome(() => open(seal(digests, identity, object)))).toBe('corrupt');
  });

  it('refuses to be made too large', () => {
    const content = { inline: new Uint8Array(limits.slotBytes) };
    const batch = { ...slot.batches[0]!, content };
    expect(() => sealSlot(digests, { ...slot, batches: [batch] })).toThrow(
      expect.objectContaining({ code: 'limit_exceeded' }),
    );
  });
});

const first: Head = firstHead({
  uid,
  nonce: 'ab'.repeat(16),
  namespace: DEFAULT_NAMESPACE_UID,
  name: 'papers',
  createdMs: 1_767_225_600_000,
  schema: { ...schema, fields: { year: { filterable: true }, ['__proto__']: { filterable: false } } },
});

/** The JSON of a head, changed and sealed again. */
function forgedHead(change: (document: Record<string, unknown>) => void): Uint8Array {
  const identity = { kind: 'HED', key: headKey(uid) } as const;
  const text = new TextDecoder().decode(openSealed(digests, identity, sealHead(digests, first)));
  const document = JSON.parse(text) as Record<string, unknown>;
  change(document);
  return sealJson(digests, identity, document, limits.headBytes);
}

describe('a head', () => {
  it('comes back', () => {
    let head = first;
    for (let i = 0; i < 70; i++) head = nextHead(head, i.toString(16).padStart(32, '0'), {});
    expect(head.nonces).toHaveLength(limits.headNonces);
    expect(head.version).toBe(71);
    const opened = openHead(digests, uid, sealHead(digests, head));
    const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
    expect(plain(opened)).toEqual(plain(head));
    expect(opened.schema.dimension).toBe(1);
    expect(Object.keys(opened.schema.fields)).toContain('year');
  });

  it('passes no damage on', () => {
    expectNoDamageToPass(sealHead(digests, first), (bytes) => openHead(digests, uid, bytes));
  });

  it('is not taken for another collection', () => {
    const other = 'f'.repeat(32) as Uid;
    expect(outcome(() => openHead(digests, other, sealHead(digests, first)))).toBe('corrupt');
    expect(
      outcome(() =>
        openHead(
          digests,
          uid,
          forgedHead((d) => (d['uid'] = other)),
        ),
      ),
    ).toBe('corrupt');
  });

  it.each<{ field: string; values: readonly unknown[] }>([
    { field: 'version', values: [0, -1, 1.5, '1', null, 2 ** 53, undefined] },
    { field: 'nonce', values: ['', 'AB'.repeat(16), 7, ['ab'.repeat(16)]] },
    { field: 'nonces', values: [{}, ['x'], [['ab'.repeat(16)]], Array(65).fill('ab'.repeat(16)), undefined] },
    { field: 'state', values: ['gone', 'Active', undefined, 1] },
    { field: 'namespace', values: ['x', undefined] },
    { field: 'name', values: ['', '../x', 'a'.repeat(129), '__proto__', 5] },
    { field: 'created_ms', values: ['now', null, 1e300, 9e15, undefined] },
    { field: 'folded_seq', values: [-1, 0.5, '0', 2 ** 53] },
    { field: 'folded_chain', values: ['0', 'g'.repeat(64), undefined] },
    { field: 'folded_label', values: [null, 'x', undefined] },
    { field: 'gc_floor', values: [-1, 1, '0', undefined] },
    { field: 'segments', values: [[{}], {}, undefined] },
    { field: 'pins', values: [[{}], {}, 'x', null] },
    { field: 'retention_ms', values: [-1, 0.5, '0', 1e12] },
    { field: 'schema', values: [null, [], {}, 'x'] },
  ])('refuses $field that is not one', ({ field, values }) => {
    for (const value of values) {
      const bytes = forgedHead((document) => {
        if (value === undefined) delete document[field];
        else document[field] = value;
      });
      expect([value, outcome(() => openHead(digests, uid, bytes))]).toEqual([value, 'corrupt']);
    }
  });

  it.each<{ field: string; values: readonly unknown[] }>([
    { field: 'dimension', values: [0, 20_001, 1.5, '1'] },
    { field: 'metric', values: ['l2', 'constructor'] },
    { field: 'tier', values: ['huge'] },
    {
      field: 'quantization',
      values: [
        ...['sq4', null, [], { type: 'sq4' }, { type: 'rabitq', bits: 3 }, { type: 'rabitq', bits: '1' }],
        ...[
          { type: 'pq', compression: 4 },
          { type: 'pq', bits: 1 },
          { type: 'rabitq', compression: 8 },
        ],
        ...[{ type: 'sq8', bits: 1 }, { bits: 1 }, { type: 'rabitq', bits: 2, more: 1 }],
      ],
    },
    { field: 'soft_delete_days', values: [-1, 1e9] },
    { field: 'index', values: [null, { m: 3, ef_construction: 128 }, { m: 16 }] },
    { field: 'fields', values: [[], { a: null }, { a: { filterable: 1 } }, { a: {} }] },
  ])('refuses a schema with $field that is not one', ({ field, values }) => {
    for (const value of values) {
      const bytes = forgedHead((d) => ((d['schema'] as Record<string, unknown>)[field] = value));
      expect([value, outcome(() => openHead(digests, uid, bytes))]).toEqual([value, 'corrupt']);
    }
  });

  it('refuses what is no JSON and no UTF-8', () => {
    for (const text of ['', '{', 'null', '[]', '"x"', '{"uid":']) {
      const object = newObject(text.length);
      object.body.set(new TextEncoder().encode(text));
      const bytes = seal(digests, { kind: 'HED', key: headKey(uid) }, object);
      expect(outcome(() => openHead(digests, uid, bytes))).toBe('corrupt');
    }
    const object = newObject(2);
    object.body.set([0xc3, 0x28]);
    const bytes = seal(digests, { kind: 'HED', key: headKey(uid) }, object);
    expect(outcome(() => openHead(digests, uid, bytes))).toBe('corrupt');
  });

  it('never goes back: a bug of ours is caught before the swap', () => {
    const dropped = nextHead(first, '1'.repeat(32), { state: 'dropped' });
    expect(() => nextHead(dropped, '2'.repeat(32), { state: 'active' })).toThrow(
      expect.objectContaining({ kind: 'internal' }),
    );
    const bad = { ...first, foldedSeq: sequence(3), gcFloor: sequence(4), version: headVersion(9) };
    expect(() => nextHead(bad, '2'.repeat(32), {})).toThrow(expect.objectContaining({ kind: 'internal' }));
  });
});

describe('an entry', () => {
  const key = 'catalog/0/00';
  const bytes = sealJson(digests, { kind: 'ENT', key }, { name: 'x', uid }, limits.catalogEntryBytes);

  it('passes no damage on', () => {
    expectNoDamageToPass(bytes, (damaged) => openDocument(digests, { kind: 'ENT', key }, damaged));
  });

  it('is not taken for that of another name', () => {
    expect(outcome(() => openDocument(digests, { kind: 'ENT', key: 'catalog/0/01' }, bytes))).toBe('corrupt');
  });

  it('inherits nothing', () => {
    const document = openDocument(digests, { kind: 'ENT', key }, bytes);
    const anything = (value: unknown): value is string => value !== undefined;
    for (const name of ['constructor', '__proto__', 'toString']) {
      expect(outcome(() => document.read(name, 'something', anything))).toBe('corrupt');
      expect(outcome(() => document.object(name))).toBe('corrupt');
    }
  });
});
