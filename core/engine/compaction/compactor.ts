/**
 * One compaction: plan, list the job in the head, write, commit. The state may go on meanwhile, and others may compact
 * other segments; what the commit finds changed is taken into account (head-edit.ts). Nothing that was written is ever
 * deleted here: an output that no head names is garbage once its job is gone, and the collector's.
 */
import { assertInternal, CairnError, hasCode } from '../../base/errors.js';
import { row as asRow, sequence as asSequence } from '../../base/ids.js';
import type { Sequence } from '../../base/ids.js';
import { limits } from '../../base/limits.js';
import type { Tier, Work } from '../../base/limits.js';
import type { Kernel } from '../../kernel/index.js';
import { isCodedAs } from '../../index/index.js';
import {
  abandonJob,
  beatJob,
  beginJob,
  commitJob,
  mustNotName,
  mustReadHead,
  removeDeadJobs,
  segmentKey,
  tryGoneKey,
} from '../../log/index.js';
import type {
  AppliedRestore,
  CollectionLog,
  FoldRange,
  Head,
  Job,
  LogContext,
  LogPoint,
  LogState,
  SegmentEntry,
  WindowSnapshot,
} from '../../log/index.js';
import type { Memtable } from '../memtable/index.js';
import { placeOf } from '../segments/index.js';
import type { LiveSegment, SegmentStore } from '../segments/index.js';
import { SUBREQUESTS_EXHAUSTED } from '../../store/index.js';
import type { PageReading } from '../../store/index.js';
import type { Table } from '../table/index.js';
import { breathing } from './breath.js';
import type { Breathe, Cancellation } from './breath.js';
import { buildSegment } from './builder.js';
import type { BuiltSegment, InheritedGraph } from './builder.js';
import { codingFor } from './coding.js';
import { endsIn, HeadEditor } from './head-edit.js';
import type { CompactedInput, FoldedLog } from './head-edit.js';
import { hasMergeOfTier, inputsOf } from './inputs.js';
import { foldRowsMost, workOf } from './policy.js';
import type { Handler } from './policy.js';
import { memtableSource, segmentSource } from './row-source.js';
import type { DropRule, RowSource, SegmentRows } from './row-source.js';
import { putRoot } from './root-writer.js';
import { RowSet } from './row-set.js';

/** Of a graph of which more is gone the rest is not taken over. */
const KEPT_SHARE_MIN = 0.5;
/** Nor is one that would hold less than this of the rows: to link all at once is faster than to insert so many. */
const COPIED_SHARE_MIN = 0.5;

export interface CompactOptions {
  readonly log: CollectionLog<Table>;
  readonly kernel: Kernel;
  readonly segments: SegmentStore;
  /** Of this process. */
  readonly handler: Tier;
  /** Asked before the job is begun. Default: any job may. */
  readonly tryBegin?: ((job: Work) => boolean) | undefined;
  /** A writer's minor fold: the log alone, without a graph. */
  readonly flat?: boolean;
  readonly signal?: Cancellation | undefined;
  /** Whether others wait for this process. Default: nobody does. */
  readonly waitedFor?: () => boolean;
}

export interface CompactionResult {
  readonly foldedSlots: number;
  readonly segmentsWritten: number;
  readonly segmentsMerged: number;
  readonly rowsIn: number;
  readonly rowsWritten: number;
  readonly rowsDropped: number;
  readonly bytesWritten: number;
  /** Of the state that was compacted. */
  readonly sequence: Sequence;
  /** There is a job, and it may not begin. */
  readonly more: boolean;
  /** There is a job for a larger handler than this. */
  readonly tooLarge: boolean;
}

/** What a compaction goes by: a state at one moment. Holds the memtable. */
interface Capture {
  readonly base: Head;
  readonly memtable: Memtable;
  /** Where the fold ends: before the tail, where the log is more than this handler can fold at once. */
  readonly to: LogPoint;
  /** Rows and bytes of the log up to there, as far as they are not known to be dead. */
  readonly logRows: number;
  readonly logBytes: number;
  readonly window: WindowSnapshot;
  /** Ids that the log names and segments may hold. */
  readonly shadowed: readonly string[];
  /** Restores in the log. */
  readonly restores: readonly AppliedRestore[];
  /** Of the head that the last of them went back to; undefined where there is none. */
  readonly below: readonly SegmentEntry[] | undefined;
}

