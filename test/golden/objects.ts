/**
 * One object of every kind, made from fixed numbers: the same bytes on every machine, for ever.
 */
import { bytesToHex } from '../../core/base/bytes.js';
import { headVersion, sequence } from '../../core/base/ids.js';
import type { Uid } from '../../core/base/ids.js';
import { newObject, openSealed, seal, sealJson } from '../../core/base/sealed-object.js';
import { limits } from '../../core/index.js';
import { CommitWindow } from '../../core/log/commit-window.js';
import type { WindowSnapshot } from '../../core/log/commit-window.js';
import { openWindow, sealWindow } from '../../core/log/window-codec.js';
import { decodeBatch, encodeBatch } from '../../core/log/batch-codec.js';
import { deletionBatch, NO_COUNTS, OP_HIDE } from '../../core/log/batch.js';
import type { Batch } from '../../core/log/batch.js';
import { openDocument } from '../../core/log/document-reader.js';
import { openHead, sealHead } from '../../core/log/head-codec.js';
import { firstHead, nextHead } from '../../core/log/head.js';
import type { Head, HeadEdit, Job, SegmentEntry } from '../../core/log/head.js';
import {
  batchKey,
  DEFAULT_NAMESPACE_UID,
  deletionsKey,
  entryKey,
  headCopyKey,
  headKey,
  inboxKey,
  segmentKey,
  slotKey,
  rootKey,
  windowKey,
} from '../../core/log/layout.js';
import { openRoot, sealRoot } from '../../core/log/root-codec.js';
import type { PartCopy } from '../../core/log/root-codec.js';
import { encodeRestore } from '../../core/log/restore-target.js';
import { CHAIN_START, openSlot, sealSlot } from '../../core/log/slot-codec.js';
import type { SlotBatch, SlotPlace } from '../../core/log/slot-codec.js';
import { digests, hex, uid, UUID } from './identity.js';
import type { GoldenObject } from './identity.js';
import { pastHead, restoreSlot } from './past-objects.js';
import { segmentObjects } from './segment-objects.js';

/** 2026-01-01T00:00:00Z. */
const CREATED_MS = 1_767_225_600_000;

const active: Head = firstHead({
  uid,
  nonce: hex(0x20, 16),
  namespace: DEFAULT_NAMESPACE_UID,
  name: 'papers',
  createdMs: CREATED_MS,
  schema: {
    dimension: 2,
    metric: 'cosine',
    tier: 'server',
    index: { m: 16, efConstruction: 128 },
    quantization: 'sq8',
    fields: { year: { filterable: true }, abstract: { filterable: false } },
    softDeleteDays: 30,
  },
});
const dropped = nextHead(active, hex(0x30, 16), { state: 'dropped' });

/** Its coding is said in more than a word. */
const quantized: Head = {
  ...active,
  schema: { ...active.schema, quantization: { type: 'rabitq', bits: 2 } },
};

const JOBS = [hex(0x70, 16), hex(0x71, 16), hex(0x72, 16)] as const;

const window: WindowSnapshot = {
  seq: sequence(2),
  reach: sequence(0),
  entries: [
    {
      keyHash: hex(0x50, 16),
      requestHash: hex(0x60, 32),
      seq: sequence(1),
      counts: { ...NO_COUNTS, upserted: 1 },
    },
    {
      keyHash: hex(0x51, 16),
      requestHash: hex(0x61, 32),
      seq: sequence(2),
      counts: { upserted: 6, patched: 5, missing: 4, deleted: 3, restored: 2, more: 1 },
    },
  ],
};
const sealedWindow = sealWindow(digests, windowKey(uid, JOBS[0]), window);

