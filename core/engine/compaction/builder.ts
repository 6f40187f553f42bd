/**
 * Writes the segment of a compaction. Passes over the rows, none of which holds more than a chunk or a group of them:
 *
 *   order      a sample trains the groups, and what the graph is walked on; then all rows, as they lie: ranges of the codes,
 *              and the group of each
 *   raw        all rows group by group, each split into leaves: written in that order, coded into the index, and into leaves that
 *              can be probed
 *   documents  in that order, and their fields collected; then ids in theirs, sequences, the columns of the fields, and leaves
 *   graph      all rows are linked at once; or the largest input's graph is copied, and the other rows are inserted in a
 *              shuffled order. The last of them are asked before they are inserted, which makes the recall curve
 *   resident   the index as it lies in memory, the maps between rows and ranks; behind it the expiries
 */
import { alignUp } from '../../base/bytes.js';
import { corrupt, hasCode } from '../../base/errors.js';
import type { CairnError } from '../../base/errors.js';
import type { Uid } from '../../base/ids.js';
import { limits, tierLimits } from '../../base/limits.js';
import type { Deflate, Digests } from '../../base/ports.js';
import {
  IndexBuilder,
  isCoarse,
  OrderPlanner,
  RangeTrainer,
  rowsOf,
  trainProjection,
} from '../../index/index.js';
import type {
  CodeParams,
  CodePlan,
  Coding,
  GraphSource,
  GroupLeaves,
  LeafSplitter,
  Projection,
  RowGroup,
} from '../../index/index.js';
import type { Kernel } from '../../kernel/index.js';
import { collectionPrefix } from '../../log/index.js';
import type { CollectionSchema, SegmentEntry } from '../../log/index.js';
import { rowMaps, SegmentWriter } from '../../segment/index.js';
import type { Expiries, ResidentSection, SegmentRef } from '../../segment/index.js';
import type { ObjectStore } from '../../store/index.js';
import { tryWithRoom, withRoom } from '../segments/index.js';
import type { ProbeCurve, RecallCurve } from '../segments/index.js';
import type { Breathe } from './breath.js';
import { calibrate } from './calibrate.js';
import { codePlan, codingFor } from './coding.js';
import { heldOutPort } from './held-out.js';
import type { AskedRows } from './held-out.js';
import type { HiddenRow } from './row-source.js';
import { learnBooks } from './pq-plan.js';
import type { RowSet } from './row-set.js';
import { calibrateCovers } from './calibrate-covers.js';
import { calibrateProbes } from './calibrate-probes.js';
import { SegmentLeaves } from './segment-leaves.js';
import { shuffle } from './shuffle.js';

const CHUNK_BYTES = 4_194_304;
/** Documents that are read at a time: about so many characters, by the length of the last ones. Each may lie in a block of its own. */
const DOCUMENT_CHARACTERS = 1_048_576;
const DOCUMENTS_AT_ONCE_MAX = 4_096;
/** Rows inserted between two breaths. */
const INSERTED_AT_ONCE = 16;
/** In a map of rows: the row is not taken over. */
const GONE = 0xffffffff;

export interface BuildRequest {
  readonly key: string;
  readonly uid: Uid;
  readonly store: ObjectStore;
  readonly digests: Digests;
  readonly deflate: Deflate;
  readonly kernel: Kernel;
  readonly schema: CollectionSchema;
  readonly rows: RowSet;
  /** The graph to go on from, where an input has one worth it. */
  readonly inherited: InheritedGraph | undefined;
  /** Makes room in the pool. False where there is nothing left to evict. */
  readonly evict: () => boolean;
  /** No graph, whatever the number of rows. */
  readonly flat: boolean;
  readonly seed: number;
  readonly breathe: Breathe;
}

export interface InheritedGraph {
  /** Which of the set's sources it is. */
  readonly source: number;
  /** The source's row of each row of the graph, -1 where it is dropped. */
  readonly sourceRowOf: Int32Array;
  readonly curve: RecallCurve | undefined;
  /** Runs `use` while the graph is in memory. */
  withGraph(use: (graph: GraphSource) => void): Promise<void>;
}

export interface BuiltSegment {
  readonly entry: SegmentEntry;
  /** In the order of UTF-8 bytes. */
  readonly ids: readonly string[];
  /** Rows of the file that are soft-deleted. */
  readonly hidden: readonly HiddenRow[];
  /** The row in the file of each row of the set. */
  readonly fileRowOf: Uint32Array;
}