/**
 * Runs one job, if there is work for one and no other has it. Throws `compaction_cancelled`, `job_gone` (it was taken for
 * dead), `memory_budget_exceeded`, `unavailable`: then nothing is changed, unless the outcome is `unknown`.
 */
export async function compactOnce(options: CompactOptions): Promise<CompactionResult> {
  const { log } = options;
  const handler = whoCompacts(options);
  let captured = await capture(log, handler);
  if (mayHoldDeadJobs(captured.base, log.context)) {
    captured.memtable.release();
    await removeDeadJobs(log.context, limits.deadJobMs);
    captured = await capture(log, handler);
  }
  try {
    return await runCaptured(options, captured);
  } finally {
    captured.memtable.release();
  }
}

function whoCompacts({ handler: tier, kernel }: CompactOptions): Handler {
  return { tier, memoryBytes: kernel.pool.budgetBytes };
}

/** By this process's clock, which decides no more than whether the store is asked. */
function mayHoldDeadJobs({ jobs }: Head, { ports }: LogContext): boolean {
  const nowMs = ports.clock.wallMs();
  return jobs.some(({ startedMs }) => Math.abs(nowMs - startedMs) >= limits.deadJobMs);
}

/** A state on the newest head: what is read of one that is still to follow an older fold is planned in vain. */
async function capture(log: CollectionLog<Table>, handler: Handler): Promise<Capture> {
  for (let round = 0; round < limits.freshenRounds; round++) {
    const captured = await log.read('strong', (state): Capture | undefined => {
      const { seq } = state.position;
      // A head that was read beside the last probe may have folded slots that came after that.
      if (state.canRebase || state.head.head.foldedSeq > seq) return undefined;
      const { memtable } = state.sink;
      const { rows, deadRows } = memtable.memory();
      const end = state.restores.length > 0 ? undefined : partialFold(state, handler);
      const to = end?.to ?? seq;
      return {
        // Of the same records, but with the newest jobs.
        base: state.head.head,
        memtable: memtable.retain(),
        to: state.pointAt(to),
        logRows: to === state.head.head.foldedSeq ? 0 : (end?.rows ?? rows - deadRows),
        logBytes: state.unfolded.bytes,
        window: state.window.snapshot(to),
        shadowed: memtable.shadowed.slice(),
        restores: state.restores.slice(),
        below: state.restores.length === 0 ? undefined : state.sink.head.segments,
      };
    });
    if (captured !== undefined) return captured;
    await log.settle();
    // It will not get there in this invocation.
    if (hasCode(log.adoptionFailure, SUBREQUESTS_EXHAUSTED)) throw log.adoptionFailure;
  }
  const message = `no state on the newest head in ${limits.freshenRounds} rounds of reading`;
  throw new CairnError('unavailable', 'read_contended', message, { retryAfterS: 1 });
}

/** How far a fold goes, where not all of the log fits into the index that this handler may make. At least one slot. */
function partialFold(
  { head: { head }, sink: { memtable } }: LogState<Table>,
  handler: Handler,
): { readonly to: Sequence; readonly rows: number } | undefined {
  const { tier, dimension, metric, quantization, index } = head.schema;
  const most = foldRowsMost({ tier, handler, dimension, metric, quantization, m: index.m });
  if (memtable.rowCount <= most) return undefined;
  const bornOf = (at: number): Sequence => asSequence(memtable.lifeOf(asRow(at)).born);
  // The row behind the last that fits: what its slot wrote stays in the log, unless it is the first slot.
  let rows = most;
  while (rows > 0 && bornOf(rows - 1) === bornOf(rows)) rows--;
  const first = bornOf(0);
  if (rows === 0) while (rows < memtable.rowCount && bornOf(rows) === first) rows++;
  return { to: bornOf(rows - 1), rows };
}

