/**
 * Folds for the tests of reads: a log's records go into segments as a compactor would put them there, by the segment
 * writer and the index builder themselves, and a swap of the head names them.
 */
import { MemoryAccount, MemoryPart } from '../../../core/base/memory-account.js';
import { tierLimits } from '../../../core/base/limits.js';
import type { Uid } from '../../../core/base/ids.js';
import { Table } from '../../../core/engine/table/index.js';
import { SegmentStore } from '../../../core/engine/segments/index.js';
import type { RecallCurve } from '../../../core/engine/segments/index.js';
import { IndexBuilder, RangeTrainer } from '../../../core/index/index.js';
import { compileEmbeddedKernel, createDigests, Kernel } from '../../../core/kernel/index.js';
import {
  CollectionLog,
  sealWindow,
  segmentKey,
  deletionsKey,
  beginJob,
  commitJob,
  windowKey,
} from '../../../core/log/index.js';
import type { CollectionSchema, LogContext, LogState, SegmentEntry } from '../../../core/log/index.js';
import {
  FilterCache,
  portableDeflate,
  encodeDeletions,
  rowMaps,
  SegmentWriter,
} from '../../../core/segment/index.js';
import { bytesToHex } from '../../../core/base/bytes.js';
import { PageCache } from '../../../core/store/index.js';
import type { ObjectStore } from '../../../core/store/index.js';
import { systemSleep } from '../../../core/system-ports.js';
import { seededRandom } from '../fixture.js';
import type { TestClock } from '../fixture.js';

export const kernel: Kernel = new Kernel(await compileEmbeddedKernel(), {
  memoryBudgetBytes: 512 * 1024 * 1024,
});
const random = seededRandom(4);

export interface FoldedRecord {
  readonly id: string;
  readonly vector: Float32Array;
  readonly metadata: string;
  readonly expiresMs: number;
  readonly hidden: boolean;
}

export interface FoldOptions {
  readonly store: ObjectStore;
  readonly clock: TestClock;
  /** Segments that this fold makes of the log's records. */
  readonly parts?: number;
  readonly graph?: boolean;
  readonly curve?: RecallCurve;
}

export interface OpenState {
  readonly context: LogContext;
  readonly state: LogState<Table>;
  readonly close: () => void;
}

/** The one collection in the store, caught up. */
export async function openState({ store, clock }: Pick<FoldOptions, 'store' | 'clock'>): Promise<OpenState> {
  const [head] = (await store.list('c/')).filter(({ key }) => key.endsWith('/head'));
  const uid = head!.key.split('/')[1] as Uid;
  const ports = {
    clock,
    random,
    sleep: systemSleep,
    digests: createDigests(kernel),
    deflate: portableDeflate,
  };
  const context: LogContext = { store, ports, uid };
  const cache = new PageCache({ budgetBytes: 16_777_216 });
  const segments = new SegmentStore({
    kernel,
    ports,
    cache,
    shareRequests: false,
    background: false,
    reads: tierLimits.edge,
    tails: new MemoryPart(new MemoryAccount()),
    filters: new FilterCache(65_536),
  });
  const log = new CollectionLog<Table>({
    context,
    newSink: (at) => new Table({ kernel, segments, store, head: at }),
    shareReads: false,
  });
  const state = await log.read('strong', (current) => current);
  await state.sink.catchUp();
  const close = (): void => {
    log.release();
    segments.close();
  };
  return { context, state, close };
}

