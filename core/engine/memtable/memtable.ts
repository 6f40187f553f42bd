/**
 * The unfolded log as it can be searched: every version of every record that the log holds above the fold, vectors in
 * blocks of WebAssembly memory, the rest in columns by row. A row is born at one sequence and ends at another, so that a query as
 * of an older sequence sees what was there then.
 */
import { assertInternal, corrupt } from '../../base/errors.js';
import { row as asRow } from '../../base/ids.js';
import type { Row, Sequence } from '../../base/ids.js';
import { cosineScale, RowBlock } from '../../kernel/index.js';
import type { Kernel, Metric } from '../../kernel/index.js';
import { OP_DELETE, OP_UPSERT } from '../../log/index.js';
import type { Batch, CollectionSchema, LogPosition } from '../../log/index.js';
import { documentOf, isUsable } from '../input/index.js';
import { OrderedIds } from './ordered-ids.js';
import { Shadows } from './shadows.js';
import type { Shadow } from './shadows.js';
import type { JsonObject } from '../interface/index.js';

/** Days of the settings in milliseconds. */
export const DAY_MS: number = 86_400_000;
const ROWS_COPIED_AT_ONCE = 256;

/** `asOf` of the newest state: after every sequence, before the Infinity at which nothing ends. */
export const NEWEST: number = Number.MAX_SAFE_INTEGER;

/** Which versions of which records a read sees. */
export interface View {
  /** A sequence, or NEWEST. */
  readonly asOf: number;
  /** The handler's clock: expiry is a view on the state, not part of it (invariant 5). */
  readonly nowMs: number;
  readonly includeDeleted: boolean;
}

export interface RowLife {
  readonly born: number;
  /** Replaced or deleted. */
  readonly ended: number;
  /** Soft-deleted. */
  readonly hidden: number;
  /** Label of that slot. */
  readonly hiddenMs: number;
}

/** A block and the first of its rows. */
export interface MemtableBlock {
  readonly block: RowBlock;
  readonly firstRow: number;
}

/** Writers refuse such rows, so only damage, or a writer that is none of ours, puts them into a log. */
function mustBeUsable(squaredNorm: number, metric: Metric, row: number, at: LogPosition): void {
  if (isUsable(squaredNorm, metric)) return;
  const expected = `vectors in slot ${at.seq} that can be searched under ${metric}`;
  throw corrupt({ key: 'log', offset: 0, expected, found: `a squared norm of ${squaredNorm} in row ${row}` });
}

export interface MemtableOptions {
  readonly kernel: Kernel;
  readonly schema: CollectionSchema;
  /** There are segments, whose rows the slots replace and delete. */
  readonly overSegments: boolean;
}

export class Memtable {
  readonly #kernel: Kernel;
  readonly #schema: CollectionSchema;
  readonly #blocks: MemtableBlock[] = [];
  readonly #ids: string[] = [];
  readonly #born: number[] = [];
  readonly #ended: number[] = [];
  readonly #hidden: number[] = [];
  readonly #hiddenMs: number[] = [];
  readonly #expiresMs: number[] = [];
  readonly #metadata: string[] = [];
  readonly #documents: (JsonObject | undefined)[] = [];
  /** The newest row of each id that ever had one, ended or not. */
  readonly #newest = new Map<string, Row>();
  readonly #order = new OrderedIds();
  /** Rows with an expiry that have not ended: few, or none. */
  readonly #expiring = new Set<Row>();
  /** Soft-deleted rows that have not ended. */
  readonly #hiding = new Set<Row>();
  /** Undefined where no segment lies below: then no row of one can be shadowed. */
  readonly #shadows: Shadows | undefined;
  #live = 0;
  #users = 1;

  constructor({ kernel, schema, overSegments }: MemtableOptions) {
    this.#kernel = kernel;
    this.#schema = schema;
    this.#shadows = overSegments ? new Shadows() : undefined;
  }

  get schema(): CollectionSchema {
    return this.#schema;
  }

  get rowCount(): number {
    return this.#ids.length;
  }

