/**
 * Whether a history is linearizable, told from outside: from what callers sent and were answered and when, without a
 * sequence number or anything else that the engine says of itself (Wing and Gong 1993, with the states that were seen
 * before remembered, Lowe 2017). One collection is one object: a map that writes change and strong reads show whole.
 *
 * A write without an answer may take effect at any time after it began, or never. So may one that was reported as not
 * applied for all that this check knows: that it never does is looked at elsewhere.
 */
import type { Call, Seen, WriteInput } from './history.js';

/** Of one search. A history that takes more is not decided, and counted. */
const STATES_MAX = 200_000;

interface Operation {
  readonly startStep: number;
  /** Infinity where there was no answer. */
  readonly endStep: number;
  readonly must: boolean;
  readonly write: WriteInput | undefined;
  readonly seen: string | undefined;
}

export type Verdict = 'linearizable' | 'not linearizable' | 'too long';

interface Stored {
  readonly x: number;
  readonly document: Readonly<Record<string, number>>;
  readonly hidden: boolean;
}

type State = ReadonlyMap<string, Stored>;

export function checkLinearizable(calls: readonly Call[]): Verdict {
  const operations = calls.flatMap(toOperation).sort((a, b) => a.startStep - b.startStep);
  const search = new Search(operations);
  return search.run();
}

function toOperation(call: Call): Operation[] {
  const { startStep, endStep } = call;
  if (call.kind === 'read') {
    if (call.consistency !== 'strong') return [];
    return [{ startStep, endStep, must: true, write: undefined, seen: textOfSeen(call.seen) }];
  }
  const must = call.end === 'acknowledged';
  return [{ startStep, endStep: must ? endStep : Infinity, must, write: call.input, seen: undefined }];
}

class Search {
  readonly #operations: readonly Operation[];
  readonly #done: Uint8Array;
  readonly #visited = new Set<string>();
  #left: number;

  constructor(operations: readonly Operation[]) {
    this.#operations = operations;
    this.#done = new Uint8Array(operations.length);
    this.#left = operations.filter(({ must }) => must).length;
  }

  run(): Verdict {
    const found = this.#from(new Map());
    if (this.#visited.size >= STATES_MAX) return 'too long';
    return found ? 'linearizable' : 'not linearizable';
  }

  /** Whether what is left can be put in an order from this state on. */
  #from(state: State): boolean {
    if (this.#left === 0) return true;
    const known = `${this.#done.join('')} ${textOf(state)} ${hiddenOf(state)}`;
    if (this.#visited.has(known) || this.#visited.size >= STATES_MAX) return false;
    this.#visited.add(known);
    let firstEnd = Infinity;
    this.#operations.forEach((operation, i) => {
      if (this.#done[i] === 0) firstEnd = Math.min(firstEnd, operation.endStep);
    });
    const { length } = this.#operations;
    for (let i = 0; i < length; i++) {
      const operation = this.#operations[i]!;
      // What began after another ended cannot come before it.
      if (operation.startStep > firstEnd) break;
      if (this.#done[i] === 1) continue;
      const next = step(state, operation);
      if (next === undefined) continue;
      this.#done[i] = 1;
      if (operation.must) this.#left--;
      if (this.#from(next)) return true;
      this.#done[i] = 0;
      if (operation.must) this.#left++;
    }
    return false;
  }
}

/** Undefined where the operation cannot have been answered so in this state. */
function step(state: State, { write, seen }: Operation): State | undefined {
  if (write === undefined) return seen === textOf(state) ? state : undefined;
  const next = new Map(state);
  for (const { id, x } of write.upsert ?? []) next.set(id, { x, document: { v: x }, hidden: false });
  for (const id of write.remove ?? []) next.delete(id);
  for (const [ids, hidden] of [
    [write.hide ?? [], true],
    [write.restore ?? [], false],
  ] as const) {
    for (const id of ids) {
      const known = next.get(id);
      if (known !== undefined) next.set(id, { ...known, hidden });
    }
  }
  const { patch } = write;
  const found = patch === undefined ? undefined : next.get(patch.id);
  if (patch !== undefined && found !== undefined && !found.hidden) {
    next.set(patch.id, { ...found, document: { ...found.document, p: patch.p } });
  }
  return next;
}

/** Soft-deleted records show in no read, and come back as they were. */
function hiddenOf(state: State): string {
  return JSON.stringify([...state].filter(([, { hidden }]) => hidden).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What a read of the state shows. */
function textOf(state: State): string {
  return [...state]
    .filter(([, { hidden }]) => !hidden)
    .map(([id, { x, document }]) => `${id}=${x} ${JSON.stringify(document)}`)
    .sort()
    .join(';');
}

function textOfSeen(seen: Seen): string {
  return Object.entries(seen)
    .map(([id, text]) => `${id}=${text}`)
    .sort()
    .join(';');
}