async function runCaptured(options: CompactOptions, captured: Capture): Promise<CompactionResult> {
  const { log, flat = false } = options;
  const { base, to } = captured;
  const slots = to.seq - base.foldedSeq;
  // Segments that a restore brings back are not in the head yet: the fold comes first, and merges after it.
  const { logRows, logBytes } = captured;
  const handler = whoCompacts(options);
  const chosen = flat || captured.restores.length > 0 ? [] : inputsOf(base, { handler, logRows });
  const nothing = emptyResult(to.seq);
  if (slots === 0 && chosen.length === 0) {
    // Not of a minor fold, which leaves all segments alone.
    return { ...nothing, tooLarge: !flat && hasMergeOfTier(base, handler.memoryBytes) };
  }
  const inputs = chosen.map(({ key }) => key);
  const { dimension } = base.schema;
  const size = { dimension, logRows, logBytes, inputs: chosen, segments: base.segments.length };
  if (options.tryBegin?.(workOf(size)) === false) return { ...nothing, more: true };
  const fold = slots === 0 ? undefined : { from: base.foldedSeq, to: to.seq };
  const begun = await beginJob(log.context, { inputs, fold, restoredSeq: base.restoredSeq });
  if (begun === undefined) return nothing;
  const run = new JobRun(options, captured, begun.job, fold);
  try {
    return await run.run();
  } catch (error) {
    // The job may be committed, gone, or the store away: whoever comes later removes what is left of it.
    await abandonJob(log.context, begun.job).catch(() => {});
    const gone = tryGoneKey(error);
    // An input that was found open, or in the root, may have been missing all the while.
    if (gone !== undefined) mustNotName((await mustReadHead(log.context)).head, gone);
    throw error;
  } finally {
    run.release();
  }
}

function emptyResult(sequence: Sequence): CompactionResult {
  return {
    foldedSlots: 0,
    segmentsWritten: 0,
    segmentsMerged: 0,
    rowsIn: 0,
    rowsWritten: 0,
    rowsDropped: 0,
    bytesWritten: 0,
    sequence,
    more: false,
    tooLarge: false,
  };
}

/** Breathes, and lets others know now and then that the job is worked on. */
function beating({ log, signal, waitedFor }: CompactOptions, job: Job): Breathe {
  const { ports } = log.context;
  const breathe = breathing(ports, { signal, waitedFor });
  let toldMs = ports.clock.monotonicMs();
  return async () => {
    await breathe();
    const nowMs = ports.clock.monotonicMs();
    if (nowMs - toldMs < limits.jobBeatMs) return;
    toldMs = nowMs;
    await beatJob(log.context, job);
  };
}

class JobRun {
  readonly #options: CompactOptions;
  readonly #captured: Capture;
  readonly #job: Job;
  readonly #fold: FoldRange | undefined;
  readonly #breathe: Breathe;
  #opened: readonly LiveSegment[] = [];

  constructor(options: CompactOptions, captured: Capture, job: Job, fold: FoldRange | undefined) {
    this.#options = options;
    this.#captured = captured;
    this.#job = job;
    this.#fold = fold;
    this.#breathe = beating(options, job);
  }

  release(): void {
    for (const segment of this.#opened) this.#options.segments.release(segment);
    this.#opened = [];
  }

  async run(): Promise<CompactionResult> {
    const { segments, log } = this.#options;
    const { base, to } = this.#captured;
    const entries = base.segments.filter(({ key }) => this.#job.inputs.includes(key));
    this.#opened = await segments.open(placeOf(log.context.store, base.schema), entries);
    const fromSegments = await this.#segmentSources();
    const fromLog = this.#logSource();
    const sources: readonly RowSource[] = fromLog === undefined ? fromSegments : [...fromSegments, fromLog];
    const rows = new RowSet(sources);
    const rowsIn = sources.reduce((sum, source) => sum + source.rowsIn, 0);
    const output =
      rows.rows === 0 ? undefined : await this.#build(rows, this.#inherited(fromSegments, rows.rows));
    await this.#breathe();
    const editor = new HeadEditor({
      context: log.context,
      segments,
      schema: base.schema,
      job: this.#job,
      fold: this.#foldedLog(fromLog),
      inputs: this.#inputs(fromSegments, rows, output),
      output,
      reading: this.#reading,
      rowsIn,
      rowsDropped: rowsIn - rows.rows,
    });
    const head = await commitJob(log.context, this.#job, (current) => editor.edit(current));
    await putRoot({ context: log.context, head, written: editor.written });
    return {
      foldedSlots: this.#fold === undefined ? 0 : this.#fold.to - this.#fold.from,
      segmentsWritten: output === undefined ? 0 : 1,
      segmentsMerged: entries.length,
      rowsIn,
      rowsWritten: rows.rows,
      rowsDropped: rowsIn - rows.rows,
      bytesWritten: (output?.entry.bytes ?? 0) + editor.bytesWritten,
      sequence: to.seq,
      more: false,
      tooLarge: false,
    };
  }

  /** A handler of the edge tier counts requests. */
  get #reading(): PageReading {
    return { fewRequests: this.#options.handler === 'edge' };
  }

  get #rule(): DropRule {
    const { to, base } = this.#captured;
    return { storeMs: to.storeMs, softDeleteDays: base.schema.softDeleteDays };
  }

  async #segmentSources(): Promise<readonly SegmentRows[]> {
    const { base, to, shadowed } = this.#captured;
    const rule = this.#rule;
    const says = { ids: this.#fold === undefined ? [] : shadowed, endOf: this.#endOf };
    const ends = await Promise.all(this.#opened.map((segment) => endsIn(segment, says, this.#reading)));
    return this.#opened.map((segment, i) =>
      segmentSource({
        segment,
        dimension: base.schema.dimension,
        ends: ends[i]!,
        folded: to.seq,
        rule,
        reading: this.#reading,
      }),
    );
  }

  #logSource(): RowSource | undefined {
    const { memtable, to } = this.#captured;
    return this.#fold === undefined ? undefined : memtableSource(memtable, to.seq, this.#rule);
  }

  readonly #endOf = (id: string): ReturnType<FoldedLog['endOf']> => {
    const shadow = this.#captured.memtable.shadow(id);
    if (shadow === undefined) return undefined;
    const { endedAt, hiddenAt, hiddenMs } = shadow;
    return { endedAt, hiddenAt, hiddenMs };
  };

