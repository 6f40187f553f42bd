/**
 * What the commits of a log add up to: a memtable of the slots above a fold, over the segments of the head that made the
 * fold. The sink of a collection's log, so it changes within one step only; segments are opened before it is used.
 */
import { andThen, startAll } from '../../base/awaitable.js';
import type { Awaitable } from '../../base/awaitable.js';
import { assertInternal, CairnError } from '../../base/errors.js';
import type { Kernel } from '../../kernel/index.js';
import type { Batch, CollectionSchema, Head, HeadCopies, LogPosition, LogSink } from '../../log/index.js';
import type { ObjectStore } from '../../store/index.js';
import { Memtable } from '../memtable/index.js';
import { findRows, placeOf, SegmentOverlay } from '../segments/index.js';
import type { LiveSegment, SegmentPlace, SegmentStore } from '../segments/index.js';

export interface TableOptions {
  readonly kernel: Kernel;
  readonly segments: SegmentStore;
  readonly store: ObjectStore;
  readonly head: Head;
}

/** A row of a segment. */
export interface LocatedRow {
  readonly overlay: SegmentOverlay;
  readonly row: number;
}

/** What a segment holds of a record. */
export interface SegmentRecord {
  /** Empty where it was not wanted. */
  readonly vector: Float32Array;
  /** JSON text, '' for none and where it was not wanted. */
  readonly metadata: string;
  /** Infinity for never. */
  readonly expiresMs: number;
  /** Of the upsert; 0 where it was not wanted. */
  readonly seq: number;
}

export interface WantedParts {
  readonly vector: boolean;
  readonly metadata: boolean;
  readonly seq: boolean;
}

const EVERY_PART: WantedParts = { vector: true, metadata: true, seq: true };
const NO_VECTORS = new Float32Array();

export interface TableCounts {
  readonly visible: number;
  readonly softDeleted: number;
  readonly expired: number;
}

export class Table implements LogSink<Table> {
  readonly memtable: Memtable;
  readonly #options: TableOptions;
  #overlays: readonly SegmentOverlay[] | undefined;
  /** How many of the memtable's shadowed ids have been looked up in the segments. */
  #caughtUp = 0;
  #released = false;

  constructor(options: TableOptions, memtable?: Memtable) {
    const { kernel, head } = options;
    this.#options = options;
    const overSegments = head.segments.length > 0;
    this.memtable = memtable ?? new Memtable({ kernel, schema: head.schema, overSegments });
    if (!overSegments) this.#overlays = [];
  }

  get schema(): CollectionSchema {
    return this.memtable.schema;
  }

  /** The head whose segments these are. A newer one may be known that changes none of them. */
  get head(): Head {
    return this.#options.head;
  }

