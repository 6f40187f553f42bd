/**
 * What a compaction does to the head that is current when it commits: its inputs go, its output comes, and what the folded
 * log did to rows of the segments that stay is marked there. Asked again for every head that is met, because other jobs
 * commit meanwhile; objects that an earlier head needed already are used again.
 */
import { assertInternal, CairnError } from '../../base/errors.js';
import type { Sequence } from '../../base/ids.js';
import { limits } from '../../base/limits.js';
import { bytesToHex } from '../../base/bytes.js';
import { countBits } from '../../base/bitmap.js';
import { deletionsKey, sealWindow, windowKey, withSlots } from '../../log/index.js';
import type {
  AppliedRestore,
  CollectionSchema,
  Head,
  HeadEdit,
  Job,
  LogContext,
  LogPoint,
  SegmentEntry,
  WindowRef,
  WindowSnapshot,
} from '../../log/index.js';
import { encodeDeletions } from '../../segment/index.js';
import type { Deletions } from '../../segment/index.js';
import { putDecided } from '../../store/index.js';
import type { PageReading } from '../../store/index.js';
import { findRows, placeOf } from '../segments/index.js';
import type { LiveSegment, SegmentStore } from '../segments/index.js';
import type { BuiltSegment } from './builder.js';
import { DeletionsDraft, markEnds, markGained } from './deletions.js';
import type { RowEnd } from './deletions.js';
import { checkCompactedRows } from './rows-check.js';

/** What the folded slots say of records in segments. */
export interface FoldedLog {
  readonly from: Sequence;
  readonly to: LogPoint;
  readonly window: WindowSnapshot;
  /** Every id that the log names, and what it says of a segment's row of it. */
  readonly ids: readonly string[];
  /** Ids of which the output holds a row of the log. */
  readonly writes: ReadonlySet<string>;
  /** Restores in these slots. */
  readonly restores: readonly AppliedRestore[];
  /** What the last of them brought back, in the place of the head's segments; undefined where there is none. */
  readonly below: readonly SegmentEntry[] | undefined;
  endOf(id: string): Omit<RowEnd, 'row'> | undefined;
}

/** A segment that goes, as it was when its rows were copied. */
export interface CompactedInput {
  readonly segment: LiveSegment;
  /** The row in the output of each of its rows, -1 where it was dropped. */
  readonly outputRowOf: Int32Array;
}

export interface HeadEditorOptions {
  readonly context: LogContext;
  readonly segments: SegmentStore;
  readonly schema: CollectionSchema;
  readonly job: Job;
  readonly fold: FoldedLog | undefined;
  readonly inputs: readonly CompactedInput[];
  /** Undefined where no row is left. */
  readonly output: BuiltSegment | undefined;
  readonly reading?: PageReading | undefined;
  readonly rowsIn: number;
  readonly rowsDropped: number;
}

/** What the log says of rows of one segment. */
export async function endsIn(
  { file }: LiveSegment,
  fold: Pick<FoldedLog, 'ids' | 'endOf'>,
  reading?: PageReading,
): Promise<readonly RowEnd[]> {
  return endsOf(await findRows(file, fold.ids, reading), fold);
}

function endsOf(rowOf: ReadonlyMap<string, number>, fold: Pick<FoldedLog, 'endOf'>): readonly RowEnd[] {
  return Array.from(rowOf).flatMap(([id, row]): RowEnd[] => {
    const end = fold.endOf(id);
    return end === undefined ? [] : [{ row, ...end }];
  });
}

/** Jobs copy rows as they were before the restore. */
function restoredBy({ restores }: FoldedLog, head: Head): HeadEdit {
  const last = restores.at(-1);
  if (last === undefined) return {};
  return { restores: withSlots(head, restores), restoredSeq: last.at, jobs: [] };
}

export class HeadEditor {
  readonly #options: HeadEditorOptions;
  #objects = 0;
  #bytesWritten = 0;
  readonly #written = new Map<string, Uint8Array>();
  #window: WindowRef | undefined;
  /** By the segment and the deletions that it had: what became of them. */
  readonly #marked = new Map<string, SegmentEntry>();
  readonly #survivors = new Map<string, number>();
  #output: { readonly of: string; readonly entry: SegmentEntry } | undefined;

  constructor(options: HeadEditorOptions) {
    this.#options = options;
  }

  /** Of deletions and windows. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** Deletions and windows by their keys, but for large ones. A head may name them. */
  get written(): ReadonlyMap<string, Uint8Array> {
    return this.#written;
  }

  async edit(head: Head): Promise<HeadEdit> {
    const { fold, inputs, job } = this.#options;
    const going = new Set(job.inputs);
    const there = head.segments.filter(({ key }) => going.has(key));
    assertInternal(there.length === inputs.length, `inputs of job ${job.nonce} are gone from the head`);
    const staying = fold?.below ?? head.segments.filter(({ key }) => !going.has(key));
    const marked = fold === undefined ? staying : await this.#markAll(staying, fold);
    const output = await this.#outputEntry(there);
    this.#check();
    const segments = output === undefined ? marked : [...marked, output];
    if (fold === undefined) return { segments };
    assertInternal(head.foldedSeq === fold.from, `slots of job ${job.nonce} are folded already`);
    return {
      segments,
      foldedSeq: fold.to.seq,
      foldedChain: fold.to.chain,
      foldedLabel: fold.to.label,
      window: await this.#writeWindow(fold.window),
      ...restoredBy(fold, head),
    };
  }