  /** The graph of the largest input, unless a new one is better. */
  #inherited(sources: readonly SegmentRows[], rows: number): InheritedGraph | undefined {
    const { residency } = this.#options.segments;
    let best: number | undefined;
    for (const [i, source] of sources.entries()) {
      const { entry } = this.#opened[i]!;
      if (!entry.graph || source.rows < entry.rows * KEPT_SHARE_MIN) continue;
      if (best === undefined || source.rows > sources[best]!.rows) best = i;
    }
    if (best === undefined || sources[best]!.rows < rows * COPIED_SHARE_MIN) return undefined;
    const { file, recallCurve } = this.#opened[best]!;
    const { schema } = this.#captured.base;
    return {
      source: best,
      sourceRowOf: sources[best]!.sourceRowOf,
      // What another coding finds says nothing of this one.
      curve: isCodedAs(file.numbers, codingFor(schema)) ? recallCurve : undefined,
      withGraph: (use) =>
        residency.withIndex(file, 'nothing', ({ index }) => {
          const graph = index.graph();
          assertInternal(graph !== undefined, `segment ${this.#opened[best]!.entry.key} has no graph`);
          use(graph);
        }),
    };
  }

  async #build(rows: RowSet, inherited: InheritedGraph | undefined): Promise<BuiltSegment> {
    const { kernel, log, segments, flat = false } = this.#options;
    const { ports, store, uid } = log.context;
    const seed = new DataView(ports.random.fill(new Uint8Array(4)).buffer).getUint32(0);
    return await buildSegment({
      key: segmentKey(uid, this.#job.nonce, 0),
      uid,
      store,
      digests: ports.digests,
      deflate: ports.deflate,
      kernel,
      schema: this.#captured.base.schema,
      rows,
      inherited,
      evict: () => segments.residency.evictOldest(),
      flat,
      seed,
      breathe: this.#breathe,
    });
  }

  #foldedLog(fromLog: RowSource | undefined): FoldedLog | undefined {
    if (this.#fold === undefined || fromLog === undefined) return undefined;
    const { to, window, shadowed, restores, below } = this.#captured;
    return {
      from: this.#fold.from,
      to,
      window,
      ids: shadowed,
      restores,
      below,
      writes: new Set(fromLog.ids() as readonly string[]),
      endOf: this.#endOf,
    };
  }

  #inputs(
    sources: readonly SegmentRows[],
    rows: RowSet,
    output: BuiltSegment | undefined,
  ): readonly CompactedInput[] {
    return sources.map(({ sourceRowOf }, i) => ({
      segment: this.#opened[i]!,
      outputRowOf: sourceRowOf.map((row) => (row < 0 ? -1 : output!.fileRowOf[rows.firstOf(i) + row]!)),
    }));
  }
}