/** Folds all of the log. */
export async function fold(options: FoldOptions): Promise<void> {
  const { store, parts = 1 } = options;
  const { context, state, close } = await openState(options);
  const { ports, uid } = context;
  const { seq, label, chain } = state.pointAt(state.position.seq);
  const begun = await beginJob(context, {
    restoredSeq: state.base.restoredSeq,
    inputs: [],
    fold: { from: state.base.foldedSeq, to: seq },
  });
  const { nonce } = begun!.job;
  const named = [...(await foldDeletions(context, state, nonce))];
  const records = recordsOf(state);
  for (let part = 0; part < parts; part++) {
    const own = records.filter((_, i) => i % parts === part);
    if (own.length > 0) named.push(await writeSegment(context, state, own, { ...options, nonce, part }));
  }
  const window = sealWindow(ports.digests, windowKey(uid, nonce), state.window.snapshot(seq));
  await store.put(window.ref.key, window.bytes, { if: 'any' });
  await commitJob(context, begun!.job, () => ({
    ...{ foldedSeq: seq, foldedLabel: label, foldedChain: chain },
    ...{ segments: named, window: window.ref },
  }));
  close();
}

/** What a merge does to one segment: its records lie under another key. Requires: none of them was deleted. */
export async function rewriteSegment(options: FoldOptions, key: string): Promise<void> {
  const { context, state, close } = await openState(options);
  const overlay = state.sink.overlays.find(({ segment }) => segment.entry.key === key)!;
  const rows = Uint32Array.from({ length: overlay.segment.file.rows }, (_, row) => row);
  const stored = await state.sink.records(Array.from(rows, (row) => ({ overlay, row })));
  const ids = await overlay.segment.file.idsOfRanks(await overlay.segment.file.ranksOfRows(rows));
  const records = stored.map((record, i) => ({ ...record, id: ids[i]!, hidden: false }));
  const begun = await beginJob(context, { restoredSeq: state.base.restoredSeq, inputs: [key] });
  const { nonce } = begun!.job;
  const made = await writeSegment(context, state, records, { ...options, nonce, part: 0 });
  await commitJob(context, begun!.job, ({ segments }) => ({
    segments: segments.map((entry) => (entry.key === key ? made : entry)),
  }));
  close();
}

function recordsOf({ sink }: LogState<Table>): readonly FoldedRecord[] {
  const { memtable } = sink;
  // At the beginning of time nothing has expired.
  const view = { asOf: Number.MAX_SAFE_INTEGER, nowMs: 0, includeDeleted: true };
  return [...memtable.order.after('')].flatMap((id): FoldedRecord[] => {
    const row = memtable.find(id, view);
    if (row === undefined) return [];
    const hidden = memtable.isHidden(row, view);
    const [vector, metadata] = [memtable.vector(row), memtable.metadataText(row)];
    return [{ id, vector, metadata, expiresMs: memtable.expiresMs(row), hidden }];
  });
}

interface WriteOptions extends FoldOptions {
  readonly nonce: string;
  readonly part: number;
}

async function writeSegment(
  { store, ports, uid }: LogContext,
  state: LogState<Table>,
  given: readonly FoldedRecord[],
  { nonce, part, graph = false, curve }: WriteOptions,
): Promise<SegmentEntry> {
  const { schema } = state.sink;
  const { dimension, metric } = schema;
  // Rows lie in another order than their ids.
  const records = given.toSorted((a, b) => a.vector[0]! - b.vector[0]!);
  const rows = records.length;
  const key = segmentKey(uid, nonce, part);
  const { digests } = ports;
  const writer = await SegmentWriter.create({
    store,
    digests,
    deflate: portableDeflate,
    key,
    uid,
    dimension,
    metric,
    rows,
    seqBase: 0,
    unfilterable: [],
    columnBytesMax: 16_777_216,
  });
  const vectors = new Float32Array(rows * dimension);
  records.forEach(({ vector }, row) => vectors.set(vector, row * dimension));
  const maps = rowMaps(records.map(({ id }) => id));
  const index = buildIndex(schema, vectors, graph);
  await writer.writeRaw(vectors);
  await writer.writeDocuments(records.map(({ metadata }) => metadata));
  await writer.writeIds(maps.sortedIds);
  await writer.writeSeqs(records.map(() => state.position.seq));
  await writer.writeColumns(Uint32Array.of(0));
  await writer.writeResident([
    ...index.sections(),
    { kind: 'rowOfRank', bytes: new Uint8Array(maps.rowOfRank.buffer), count: rows },
    { kind: 'rankOfRow', bytes: new Uint8Array(maps.rankOfRow.buffer), count: rows },
  ]);
  const expiring = [...records.keys()].filter((row) => records[row]!.expiresMs !== Infinity);
  const ref = await writer.finish({
    expiries: {
      rows: Uint32Array.from(expiring),
      ms: Float64Array.from(expiring, (row) => records[row]!.expiresMs),
    },
    numbers: { ...index.numbers() },
    curve: curve ?? null,
  });
  const residentBytes = index.sections().reduce((sum, { bytes }) => sum + bytes.length, rows * 8);
  index.release();
  const hidden = records.map((record) => record.hidden);
  const dead = records.map(() => false);
  const facts = { store, digests, key: deletionsKey(uid, nonce, part), nowMs: ports.clock.wallMs() };
  const deletions = await putDeletions(facts, { dead, hidden });
  return { ...ref, live: rows, residentBytes, graph, deletions };
}