interface WrittenMaps {
  readonly rankOfRow: Uint32Array;
  readonly sections: readonly ResidentSection[];
}

interface Plan {
  readonly params: CodeParams;
  /** Undefined: sq8. */
  readonly code: CodePlan | undefined;
  readonly groups: readonly RowGroup[];
  readonly projection: Projection | undefined;
}

/** Requires: at least one row. Ensures: nothing is there under the key where it throws. */
export async function buildSegment(request: BuildRequest): Promise<BuiltSegment> {
  const build = new SegmentBuild(request);
  try {
    return await build.run();
  } finally {
    build.release();
  }
}

class SegmentBuild {
  readonly #request: BuildRequest;
  /** The row of the set at each row of the file: of whole groups, and when the rows are written exactly. */
  #rowOrder: Uint32Array = new Uint32Array(0);
  #index: IndexBuilder | undefined;
  /** While rows are written. */
  #splitter: LeafSplitter | undefined;
  /** Where the segment gets leaves that can be probed. */
  #leaves: SegmentLeaves | undefined;

  constructor(request: BuildRequest) {
    this.#request = request;
  }

  release(): void {
    this.#index?.release();
    this.#splitter?.release();
    this.#leaves?.release();
  }

  async run(): Promise<BuiltSegment> {
    const { rows, key, kernel, evict, schema, store, digests, deflate, uid, seed } = this.#request;
    const { dimension, metric } = schema;
    const { params, code, groups, projection } = await this.#planOrder();
    const graph = this.#hasGraph ? { ...schema.index, seed } : undefined;
    const index = withRoom(
      evict,
      () =>
        new IndexBuilder(kernel.pool, {
          shape: { dimension, metric, rows: rows.rows },
          params,
          graph,
          projection,
          code,
          extraResidentBytes: rows.rows * 8,
          threads: kernel.threads,
        }),
    );
    this.#index = index;
    if (graph !== undefined) this.#beginLeaves(params);
    const seqs = await rows.seqs();
    const seqBase = seqs.reduce((least, seq) => Math.min(least, seq), Infinity);
    const writer = await SegmentWriter.create({
      store,
      digests,
      deflate,
      key,
      uid,
      dimension,
      metric,
      rows: rows.rows,
      seqBase,
      unfilterable: Object.keys(schema.fields).filter((name) => !schema.fields[name]!.filterable),
      columnBytesMax: tierLimits[schema.tier].columnBytes,
    });
    try {
      const leafStarts = await this.#writeRaw(writer, index, groups);
      await this.#endLeaves(index);
      await this.#writeDocuments(writer);
      const { ids, maps } = await this.#writeIds(writer);
      await writer.writeSeqs(this.#inFile(seqs));
      await writer.writeColumns(leafStarts, this.#request.breathe);
      await this.#writeLeaves(writer, ids, maps.rankOfRow);
      const curve = graph === undefined ? undefined : await this.#buildGraph(index);
      const probes = await this.#tryCalibrateProbes(index, leafStarts);
      const resident = [...index.sections(), ...maps.sections];
      await writer.writeResident(resident);
      const fileRowOf = this.#fileRows();
      const expiries = expiriesOf(rows.expiresMs(), fileRowOf);
      const ref = await writer.finish({
        ...(expiries === undefined ? {} : { expiries }),
        numbers: { ...index.numbers() },
        curve: probes === undefined ? curve : { ...curve, ...probes },
      });
      const entry = entryOf(ref, resident, graph !== undefined);
      return { entry, ids, hidden: this.#hidden(fileRowOf), fileRowOf };
    } catch (error) {
      await writer.abort();
      throw error;
    }
  }

  #beginLeaves(params: CodeParams): void {
    const { kernel, evict, schema } = this.#request;
    const { dimension, metric } = schema;
    this.#leaves = SegmentLeaves.tryBegin(kernel.pool, evict, { dimension, metric, params });
  }

  get #hasGraph(): boolean {
    const { flat, rows } = this.#request;
    return !flat && rows.rows >= limits.flatRows;
  }

  /** One look at the sample, then one pass: the ranges of the codes, and the group of each row. */
  async #planOrder(): Promise<Plan> {
    const { rows, kernel, schema, seed, evict, breathe } = this.#request;
    const { dimension, metric } = schema;
    const planner = new OrderPlanner(kernel.pool, { dimension, metric, rows: rows.rows, seed });
    try {
      const sampled = planner.sampleRows();
      const sample = new Float32Array(sampled.length * dimension);
      await rows.vectors(sampled, sample);
      await breathe();
      withRoom(evict, () => planner.begin());
      await this.#inTurns(planner.train(sample));
      const projection = this.#hasGraph ? this.#trainProjection(sample) : undefined;
      const ranges = new RangeTrainer(dimension, metric);
      const coding = this.#coding;
      const books = coding.kind === 'pq' ? await learnBooks(this.#request, coding, sample) : undefined;
      const groupOf = new Uint32Array(rows.rows);
      for await (const { first, vectors } of rows.chunks(CHUNK_BYTES / 4)) {
        ranges.add(vectors);
        groupOf.set(await this.#inTurns(planner.assign(vectors)), first);
      }
      const { rowOrder, groups } = planner.finish(groupOf);
      this.#rowOrder = rowOrder;
      const params = ranges.finish();
      const leaves = groups.reduce((sum, group) => sum + group.leaves, 0);
      const code = codePlan(coding, { metric, params, leaves, books });
      this.#splitter = withRoom(evict, () => planner.splitter(groups));
      return { params, code, groups, projection };
    } finally {
      planner.release();
    }
  }

  /** Of segments with a graph. */
  get #coding(): Coding {
    return this.#hasGraph ? codingFor(this.#request.schema) : { kind: 'sq8' };
  }

  #trainProjection(sample: Float32Array): Projection | undefined {
    const { kernel, schema, seed, evict } = this.#request;
    const { dimension, metric } = schema;
    // Where memory is short the graph is walked on all dimensions.
    return tryWithRoom(evict, () => trainProjection(kernel.pool, sample, { dimension, metric, seed }));
  }