  get blocks(): readonly MemtableBlock[] {
    assertInternal(this.#users > 0, 'a memtable was read after its release');
    return this.#blocks;
  }

  /** Every id that ever had a row, in the order of UTF-8 bytes. */
  get order(): OrderedIds {
    return this.#order;
  }

  apply(batch: Batch, at: LogPosition): void {
    assertInternal(this.#users > 0, 'a memtable was written after its release');
    // Whatever stops a batch stops it before anything of it is in.
    const norms = this.#kernel.normSquared(batch.vectors, this.#schema.dimension);
    norms.forEach((norm, row) => mustBeUsable(norm, this.#schema.metric, row, at));
    this.#append(batch.vectors, norms);
    let upsert = 0;
    for (let op = 0; op < batch.ids.length; op++) {
      const id = batch.ids[op]!;
      const kind = batch.kinds[op];
      if (kind !== OP_UPSERT) {
        this.#remove(id, kind === OP_DELETE, at);
        continue;
      }
      this.#insert(id, at.seq, batch.metadata[upsert]!, batch.expiresMs?.[upsert] ?? Infinity);
      upsert++;
    }
  }

  /** Copies rows to the end of the blocks. Throws `memory_budget_exceeded` before anything is copied. */
  #append(vectors: Float32Array, norms: Float64Array): void {
    const { dimension, metric } = this.#schema;
    const rows = norms.length;
    const blocks = this.#reserve(rows);
    const scales = metric === 'cosine' ? Float32Array.from(norms, cosineScale) : undefined;
    for (let row = 0, block = 0; row < rows; block++) {
      row += blocks[block]!.appendRows(vectors.subarray(row * dimension), scales?.subarray(row));
    }
  }

  /** The last block, and as many new ones behind it as `rows` rows need. Throws `memory_budget_exceeded`. */
  #reserve(rows: number): readonly RowBlock[] {
    const { dimension } = this.#schema;
    const last = this.#blocks.at(-1);
    const blocks = last === undefined ? [] : [last.block];
    let room = last === undefined ? 0 : last.block.capacity - last.block.rowCount;
    let firstRow = last === undefined ? 0 : last.firstRow + last.block.capacity;
    const added: MemtableBlock[] = [];
    try {
      while (room < rows) {
        const blockClass = RowBlock.nextClass(dimension, blocks.at(-1)?.arenaClass, rows - room);
        const block = new RowBlock(this.#kernel.pool, dimension, blockClass);
        blocks.push(block);
        added.push({ block, firstRow });
        firstRow += block.capacity;
        room += block.capacity;
      }
    } catch (error) {
      for (const { block } of added) block.release();
      throw error;
    }
    this.#blocks.push(...added);
    return blocks;
  }

  #insert(id: string, seq: Sequence, metadata: string, expiresMs: number): void {
    this.#shadows?.end(id, seq);
    const older = this.#newest.get(id);
    if (older !== undefined) this.#end(older, seq);
    this.#addRow({ id, born: seq, metadata, expiresMs });
  }

  /** The columns of a row whose vector is appended already or will be in the same step. */
  #addRow(added: {
    readonly id: string;
    readonly born: number;
    readonly metadata: string;
    readonly expiresMs: number;
  }): Row {
    const row = asRow(this.#ids.length);
    if (!this.#newest.has(added.id)) this.#order.add(added.id);
    this.#newest.set(added.id, row);
    this.#ids.push(added.id);
    this.#born.push(added.born);
    this.#ended.push(Infinity);
    this.#hidden.push(Infinity);
    this.#hiddenMs.push(0);
    this.#expiresMs.push(added.expiresMs);
    this.#metadata.push(added.metadata);
    this.#documents.push(undefined);
    this.#live++;
    if (added.expiresMs !== Infinity) this.#expiring.add(row);
    return row;
  }

  #remove(id: string, forGood: boolean, at: LogPosition): void {
    const row = this.#newest.get(id);
    if (row === undefined || this.#ended[row] !== Infinity) {
      // No row of the log's own: what is removed is a segment's, if there is one.
      if (forGood) this.#shadows?.end(id, at.seq);
      else this.#shadows?.hide(id, at);
    } else if (forGood) this.#end(row, at.seq);
    else if (this.#hidden[row] === Infinity) this.#hide(row, at.seq, at.label);
  }

  #hide(row: Row, seq: number, label: number): void {
    this.#hidden[row] = seq;
    this.#hiddenMs[row] = label;
    this.#hiding.add(row);
    this.#kill(row);
  }

  /** What the log says of a segment's row of that id; undefined where it says nothing. */
  shadow(id: string): Shadow | undefined {
    return this.#shadows?.find(id);
  }

  /** Ids that have a shadow, in the order in which the log first named them: the list only grows. */
  get shadowed(): readonly string[] {
    return this.#shadows?.ids ?? [];
  }

  /** Whether the newest row of `id` has not ended, hidden or not: then no segment's row of it counts. */
  holds(id: string): boolean {
    const row = this.#newest.get(id);
    return row !== undefined && this.#ended[row] === Infinity;
  }

  /**
   * Whether a delete (`forGood`) or a soft delete of `id` changes a row of the log, whatever the clock says of the
   * record.
   */
  canRemove(id: string, forGood: boolean): boolean {
    const row = this.#newest.get(id);
    return row !== undefined && this.#ended[row] === Infinity && (forGood || this.#hidden[row] === Infinity);
  }

  #end(row: Row, seq: number): void {
    if (this.#ended[row] !== Infinity) return;
    this.#ended[row] = seq;
    this.#live--;
    this.#hiding.delete(row);
    this.#expiring.delete(row);
    this.#kill(row);
  }

  #kill(row: Row): void {
    const { block, firstRow } = this.#blockOf(row);
    block.kill(row - firstRow);
  }