const segment: SegmentEntry = {
  key: segmentKey(uid, JOBS[0], 0),
  bytes: 81_920,
  tailBytes: 20_000,
  footerSha256: hex(0x80, 32),
  rows: 300,
  live: 300,
  residentBytes: 40_000,
  graph: false,
};
/** Of a whole object, and of the end of one. */
const rootCopies: readonly PartCopy[] = [
  { key: sealedWindow.ref.key, sha256: sealedWindow.ref.sha256, bytes: sealedWindow.bytes },
  {
    key: segment.key,
    sha256: segment.footerSha256,
    bytes: Uint8Array.from({ length: 309 }, (_, i) => i & 255),
  },
];
const fold: Job = {
  nonce: JOBS[0],
  inputs: [],
  fold: { from: sequence(0), to: sequence(2) },
  startedMs: CREATED_MS + 3_000,
};
/** With all that a head can have: a fold has ended, and a merge and the next fold are under way. */
const folded: Head = [
  { jobs: [fold] },
  {
    jobs: [],
    foldedSeq: sequence(2),
    foldedChain: hex(0x90, 32),
    foldedLabel: CREATED_MS + 2_000.5,
    window: sealedWindow.ref,
    segments: [
      segment,
      {
        ...segment,
        key: segmentKey(uid, JOBS[0], 1),
        live: 290,
        graph: true,
        deletions: { key: deletionsKey(uid, JOBS[0], 1), sha256: hex(0xa0, 32), dead: 10, hidden: 2 },
      },
    ],
  },
  {
    gcFloor: sequence(1),
    retainedFrom: { version: headVersion(3), seq: sequence(1) },
    jobs: [
      { nonce: JOBS[1], inputs: [segment.key], startedMs: CREATED_MS + 4_000 },
      {
        nonce: JOBS[2],
        inputs: [],
        fold: { from: sequence(2), to: sequence(5) },
        startedMs: CREATED_MS + 5_000,
      },
    ],
  },
].reduce((head: Head, edit: HeadEdit, i) => nextHead(head, hex(0x31 + i, 16), edit), active);

/** Of two states, one in the log and one that is folded in part. */
const pinned: Head = nextHead(folded, hex(0x40, 16), {
  retentionMs: 86_400_000,
  pins: [
    {
      name: 'before-import',
      version: headVersion(3),
      foldedSeq: sequence(2),
      seq: sequence(4),
      under: [],
      createdMs: CREATED_MS + 6_000,
      bytes: 2 * segment.bytes,
    },
    {
      name: 'at-2',
      version: headVersion(4),
      foldedSeq: sequence(2),
      seq: sequence(2),
      under: [],
      createdMs: CREATED_MS + 7_000,
      bytes: 2 * segment.bytes,
    },
  ],
});

/** One record with all that a record can have: the example of docs/FORMAT.md. */
const exampleBatch: Batch = {
  kinds: Uint8Array.of(0),
  ids: ['a1'],
  dimension: 2,
  vectors: Float32Array.of(0.5, -1),
  metadata: ['{"year":2020}'],
  expiresMs: Float64Array.of(CREATED_MS + 86_400_000),
};
const mixedBatch: Batch = {
  kinds: Uint8Array.of(0, 1, 0, 2),
  ids: ['é', 'gone', '\u{1f600}', 'hidden'],
  dimension: 2,
  vectors: Float32Array.of(1, 2, 3, 4),
  metadata: ['', '{"lone":"\\ud800","deep":{"list":[1,null,true]}}'],
  expiresMs: undefined,
};

function slotBatch(name: number, batch: Batch, counts: Partial<SlotBatch['counts']>): SlotBatch {
  const inline = encodeBatch(batch);
  const contentSha = Buffer.from(digests.sha256(inline)).toString('hex');
  return {
    keyHash: hex(name, 16),
    requestHash: hex(name + 0x10, 32),
    contentSha,
    counts: { ...NO_COUNTS, ...counts },
    resolvedAt: undefined,
    content: { inline },
  };
}

const firstSlot = sealSlot(digests, {
  uid,
  seq: sequence(1),
  nonce: hex(0x40, 16),
  prevChain: CHAIN_START,
  label: CREATED_MS + 1_000,
  batches: [slotBatch(0x50, exampleBatch, { upserted: 1 })],
});

