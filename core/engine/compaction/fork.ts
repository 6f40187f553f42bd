/**
 * A state of one collection as another's first: what segments hold stays where it is, and what the log has over them is
 * written for the other, as a fold would: its rows into a segment without a graph, what it ended into deletions, and a
 * window without keys.
 */
import { headVersion, newNonce } from '../../base/ids.js';
import type { Kernel } from '../../kernel/index.js';
import { firstHead, segmentKey } from '../../log/index.js';
import type { Head, LogContext, LogPoint, NewHead, Origin, SegmentEntry } from '../../log/index.js';
import type { Memtable } from '../memtable/index.js';
import type { SegmentStore } from '../segments/index.js';
import { breathing } from './breath.js';
import { buildSegment } from './builder.js';
import type { BuiltSegment } from './builder.js';
import { HeadEditor } from './head-edit.js';
import { RowSet } from './row-set.js';
import { memtableSource } from './row-source.js';
import type { RowSource } from './row-source.js';

export interface ForkOptions {
  /** Of the collection to be. */
  readonly context: LogContext;
  readonly kernel: Kernel;
  readonly segments: SegmentStore;
  readonly head: Omit<NewHead, 'uid'> & Pick<Head, 'retentionMs'>;
  readonly origin: Origin;
  /** The log of the other, retained, and the segments below it. */
  readonly memtable: Memtable;
  readonly below: readonly SegmentEntry[];
  /** The end of that state. */
  readonly to: LogPoint;
}

/**
 * The first head of the other, which nobody has put yet. Cost: 1 PUT, and those of a segment, and 1 per segment with
 * ended rows.
 */
export async function forkState(options: ForkOptions): Promise<Head> {
  const { context, segments, head, origin, memtable, below, to } = options;
  const { retentionMs, ...made } = head;
  const first = { ...firstHead({ ...made, uid: context.uid }), retentionMs };
  if (to.seq === 0) return first;
  // The random name that objects of a job have; it is never listed, as nobody knows of the collection.
  const job = { nonce: newNonce(context.ports.random), inputs: [], startedMs: 0 };
  const source = memtableSource(memtable, to.seq, { storeMs: undefined, softDeleteDays: 0 });
  const output = source.rows === 0 ? undefined : await build(options, job.nonce, source);
  const editor = new HeadEditor({
    context,
    segments,
    schema: made.schema,
    job,
    fold: {
      from: first.foldedSeq,
      to,
      window: { seq: to.seq, reach: to.seq, entries: [] },
      ids: memtable.shadowed.slice(),
      writes: new Set(source.ids() as readonly string[]),
      endOf: (id) => memtable.shadow(id),
      restores: [],
      below,
    },
    inputs: [],
    output,
    rowsIn: source.rowsIn,
    rowsDropped: source.rowsIn - source.rows,
  });
  const retainedFrom = { version: headVersion(1), seq: to.seq };
  return { ...first, ...(await editor.edit(first)), gcFloor: to.seq, retainedFrom, origin };
}

async function build(
  { context, kernel, segments, head }: ForkOptions,
  nonce: string,
  source: RowSource,
): Promise<BuiltSegment> {
  const { ports, store, uid } = context;
  return await buildSegment({
    key: segmentKey(uid, nonce, 0),
    uid,
    store,
    digests: ports.digests,
    deflate: ports.deflate,
    kernel,
    schema: head.schema,
    rows: new RowSet([source]),
    inherited: undefined,
    evict: () => segments.residency.evictOldest(),
    flat: true,
    seed: 0,
    breathe: breathing(ports, { signal: undefined, waitedFor: undefined }),
  });
}
