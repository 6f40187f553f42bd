/**
 * The loop around every read: a state may be used only in the step in which the log gives it out, and is exact only once
 * its overlays have heard of all that the log names. Where that takes pages that are not in memory, they are read first
 * and the state is asked for once more.
 */
import { andThen } from '../../base/awaitable.js';
import type { Awaitable } from '../../base/awaitable.js';
import { CairnError, corrupt, invalid } from '../../base/errors.js';
import { limits } from '../../base/limits.js';
import { tryGoneKey } from '../../log/index.js';
import type { CollectionLog, Head, LogState } from '../../log/index.js';
import { NEWEST } from '../memtable/index.js';
import type { View } from '../memtable/index.js';
import type { Table } from '../table/index.js';

/** A table, and the sequence up to which it was written. */
export type TableState = Pick<LogState<Table>, 'sink' | 'position'>;

export interface TableRead<T> {
  readonly consistency: 'strong' | 'eventual';
  /** What else has to be there before `use`. Asked again after each wait, until there is nothing to wait for. */
  readonly prepare?: (state: LogState<Table>) => Awaitable<void>;
  /** Takes what it needs of the state at once; what it answers may wait for reads of segments. */
  readonly use: (state: LogState<Table>) => Awaitable<T>;
}

type Attempt<T> = { readonly answer: Awaitable<T> } | { readonly pending: Promise<void> };

/**
 * Where a collector deleted a segment under a read, a newer head names others, and all is read anew: what was found
 * before is dropped. Throws `corrupt` where no newer head does, `object_gone` where that does not end.
 */
export async function readTable<T>(log: CollectionLog<Table>, read: TableRead<T>): Promise<T> {
  for (let round = 0; ; round++) {
    try {
      return await readOnce(log, read);
    } catch (error) {
      if (round === limits.goneRounds) throw error;
      await reloadWhereGone(log, error);
    }
  }
}

/** Reads the newest head where `error` says that an object was gone. Throws `error` where it does not, or `corrupt`. */
export async function reloadWhereGone(log: CollectionLog<Table>, error: unknown): Promise<void> {
  const key = tryGoneKey(error);
  if (key === undefined) throw error;
  mustNotName((await log.load()).base, key);
}

/** Of a head that was read after the object was missed: what it names is never collected. Throws `corrupt`. */
function mustNotName({ segments }: Head, key: string): void {
  if (!segments.some((segment) => segment.key === key || segment.deletions?.key === key)) return;
  throw corrupt({ key, offset: 0, expected: 'an object, as the head names it', found: 'no object' });
}

async function readOnce<T>(log: CollectionLog<Table>, read: TableRead<T>): Promise<T> {
  for (let round = 0; round < limits.freshenRounds; round++) {
    let used: LogState<Table> | undefined;
    let tried = await log.read(read.consistency, (state) => {
      used = state;
      return tryUse(state, read);
    });
    for (let wait = 0; ; wait++) {
      if ('answer' in tried) return await tried.answer;
      await tried.pending;
      if (used === undefined || used !== log.state || wait === limits.freshenRounds) break;
      tried = tryUse(used, read);
    }
  }
  throw new CairnError('unavailable', 'read_contended', `no exact state in ${limits.freshenRounds} rounds`, {
    retryAfterS: 1,
  });
}

function tryUse<T>(state: LogState<Table>, { prepare, use }: TableRead<T>): Attempt<T> {
  const { sink } = state;
  const pending = andThen(sink.catchUp(), () => prepare?.(state));
  if (pending instanceof Promise) return { pending: sink.during(pending) };
  const answer = use(state);
  return { answer: answer instanceof Promise ? sink.during(answer) : answer };
}

/** Throws `sequence_out_of_range` where the state cannot answer as of that sequence. */
export function mustTellOf(asOf: number, { sink, position }: TableState): void {
  const { seq } = position;
  if (asOf > seq) {
    const message = `as_of ${asOf} has not happened yet: the collection is at sequence ${seq}`;
    throw invalid('sequence_out_of_range', message, { as_of: asOf, sequence: seq });
  }
  const { foldedSeq } = sink.head;
  if (asOf >= foldedSeq) return;
  const message = `as_of ${asOf} is no longer kept: the oldest sequence is ${foldedSeq}`;
  throw invalid('sequence_out_of_range', message, { as_of: asOf, oldest: foldedSeq });
}

/** A view that stays what it is while the log goes on: as of the state's own sequence instead of the newest. */
export function pinned(view: View, state: TableState): View {
  return view.asOf === NEWEST ? { ...view, asOf: state.position.seq } : view;
}