const secondSlot = sealSlot(digests, {
  uid,
  seq: sequence(2),
  nonce: hex(0x41, 16),
  prevChain: firstSlot.slot.chain,
  label: CREATED_MS + 2_000.5,
  batches: [
    slotBatch(0x60, mixedBatch, { upserted: 2, deleted: 2 }),
    {
      ...slotBatch(0x61, deletionBatch(['a1'], OP_HIDE, 2), { deleted: 1, more: 1 }),
      resolvedAt: sequence(1),
    },
    {
      ...slotBatch(0x62, exampleBatch, { patched: 1, missing: 3, restored: 4 }),
      resolvedAt: sequence(0),
      content: { after: sequence(1), uuid: UUID, bytes: encodeBatch(exampleBatch).length },
    },
  ],
});

/** A batch that waits in the inbox, and slot 3, whose writer carried it, too late to count. */
const waitingKey = inboxKey(uid, sequence(2), UUID);
const waitingPlace = { kind: 'INB', key: waitingKey } as const;
const waiting = sealSlot(
  digests,
  {
    uid,
    seq: sequence(2),
    nonce: hex(0x63, 16),
    prevChain: CHAIN_START,
    label: CREATED_MS - 117_000.25,
    batches: [slotBatch(0x63, exampleBatch, { upserted: 1 })],
  },
  undefined,
  waitingPlace,
);
const carryingSlot = sealSlot(digests, {
  uid,
  seq: sequence(3),
  nonce: hex(0x43, 16),
  prevChain: secondSlot.slot.chain,
  label: CREATED_MS + 4_000,
  batches: [
    slotBatch(0x64, deletionBatch(['a1'], OP_HIDE, 2), { deleted: 1 }),
    {
      ...slotBatch(0x63, exampleBatch, { upserted: 1 }),
      carried: { after: sequence(2), uuid: UUID, label: waiting.slot.label },
    },
  ],
});

function sealBatch(key: string, batch: Batch): Uint8Array {
  const content = encodeBatch(batch);
  const object = newObject(content.length);
  object.body.set(content);
  return seal(digests, { kind: 'BAT', key }, object);
}

function entry(file: string, name: string, of: Uid | null): GoldenObject {
  const key = entryKey(DEFAULT_NAMESPACE_UID, name);
  const write = (value: unknown): Uint8Array =>
    sealJson(digests, { kind: 'ENT', key }, value, limits.catalogEntryBytes);
  return {
    file,
    key,
    bytes: write({ name, uid: of }),
    reencode: (bytes) => {
      const document = openDocument(digests, { kind: 'ENT', key }, bytes);
      return write({
        name: document.text('name', /./),
        uid: document.read(
          'uid',
          'a uid or null',
          (value): value is string | null => value === null || typeof value === 'string',
        ),
      });
    },
  };
}

function resealWindow(bytes: Uint8Array, sha256: string): Uint8Array {
  const { ref } = sealedWindow;
  const opened = CommitWindow.of(openWindow(digests, { ...ref, sha256 }, bytes));
  return sealWindow(digests, ref.key, opened.snapshot(sequence(2))).bytes;
}

const headObject = (file: string, key: string, head: Head): GoldenObject => ({
  file,
  key,
  bytes: sealHead(digests, head),
  reencode: (bytes) => sealHead(digests, openHead(digests, uid, bytes)),
});

const slotObject = (file: string, seq: number, bytes: Uint8Array, place?: SlotPlace): GoldenObject => ({
  file,
  key: place?.key ?? slotKey(uid, sequence(seq)),
  bytes,
  reencode: (stored) => {
    const slot = openSlot(digests, uid, sequence(seq), stored, place);
    const batches = slot.batches.map((batch): SlotBatch => {
      if (!('inline' in batch.content)) return batch;
      if (batch.restore !== undefined) return { ...batch, content: { inline: encodeRestore(batch.restore) } };
      const { inline } = batch.content;
      return { ...batch, content: { inline: encodeBatch(decodeBatch(inline, 2, { key: file, offset: 0 })) } };
    });
    return sealSlot(digests, { ...slot, batches }, undefined, place).bytes;
  },
});