function buildIndex(schema: CollectionSchema, vectors: Float32Array, graph: boolean): IndexBuilder {
  const { dimension, metric, index } = schema;
  const rows = vectors.length / dimension;
  const trainer = new RangeTrainer(dimension, metric);
  trainer.add(vectors);
  const builder = new IndexBuilder(kernel.pool, {
    shape: { dimension, metric, rows },
    graph: graph ? { ...index, seed: 7 } : undefined,
    extraResidentBytes: rows * 8,
    params: trainer.finish(),
  });
  builder.encode(0, vectors);
  if (graph) builder.insert(Uint32Array.from({ length: rows }, (_, row) => row));
  return builder;
}

async function putDeletions(
  {
    store,
    digests,
    key,
    nowMs,
  }: { store: ObjectStore; digests: LogContext['ports']['digests']; key: string; nowMs: number },
  { dead, hidden }: { dead: readonly boolean[]; hidden: readonly boolean[] },
): Promise<SegmentEntry['deletions']> {
  if (!dead.includes(true) && !hidden.includes(true)) return undefined;
  const bitmap = (flags: readonly boolean[]): Uint8Array => {
    const bits = new Uint8Array(Math.ceil(flags.length / 8));
    flags.forEach((flag, i) => (bits[i >> 3]! |= Number(flag) << (i & 7)));
    return bits;
  };
  const hiddenRows = Uint32Array.from([...hidden.keys()].filter((row) => hidden[row]));
  const bytes = encodeDeletions(digests, key, {
    rows: dead.length,
    dead: bitmap(dead),
    hidden: bitmap(hidden),
    hiddenRows,
    hiddenSeqs: Float64Array.from(hiddenRows, () => 1),
    hiddenMs: Float64Array.from(hiddenRows, () => nowMs),
  });
  await store.put(key, bytes, { if: 'any' });
  const sum = (flags: readonly boolean[]): number => flags.filter(Boolean).length;
  return { key, sha256: bytesToHex(digests.sha256(bytes)), dead: sum(dead), hidden: sum(hidden) };
}

/** What the log has done to the segments that were there. */
async function foldDeletions(
  { store, ports, uid }: LogContext,
  { sink }: LogState<Table>,
  nonce: string,
): Promise<readonly SegmentEntry[]> {
  const view = { asOf: Number.MAX_SAFE_INTEGER, nowMs: 0, includeDeleted: true };
  return await Promise.all(
    sink.overlays.map(async (overlay, i): Promise<SegmentEntry> => {
      const { entry, file } = overlay.segment;
      const rows = Array.from({ length: file.rows }, (_, row) => row);
      const dead = rows.map((row) => !overlay.isVisible(row, view));
      const hidden = rows.map((row) => !dead[row] && overlay.isHidden(row, view));
      const key = deletionsKey(uid, nonce, 1_000 + i);
      const facts = { store, digests: ports.digests, key, nowMs: ports.clock.wallMs() };
      const deletions = await putDeletions(facts, { dead, hidden });
      return { ...entry, live: dead.filter((gone) => !gone).length, deletions };
    }),
  );
}