  /** Answers the first row of each leaf. */
  async #writeRaw(
    writer: SegmentWriter,
    index: IndexBuilder,
    groups: readonly RowGroup[],
  ): Promise<Uint32Array> {
    const { dimension } = this.#request.schema;
    const perChunk = Math.max(1, Math.floor(CHUNK_BYTES / (dimension * 4)));
    const leafStarts: number[] = [];
    let first = 0;
    for (const { rows, leaves } of groups) {
      const { vectors, starts, centroids } = await this.#splitGroup({ first, rows, leaves });
      const placed = { starts: starts.map((start) => first + start), centroids };
      index.placeLeaves(placed);
      this.#leaves?.add(first, vectors, placed);
      for (let at = 0; at < rows; at += perChunk) {
        await this.#request.breathe();
        const chunk = vectors.subarray(at * dimension, (at + perChunk) * dimension);
        index.encode(first + at, chunk);
        await writer.writeRaw(chunk);
      }
      for (const start of placed.starts) leafStarts.push(start);
      first += rows;
    }
    this.#splitter!.release();
    return Uint32Array.from(leafStarts);
  }

  /** Reads the rows of a group, and brings them in the order of its leaves. */
  async #splitGroup({
    first,
    rows,
    leaves,
  }: RowGroup & { readonly first: number }): Promise<
    Pick<GroupLeaves, 'starts' | 'centroids'> & { readonly vectors: Float32Array }
  > {
    const { rows: set, schema } = this.#request;
    const { dimension } = schema;
    const inGroup = this.#rowOrder.subarray(first, first + rows);
    const read = new Float32Array(rows * dimension);
    await set.vectors(inGroup, read);
    const { order, starts, centroids } = await this.#inTurns(this.#splitter!.split(read, leaves));
    inGroup.set(order.map((row) => inGroup[row]!));
    // A buffer of its own: the writer may hold it until it is uploaded.
    return { vectors: rowsOf(read, dimension, order), starts, centroids };
  }

  /** All rows are coded: by these codes each finds a second leaf. */
  async #endLeaves(index: IndexBuilder): Promise<void> {
    const { kernel, evict } = this.#request;
    const decode = (first: number, count: number): Float32Array => index.decode(first, count);
    if (this.#leaves !== undefined) await this.#inTurns(this.#leaves.endRows(kernel.pool, evict, decode));
  }

  async #writeDocuments(writer: SegmentWriter): Promise<void> {
    const { rows, breathe } = this.#request;
    let atOnce: number = limits.blockRows;
    for (let first = 0; first < rows.rows;) {
      const texts = await rows.documents(this.#rowOrder.subarray(first, first + atOnce));
      first += texts.length;
      atOnce = documentsAtOnce(texts);
      for (let at = 0; at < texts.length; at += limits.blockRows) {
        await breathe();
        await writer.writeDocuments(texts.slice(at, at + limits.blockRows));
      }
    }
  }

  /** Of the inputs each is sound: they do not belong together. */
  #foundTwice(id: string): CairnError {
    const { uid } = this.#request;
    const expected = 'one live row of an id';
    return corrupt({
      key: collectionPrefix(uid),
      offset: 0,
      expected,
      found: `two of ${JSON.stringify(id)}`,
    });
  }

  async #writeIds(
    writer: SegmentWriter,
  ): Promise<{ readonly ids: readonly string[]; readonly maps: WrittenMaps }> {
    const { rows, breathe } = this.#request;
    const inSet = await rows.ids();
    const inFile = Array.from(this.#rowOrder, (row) => inSet[row]!);
    await breathe();
    const { sortedIds, rowOfRank, rankOfRow } = rowMaps(inFile, (id) => this.#foundTwice(id));
    await writer.writeIds(sortedIds);
    const sections = [
      { kind: 'rowOfRank', bytes: bytesOf(rowOfRank), count: rowOfRank.length },
      { kind: 'rankOfRow', bytes: bytesOf(rankOfRow), count: rankOfRow.length },
    ];
    return { ids: sortedIds, maps: { rankOfRow, sections } };
  }

  async #writeLeaves(writer: SegmentWriter, ids: readonly string[], rankOfRow: Uint32Array): Promise<void> {
    const leaves = this.#leaves;
    if (leaves === undefined) return;
    await writer.writeLeaves(leaves.centroids, leaves.contents(ids, rankOfRow), this.#request.breathe);
  }

  /** Undefined where there is nothing to probe, or no memory to try it: the leaves are not used then. */
  async #tryCalibrateProbes(index: IndexBuilder, leafStarts: Uint32Array): Promise<ProbeCurve | undefined> {
    const leaves = this.#leaves;
    if (leaves === undefined) return undefined;
    const { kernel, evict, seed, rows: set } = this.#request;
    const asked = shuffle(
      Uint32Array.from({ length: set.rows }, (_, row) => row),
      seed,
    ).slice(0, limits.probeQueries);
    const leafScan = leaves.tryScan(kernel.pool, evict);
    if (leafScan === undefined) return undefined;
    try {
      const askedPort = await this.#askedPort(index, asked);
      // Of all rows: what is asked is in leaves like any other.
      const scan = (query: number, limit: number): Uint32Array =>
        index.scan({ query: askedPort.vectorOf(query), limit }).rows;
      const port = { ...askedPort, scan, leaves: leaves.encoded, leafStarts, leafScan };
      return { probes: await calibrateProbes(port), covers: await calibrateCovers(port) };
    } finally {
      leafScan.release();
    }
  }

  async #buildGraph(index: IndexBuilder): Promise<RecallCurve | undefined> {
    const { seed, rows: set } = this.#request;
    const inherited = await this.#tryCopyGraph(index);
    const order = shuffle(inherited?.rest ?? Uint32Array.from({ length: set.rows }, (_, row) => row), seed);
    // A few rows say less of the graph than what was measured on it.
    const few = order.length < limits.calibrationQueries && inherited !== undefined;
    const { calibrationQueries: least, calibrationQueriesMax: most } = limits;
    // Of a small graph not so many that what is measured is another one.
    const asked = few ? 0 : Math.min(most, Math.max(least, order.length >>> 2));
    const rows = order.subarray(0, order.length - asked);
    if (inherited === undefined) await this.#inTurns(index.link(rows));
    else await this.#insert(index, rows);
    if (few) {
      await this.#inTurns(index.connect());
      return inherited.curve;
    }
    const heldOut = order.subarray(rows.length);
    const curve = await calibrate(await this.#askedPort(index, heldOut));
    await this.#insert(index, heldOut);
    await this.#inTurns(index.connect());
    return curve;
  }

  /** Where the work is called off, the turns hear of it: they hold memory, and threads may be at it. */
  async #inTurns<T>(turns: Generator<void, T>): Promise<T> {
    for (;;) {
      const turn = turns.next();
      if (turn.done === true) return turn.value;
      try {
        await this.#request.breathe();
      } catch (error) {
        turns.throw(error);
        throw error;
      }
    }
  }

  /**
   * Takes over the inherited graph, and answers the rows that are still to be inserted. Undefined where there is none, or no
   * memory for it beside the new one: all rows are linked then, which takes longer.
   */
  async #tryCopyGraph(
    index: IndexBuilder,
  ): Promise<{ readonly rest: Uint32Array; readonly curve: RecallCurve | undefined } | undefined> {
    const { rows, inherited } = this.#request;
    if (inherited === undefined) return undefined;
    const { curve, source } = inherited;
    // Nothing has measured the graph, and too few rows are left to ask it.
    const isUntold =
      curve === undefined && rows.rows - rows.sources[source]!.rows < limits.calibrationQueries;
    if (isUntold) return undefined;
    const first = rows.firstOf(source);
    const fileRowOf = this.#fileRows();
    const newRowOf = Uint32Array.from(inherited.sourceRowOf, (row) =>
      row < 0 ? GONE : fileRowOf[first + row]!,
    );
    try {
      await inherited.withGraph((graph) => index.copyGraph(graph, newRowOf));
    } catch (error) {
      if (!hasCode(error, 'memory_budget_exceeded')) throw error;
      return undefined;
    }
    const end = first + rows.sources[inherited.source]!.rows;
    return { rest: fileRowOf.filter((_, row) => row < first || row >= end), curve: inherited.curve };
  }

  async #askedPort(index: IndexBuilder, heldOut: Uint32Array): Promise<AskedRows> {
    const { rows, kernel, schema, evict, breathe } = this.#request;
    const { dimension, metric } = schema;
    const read = (wanted: Uint32Array, target: Float32Array): Promise<void> =>
      rows.vectors(
        wanted.map((row) => this.#rowOrder[row]!),
        target,
      );
    return await heldOutPort({
      index,
      coarse: isCoarse(this.#coding),
      kernel,
      dimension,
      metric,
      rows: rows.rows,
      heldOut,
      read,
      sourceOf: (row) => this.#rowOrder[row]!,
      evict,
      breathe,
    });
  }

  async #insert(index: IndexBuilder, rows: Uint32Array): Promise<void> {
    for (let at = 0; at < rows.length; at += INSERTED_AT_ONCE) {
      await this.#request.breathe();
      index.insert(rows.subarray(at, at + INSERTED_AT_ONCE));
    }
  }

  #inFile(values: Float64Array): Float64Array {
    return Float64Array.from(this.#rowOrder, (row) => values[row]!);
  }

  #fileRows(): Uint32Array {
    const fileRowOf = new Uint32Array(this.#rowOrder.length);
    this.#rowOrder.forEach((row, at) => (fileRowOf[row] = at));
    return fileRowOf;
  }

  #hidden(fileRowOf: Uint32Array): readonly HiddenRow[] {
    const { rows } = this.#request;
    return rows.sources.flatMap(({ hidden }, i) =>
      hidden.map((one) => ({ ...one, row: fileRowOf[rows.firstOf(i) + one.row]! })),
    );
  }
}