  #blockOf(row: Row): MemtableBlock {
    let low = 0;
    let high = this.#blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#blocks[middle]!.firstRow <= row) low = middle;
      else high = middle - 1;
    }
    return this.#blocks[low]!;
  }

  /** The row of the record that `id` names in this view. */
  find(id: string, view: View): Row | undefined {
    const newest = this.#newest.get(id);
    if (newest === undefined) return undefined;
    if (view.asOf === NEWEST) return this.isVisible(newest, view) ? newest : undefined;
    // Older versions are found by walking rows: reads in the past are rare, and the log is bounded.
    for (let row = newest as number; row >= 0; row--) {
      if (this.#ids[row] === id && this.isVisible(asRow(row), view)) return asRow(row);
    }
    return undefined;
  }

  isVisible(row: Row, view: View): boolean {
    if (this.#born[row]! > view.asOf || this.#ended[row]! <= view.asOf) return false;
    if (this.#expiresMs[row]! <= view.nowMs) return false;
    return this.#hidden[row]! > view.asOf || (view.includeDeleted && !this.#isGone(row, view.nowMs));
  }

  isHidden(row: Row, view: View): boolean {
    return this.#hidden[row]! <= view.asOf;
  }

  /** A soft delete becomes a delete after the collection's days, by the rule of expiry. */
  #isGone(row: Row, nowMs: number): boolean {
    return this.#hiddenMs[row]! + this.#schema.softDeleteDays * DAY_MS <= nowMs;
  }

  /** The sequence of the last change of an id that the log holds, 0 where there is none. */
  changedAt(id: string): number {
    const row = this.#newest.get(id);
    if (row === undefined) return 0;
    const last = (seq: number): number => (seq === Infinity ? 0 : seq);
    return Math.max(this.#born[row]!, last(this.#ended[row]!), last(this.#hidden[row]!));
  }

  /**
   * True where the blocks' own live rows are exactly the visible ones, so that a search needs no mask: the newest state
   * without soft-deleted records, and nothing has expired.
   */
  isPlain(view: View): boolean {
    if (view.asOf !== NEWEST || view.includeDeleted) return false;
    for (const row of this.#expiring) if (this.#expiresMs[row]! <= view.nowMs) return false;
    return true;
  }

  /**
   * Of the newest state: what a read sees, what it sees with `includeDeleted` besides, and what is there until a
   * compaction drops it but no read sees (expired, or soft-deleted longer ago than the collection's days).
   */
  counts(nowMs: number): {
    readonly visible: number;
    readonly softDeleted: number;
    readonly expired: number;
  } {
    let softDeleted = 0;
    for (const row of this.#hiding) {
      if (this.#expiresMs[row]! > nowMs && !this.#isGone(row, nowMs)) softDeleted++;
    }
    let expiredVisible = 0;
    for (const row of this.#expiring) {
      if (this.#expiresMs[row]! <= nowMs && !this.#hiding.has(row)) expiredVisible++;
    }
    const visible = this.#live - this.#hiding.size - expiredVisible;
    return { visible, softDeleted, expired: this.#live - visible - softDeleted };
  }

  /** Bytes of WebAssembly memory held, and rows that no longer count. */
  memory(): { readonly vectorBytes: number; readonly rows: number; readonly deadRows: number } {
    const vectorBytes = this.#blocks.reduce((sum, { block }) => sum + block.arenaClass, 0);
    return { vectorBytes, rows: this.rowCount, deadRows: this.rowCount - this.#live };
  }

  id(row: Row): string {
    return this.#ids[row]!;
  }

  /** A copy. */
  vector(row: Row): Float32Array {
    const { block, firstRow } = this.#blockOf(row);
    return block.vector(row - firstRow);
  }

  /** Copies a row's numbers into place `at` of row-major `target`. */
  copyVector(row: Row, target: Float32Array, at: number): void {
    const { block, firstRow } = this.#blockOf(row);
    block.copyVector(row - firstRow, target, at);
  }

  /** What became of a row, in sequences; Infinity where it did not. */
  lifeOf(row: Row): RowLife {
    return {
      born: this.#born[row]!,
      ended: this.#ended[row]!,
      hidden: this.#hidden[row]!,
      hiddenMs: this.#hiddenMs[row]!,
    };
  }

  /** JSON text, '' where the record has no metadata. */
  metadataText(row: Row): string {
    return this.#metadata[row]!;
  }

  /** The metadata for filters: parsed once and shared, so never to be handed out. */
  document(row: Row): JsonObject {
    const text = this.#metadata[row]!;
    return (this.#documents[row] ??= documentOf(text));
  }

  /** Infinity where the record does not expire. */
  expiresMs(row: Row): number {
    return this.#expiresMs[row]!;
  }

  /**
   * What remains above a newer fold, as a memtable of its own over the segments that now hold the rest. Rows that the
   * fold took and later slots changed leave a shadow behind. Throws `memory_budget_exceeded`.
   */
  above(folded: Sequence): Memtable {
    const next = new Memtable({ kernel: this.#kernel, schema: this.#schema, overSegments: true });
    const shadows = next.#shadows!;
    for (const [id, shadow] of this.#shadows?.entries() ?? []) shadows.keep(id, shadow, folded);
    const kept: Row[] = [];
    try {
      for (let i = 0; i < this.rowCount; i++) {
        const row = asRow(i);
        if (this.#born[i]! > folded) kept.push(row);
        else shadows.keep(this.#ids[i]!, this.#shadowOf(row), folded);
      }
      this.#copyRows(kept, next);
    } catch (error) {
      next.release();
      throw error;
    }
    return next;
  }

  #shadowOf(row: Row): Shadow {
    return { endedAt: this.#ended[row]!, hiddenAt: this.#hidden[row]!, hiddenMs: this.#hiddenMs[row]! };
  }

  #copyRows(rows: readonly Row[], target: Memtable): void {
    const { dimension } = this.#schema;
    for (let at = 0; at < rows.length; at += ROWS_COPIED_AT_ONCE) {
      const part = rows.slice(at, at + ROWS_COPIED_AT_ONCE);
      const vectors = new Float32Array(part.length * dimension);
      part.forEach((row, i) => vectors.set(this.vector(row), i * dimension));
      target.#append(vectors, this.#kernel.normSquared(vectors, dimension));
      for (const row of part) {
        const copy = target.#addRow({
          id: this.#ids[row]!,
          born: this.#born[row]!,
          metadata: this.#metadata[row]!,
          expiresMs: this.#expiresMs[row]!,
        });
        target.#documents[copy] = this.#documents[row];
        if (this.#hidden[row] !== Infinity) target.#hide(copy, this.#hidden[row]!, this.#hiddenMs[row]!);
        if (this.#ended[row] !== Infinity) target.#end(copy, this.#ended[row]!);
      }
    }
  }

  /** Keeps the rows readable until one more `release`: a fold and a resolving write outlive the state that they read. */
  retain(): this {
    assertInternal(this.#users > 0, 'a memtable was retained after its release');
    this.#users++;
    return this;
  }

  release(): void {
    this.#users--;
    if (this.#users > 0) return;
    for (const { block } of this.#blocks) block.release();
    this.#blocks.length = 0;
  }
}