/** A head as the first release wrote it: it names neither jobs, nor a window, nor what is retained. */
export const firstReleaseHead: { readonly file: string; readonly open: (bytes: Uint8Array) => Uint8Array } = {
  file: 'head-0.1.bin',
  open: (bytes) => sealHead(digests, openHead(digests, uid, bytes)),
};

const blobKey = batchKey(uid, sequence(1), UUID);

export const goldenObjects: readonly GoldenObject[] = [
  entry('entry.bin', 'papers', uid),
  entry('entry-vacant.bin', 'vacant', null),
  headObject('head.bin', headKey(uid), active),
  headObject('head-dropped.bin', headKey(uid), dropped),
  {
    ...headObject('head-folded.bin', headKey(uid), folded),
    reencodeOlder: (bytes) => {
      const head = openHead(digests, uid, bytes);
      return sealHead(digests, { ...head, window: { ...head.window!, sha256: sealedWindow.ref.sha256 } });
    },
  },
  { ...headObject('head-pinned.bin', headKey(uid), pinned), newIn: 1 },
  { ...headObject('head-quantized.bin', headKey(uid), quantized), newIn: 1 },
  { ...headObject('head-past.bin', headKey(uid), pastHead(active, sealedWindow.ref)), newIn: 1 },
  headObject('head-copy.bin', headCopyKey(uid, headVersion(1)), active),
  slotObject('slot.bin', 1, firstSlot.bytes),
  slotObject('slot-group.bin', 2, secondSlot.bytes),
  slotObject('slot-carrying.bin', 3, carryingSlot.bytes),
  { ...slotObject('slot-restore.bin', 4, restoreSlot(carryingSlot.slot).bytes), newIn: 1 },
  slotObject('inbox.bin', 2, waiting.bytes, waitingPlace),
  {
    file: 'window.bin',
    key: sealedWindow.ref.key,
    bytes: sealedWindow.bytes,
    reencode: (bytes) => resealWindow(bytes, sealedWindow.ref.sha256),
    reencodeOlder: (bytes) => resealWindow(bytes, bytesToHex(digests.sha256(bytes))),
  },
  {
    file: 'root.bin',
    key: rootKey(uid),
    bytes: sealRoot(digests, uid, rootCopies),
    reencode: (bytes) => sealRoot(digests, uid, [...openRoot(digests, uid, bytes).values()]),
    newIn: 1,
  },
  {
    file: 'batch.bin',
    key: blobKey,
    bytes: sealBatch(blobKey, exampleBatch),
    reencode: (bytes) => {
      const body = openSealed(digests, { kind: 'BAT', key: blobKey }, bytes);
      return sealBatch(blobKey, decodeBatch(body, 2, { key: blobKey, offset: 64 }));
    },
  },
  ...segmentObjects,
];

/** Bytes of a slot of one request: what a write of `rows` records puts. */
export function slotBytes(rows: number, dimension: number, metadata: string): number {
  const batch: Batch = {
    kinds: new Uint8Array(rows),
    ids: Array.from({ length: rows }, (_, i) => `id-${String(i).padStart(5, '0')}`),
    dimension,
    vectors: new Float32Array(rows * dimension),
    metadata: new Array<string>(rows).fill(metadata),
    expiresMs: undefined,
  };
  const inline = encodeBatch(batch);
  if (inline.length > limits.inlineBatchBytes) return sealBatch(blobKey, batch).length;
  const one = { ...slotBatch(0x50, exampleBatch, {}), content: { inline } };
  return sealSlot(digests, { ...firstSlot.slot, batches: [one] }).bytes.length;
}

export const exampleSlot: Uint8Array = firstSlot.bytes;
export const exampleKey: string = slotKey(uid, sequence(1));
