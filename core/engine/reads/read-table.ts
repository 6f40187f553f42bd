/**
 * The loop around every read: a state may be used only in the step in which the log gives it out, and is exact only once
 * its overlays have heard of all that the log names. Where that takes pages that are not in memory, they are read first
 * and the state is asked for once more. A read as of a sequence that is folded already gets a state of its own.
 */
import { andThen } from '../../base/awaitable.js';
import type { Awaitable } from '../../base/awaitable.js';
import { assertInternal, CairnError } from '../../base/errors.js';
import { sequence } from '../../base/ids.js';
import { limits } from '../../base/limits.js';
import { mustNotKeep, mustNotName, notKept, notYet, tryGoneKey } from '../../log/index.js';
import type { CollectionLog, Head, LogState } from '../../log/index.js';
import { NEWEST } from '../memtable/index.js';
import type { View } from '../memtable/index.js';
import type { Table } from '../table/index.js';

export interface TableRead<T> {
  readonly consistency: 'strong' | 'eventual';
  /** The state after this commit is read; undefined: the newest. */
  readonly asOf?: number | undefined;
  /** Where the state is loaded for this read: may begin to read what `use` will, of segments that are open. */
  foresee?(table: Table): void;
  /** What else has to be there before `use`. Asked again after each wait, until there is nothing to wait for. */
  prepare?(state: LogState<Table>): Awaitable<void>;
  /** Takes what it needs of the state at once; what it answers may wait for reads of segments. */
  use(state: LogState<Table>): Awaitable<T>;
}

type Attempt<T> =
  | { readonly answer: Awaitable<T> }
  | { readonly pending: Promise<void> }
  /** Segments hold what came after, or a restore undid it: the state as of then has to be made. */
  | { readonly folded: Head };

/** A read that was begun on a state of the log in the step that gave it out. */
export interface BegunRead<T> {
  readonly state: LogState<Table>;
  readonly tried: Attempt<T>;
}

/**
 * Where a collector deleted a segment under a read, a newer head names others, and all is read anew: what was found
 * before is dropped. Goes on from where it was `begun`. Throws `corrupt` where no newer head does, `object_gone` where that does
 * not end.
 */
export async function readTable<T>(
  log: CollectionLog<Table>,
  read: TableRead<T>,
  begun?: BegunRead<T>,
): Promise<T> {
  for (let round = 0; ; round++) {
    try {
      return await readOnce(log, read, round === 0 ? begun : undefined);
    } catch (error) {
      const key = tryGoneKey(error);
      if (key === undefined || round === limits.goneRounds) throw error;
      mustNotName((await log.load()).base, key);
    }
  }
}

async function readOnce<T>(
  log: CollectionLog<Table>,
  read: TableRead<T>,
  begun: BegunRead<T> | undefined,
): Promise<T> {
  for (let round = 0; round < limits.freshenRounds; round++) {
    const first = round === 0 ? begun : undefined;
    const { state: used, tried: looked } =
      first ??
      (await log.read(
        read.consistency,
        (state) => beginRead(state, read),
        (table) => read.foresee?.(table),
      ));
    let tried = looked;
    for (let wait = 0; ; wait++) {
      if ('answer' in tried) return await tried.answer;
      if ('folded' in tried) return await readPast(log, tried.folded, read);
      await tried.pending;
      if (used !== log.state || wait === limits.freshenRounds) break;
      tried = tryUse(used, read);
    }
  }
  throw contended();
}

/** On a state that nobody else has, so that it stays what it is. Throws `sequence_out_of_range`. */
async function readPast<T>(log: CollectionLog<Table>, head: Head, read: TableRead<T>): Promise<T> {
  const seq = sequence(read.asOf!);
  const state = await log.past(head, seq);
  if (state === undefined) throw notKept((await log.loaded()).head.head, seq);
  try {
    for (let wait = 0; wait <= limits.freshenRounds; wait++) {
      const tried = tryUse(state, read);
      if ('answer' in tried) return await tried.answer;
      assertInternal('pending' in tried, `a state as of ${seq} that is past it`);
      await tried.pending;
    }
  } catch (error) {
    const key = tryGoneKey(error);
    if (key === undefined) throw error;
    await mustNotKeep(log.context, seq, key);
    throw notKept((await log.loaded()).head.head, seq);
  } finally {
    state.sink.release();
  }
  throw contended();
}

function contended(): CairnError {
  return new CairnError('unavailable', 'read_contended', `no exact state in ${limits.freshenRounds} rounds`, {
    retryAfterS: 1,
  });
}

/** Requires: the state may be used in this step. */
export function beginRead<T>(state: LogState<Table>, read: TableRead<T>): BegunRead<T> {
  return { state, tried: tryUse(state, read) };
}

/** The answer, where it was there at once. Else the read is to be gone on with: until then it fails in silence (`Table.during`). */
export function tryAnswer<T>({ tried }: BegunRead<T>): T | undefined {
  return 'answer' in tried && !(tried.answer instanceof Promise) ? tried.answer : undefined;
}

function tryUse<T>(state: LogState<Table>, read: TableRead<T>): Attempt<T> {
  const { sink } = state;
  const { asOf } = read;
  if (asOf !== undefined && asOf < state.since) return { folded: state.head.head };
  const pending = andThen(sink.catchUp(), () => read.prepare?.(state));
  if (pending instanceof Promise) return { pending: sink.during(pending) };
  const answer = read.use(state);
  return { answer: answer instanceof Promise ? sink.during(answer) : answer };
}

/** What a caller asked to see. */
export interface WantedView {
  readonly asOf?: number | undefined;
  readonly includeDeleted: boolean;
}

/** Requires: the state has not folded past `asOf`. Throws `sequence_out_of_range`. */
export function viewOf(state: LogState<Table>, { asOf, includeDeleted }: WantedView, nowMs: number): View {
  const { seq } = state.position;
  if (asOf !== undefined && asOf > seq) throw notYet(asOf, seq);
  return { asOf: asOf === undefined || asOf === seq ? NEWEST : asOf, nowMs, includeDeleted };
}

/** A view that stays what it is while the log goes on: as of the state's own sequence instead of the newest. */
export function pinned(view: View, state: LogState<Table>): View {
  return view.asOf === NEWEST ? { ...view, asOf: state.position.seq } : view;
}