  /** Requires: `ready`. */
  get overlays(): readonly SegmentOverlay[] {
    assertInternal(this.#overlays !== undefined, 'a table was read before its segments were open');
    return this.#overlays;
  }

  get store(): SegmentStore {
    return this.#options.segments;
  }

  apply(batch: Batch, at: LogPosition): void {
    this.memtable.apply(batch, at);
  }

  /** Opens the segments. Cost: one read per segment and one per object of deletions, all in parallel, but for what `copies` have. */
  async ready(copies?: HeadCopies): Promise<void> {
    if (this.#overlays !== undefined) return;
    const { segments, head } = this.#options;
    const opened = await segments.open(this.#place, head.segments, copies);
    if (this.#released || this.#overlays !== undefined)
      for (const segment of opened) segments.release(segment);
    else this.#overlays = this.#overlaysOf(opened);
  }

  /**
   * Opens what a newer head names. The answer makes the table over it, in one step, from the log as it is by then; until
   * then it holds nothing. Throws `memory_budget_exceeded`.
   */
  async rebase(head: Head): Promise<() => Table> {
    const { segments } = this.#options;
    const opened = await segments.open(this.#place, head.segments);
    for (const segment of opened) segments.release(segment);
    return () => {
      const next = new Table({ ...this.#options, head }, this.memtable.above(head.foldedSeq));
      if (segments.tryReopen(opened)) {
        next.#overlays = next.#overlaysOf(opened);
        return next;
      }
      next.release();
      throw new CairnError(
        'unavailable',
        'read_contended',
        'the segments of a newer head were closed again',
        {
          retryAfterS: 1,
        },
      );
    };
  }

  /**
   * Keeps the segments open for what has begun to read them in this step, however long it takes and whatever becomes of
   * the table meanwhile: a newer head may take its place, and a file that nobody holds may be closed. Where nobody waits for it,
   * it fails in silence.
   */
  during<T>(reading: Promise<T>): Promise<T> {
    const { segments } = this.#options;
    const held = this.overlays;
    for (const { segment } of held) segments.retain(segment);
    const release = (): void => {
      for (const { segment } of held) segments.release(segment);
    };
    reading.then(release, release);
    return reading;
  }

  get #place(): SegmentPlace {
    return placeOf(this.#options.store, this.schema);
  }

  #overlaysOf(opened: readonly LiveSegment[]): readonly SegmentOverlay[] {
    return opened.map((segment) => new SegmentOverlay(segment, this.schema.softDeleteDays));
  }

  /**
   * Tells the overlays of every record that the log has named since the last time. Nothing to wait for where it named
   * none, or no segment can hold one, or the pages are in memory. To be repeated after a wait: the log may have gone on.
   */
  catchUp(): Awaitable<void> {
    const { shadowed } = this.memtable;
    const { overlays } = this;
    if (this.#caughtUp === shadowed.length || overlays.length === 0) return undefined;
    const upTo = shadowed.length;
    const ids = shadowed.slice(this.#caughtUp);
    const found = startAll(
      overlays.map(
        ({ segment }) =>
          () =>
            findRows(segment.file, ids),
      ),
    );
    return andThen(found, (rows) => {
      rows.forEach((rowOf, i) => {
        for (const [id, row] of rowOf) {
          const shadow = this.memtable.shadow(id);
          if (shadow !== undefined) overlays[i]!.addShadow(row, shadow);
        }
      });
      this.#caughtUp = Math.max(this.#caughtUp, upTo);
    });
  }

  /**
   * The segments' rows of these ids that the base counts, expired, hidden or shadowed ones among them. Of an id there is
   * at most one (invariant 20).
   */
  locate(ids: readonly string[]): Awaitable<ReadonlyMap<string, LocatedRow>> {
    const { overlays } = this;
    const found = startAll(
      overlays.map(
        ({ segment }) =>
          () =>
            findRows(segment.file, ids),
      ),
    );
    return andThen(found, (rows) => {
      const located = new Map<string, LocatedRow>();
      rows.forEach((rowOf, i) => {
        const overlay = overlays[i]!;
        for (const [id, row] of rowOf) if (overlay.isAlive(row)) located.set(id, { overlay, row });
      });
      return located;
    });
  }

  /** What the segments hold of located rows, in their order, in one wave of reads. */
  records(
    located: readonly LocatedRow[],
    wanted: WantedParts = EVERY_PART,
  ): Awaitable<readonly SegmentRecord[]> {
    const { dimension } = this.schema;
    const read = groupRows(located).map((group) => () => readGroup(group, dimension, wanted));
    return andThen(startAll(read), (parts) => {
      const records: SegmentRecord[] = [];
      for (const part of parts) for (const [place, record] of part) records[place] = record;
      return records;
    });
  }

  /** Of the newest state. Requires: caught up. */
  counts(nowMs: number): TableCounts {
    let { visible, softDeleted, expired } = this.memtable.counts(nowMs);
    for (const overlay of this.overlays) {
      const counts = overlay.counts(nowMs);
      visible += counts.visible;
      softDeleted += counts.softDeleted;
      expired += counts.expired;
    }
    return { visible, softDeleted, expired };
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.memtable.release();
    for (const { segment } of this.#overlays ?? []) this.#options.segments.release(segment);
  }
}

interface RowGroup {
  readonly overlay: SegmentOverlay;
  readonly rows: Uint32Array;
  /** Where in the list they were. */
  readonly places: readonly number[];
}

function groupRows(located: readonly LocatedRow[]): readonly RowGroup[] {
  const places = new Map<SegmentOverlay, number[]>();
  located.forEach(({ overlay }, i) => {
    const known = places.get(overlay);
    if (known === undefined) places.set(overlay, [i]);
    else known.push(i);
  });
  return Array.from(places, ([overlay, list]) => ({
    overlay,
    rows: Uint32Array.from(list, (i) => located[i]!.row),
    places: list,
  }));
}

function readGroup(
  { overlay, rows, places }: RowGroup,
  dimension: number,
  wanted: WantedParts,
): Awaitable<readonly (readonly [place: number, record: SegmentRecord])[]> {
  const { file } = overlay.segment;
  // All three are asked for before any is waited for.
  const starts = [
    (): Awaitable<unknown> => (wanted.vector ? file.vectors(rows) : NO_VECTORS),
    (): Awaitable<unknown> => (wanted.metadata ? file.documents(rows) : []),
    (): Awaitable<unknown> => (wanted.seq ? file.seqs(rows) : []),
  ];
  return andThen(startAll(starts), (parts) => {
    const [read, texts, born] = parts as [Float32Array, readonly string[], ArrayLike<number>];
    return places.map((place, i) => [
      place,
      {
        vector: read.slice(i * dimension, (i + 1) * dimension),
        metadata: texts[i] ?? '',
        expiresMs: overlay.expiresMs(rows[i]!),
        seq: born[i] ?? 0,
      },
    ]);
  });
}