function entryOf(ref: SegmentRef, resident: readonly ResidentSection[], graph: boolean): SegmentEntry {
  const { key, bytes, tailBytes, footerSha256, rows } = ref;
  const residentBytes = resident.reduce((sum, section) => sum + alignUp(section.bytes.length, 64), 0);
  return { key, bytes, tailBytes, footerSha256, rows, live: rows, residentBytes, graph };
}

/** How many documents the next read takes, in whole blocks. */
function documentsAtOnce(texts: readonly string[]): number {
  const characters = texts.reduce((sum, { length }) => sum + length, 1);
  const many = Math.min(DOCUMENTS_AT_ONCE_MAX, (DOCUMENT_CHARACTERS * texts.length) / characters);
  return Math.max(1, Math.floor(many / limits.blockRows)) * limits.blockRows;
}

/** The rows that expire, by their row in the file; undefined where none does. */
function expiriesOf(expiresMs: Float64Array | undefined, fileRowOf: Uint32Array): Expiries | undefined {
  if (expiresMs === undefined) return undefined;
  const rows = Array.from(expiresMs.keys()).filter((row) => expiresMs[row] !== Infinity);
  return {
    rows: Uint32Array.from(rows, (row) => fileRowOf[row]!),
    ms: Float64Array.from(rows, (row) => expiresMs[row]!),
  };
}

function bytesOf(numbers: Uint32Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}