  #check(): void {
    const { output, rowsIn, rowsDropped } = this.#options;
    const survivors = Array.from(this.#survivors, ([key, rows]) => ({ key, rows }));
    const rowsWritten = output?.entry.rows ?? 0;
    checkCompactedRows({ rowsIn, rowsDropped, rowsWritten, ids: output?.ids ?? [], survivors });
  }

  async #markAll(staying: readonly SegmentEntry[], fold: FoldedLog): Promise<readonly SegmentEntry[]> {
    const nameOf = ({ key, deletions }: SegmentEntry): string => `${key} ${deletions?.key ?? ''}`;
    const { context, segments, schema } = this.#options;
    const fresh = staying.filter((entry) => !this.#marked.has(nameOf(entry)));
    const opened = await segments.open(placeOf(context.store, schema), fresh);
    try {
      for (const [i, segment] of opened.entries()) {
        this.#marked.set(nameOf(fresh[i]!), await this.#mark(segment, fold));
      }
    } finally {
      for (const segment of opened) segments.release(segment);
    }
    return staying.map((entry) => this.#marked.get(nameOf(entry))!);
  }

  async #mark(segment: LiveSegment, fold: FoldedLog): Promise<SegmentEntry> {
    const { entry, deletions } = segment;
    const rowOf = await findRows(segment.file, fold.ids, this.#options.reading);
    const draft = new DeletionsDraft(entry.rows, deletions);
    markEnds(draft, endsOf(rowOf, fold), fold.to.seq);
    // Asked by what is written, not by what ended: the two must agree.
    let survivors = 0;
    for (const [id, row] of rowOf) if (fold.writes.has(id) && !draft.isDead(row)) survivors++;
    this.#survivors.set(entry.key, survivors);
    return draft.changed ? await this.#withDeletions(entry, draft.finish()) : entry;
  }

  async #outputEntry(inputsNow: readonly SegmentEntry[]): Promise<SegmentEntry | undefined> {
    const { output, inputs, segments, context, schema } = this.#options;
    if (output === undefined) return undefined;
    const of = inputsNow.map(({ key, deletions }) => `${key} ${deletions?.key ?? ''}`).join();
    if (this.#output?.of === of) return this.#output.entry;
    const draft = new DeletionsDraft(output.entry.rows);
    for (const { row, seq, ms } of output.hidden) draft.hide(row, seq, ms);
    for (const { segment, outputRowOf } of inputs) {
      const current = inputsNow.find(({ key }) => key === segment.entry.key)!;
      if (current.deletions?.key === segment.entry.deletions?.key) continue;
      const [now] = await segments.open(placeOf(context.store, schema), [current]);
      try {
        markGained(draft, { before: segment.deletions, now: now!.deletions, outputRowOf });
      } finally {
        segments.release(now!);
      }
    }
    const entry = await this.#withDeletions(output.entry, draft.finish());
    this.#output = { of, entry };
    return entry;
  }

  async #withDeletions(entry: SegmentEntry, deletions: Deletions | undefined): Promise<SegmentEntry> {
    if (deletions === undefined) return entry;
    const { context, job } = this.#options;
    const key = deletionsKey(context.uid, job.nonce, this.#objects++);
    const bytes = encodeDeletions(context.ports.digests, key, deletions);
    await this.#put(key, bytes);
    const dead = countBits(deletions.dead);
    return {
      ...entry,
      live: entry.rows - dead,
      deletions: {
        key,
        sha256: bytesToHex(context.ports.digests.sha256(bytes)),
        dead,
        hidden: deletions.hiddenRows.length,
      },
    };
  }

  async #writeWindow(snapshot: WindowSnapshot): Promise<WindowRef> {
    if (this.#window !== undefined) return this.#window;
    const { context, job } = this.#options;
    const { ref, bytes } = sealWindow(context.ports.digests, windowKey(context.uid, job.nonce), snapshot);
    await this.#put(ref.key, bytes);
    return (this.#window = ref);
  }

  /** The key is this job's alone: an object that is there already is an earlier try of this put. */
  async #put(key: string, bytes: Uint8Array): Promise<void> {
    const { store, ports } = this.#options.context;
    const result = await putDecided(store, ports, { key, bytes, if: 'absent' });
    if (result.status === 'unknown') {
      throw new CairnError('unavailable', 'store_unavailable', `the store did not take object ${key}`, {
        outcome: 'not_applied',
        retryAfterS: 1,
      });
    }
    this.#bytesWritten += bytes.length;
    if (bytes.length <= limits.rootBytes) this.#written.set(key, bytes);
  }
}
