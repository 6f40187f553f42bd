/**
 * What a lane is about to do and what it was told, one line of JSON each, so that the model outlives the process:
 *
 *   state   the model, first line
 *   do      number, operation, what was drawn, and the highest sequence known; written before the request is made
 *   did     what was answered
 *
 * The file begins anew with every process and every rest; what it held goes to the end of another, `.past`, as evidence.
 *
 * A `do` without its `did` at the end is in doubt. Lines are written at once, and what the kernel has taken outlives the
 * process, so nothing is fsynced. Only a machine that stops could lose a line, and no run survives that.
 */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { LaneModel } from './lane-model.js';
import type { ModelState } from './lane-model.js';
import type { Lane } from './lanes.js';
import { operations } from './operations.js';
import type { Told } from './operations.js';

/** One operation as it was drawn. */
export interface Entry {
  readonly n: number;
  readonly kind: string;
  readonly spec: unknown;
  /** The highest sequence of the collection that was known: a first tail that its repeats may name. */
  readonly tail: number;
}

export interface Answered {
  readonly entry: Entry;
  readonly told: Told;
}

type Line =
  | { readonly t: 'state'; readonly n: number; readonly state: ModelState }
  /** With the times, for whoever has to find out what went wrong. */
  | ({ readonly t: 'do'; readonly at: string } & Entry)
  | { readonly t: 'did'; readonly at: string; readonly told: Told };

const ANSWERED_KEPT = 12;
const TAIL_BYTES = 16_384;

export class Journal {
  readonly model: LaneModel;
  /** Has no answer: it may have had its effect or not. */
  pending: Entry | undefined;
  /** The last keyed ones on the collection as it is now, newest first. */
  answered: readonly Answered[] = [];
  readonly #path: string;
  #n = 0;
  #fd: number;

  /** Takes up what an earlier process left. */
  constructor(path: string, lane: Lane) {
    this.#path = path;
    const lines = existsSync(path) ? linesOf(path) : [];
    const [first] = lines;
    this.model = first?.t === 'state' ? LaneModel.of(lane, first.state) : new LaneModel(lane);
    if (first?.t === 'state') this.#n = first.n;
    for (const line of lines) this.#replay(line);
    this.#fd = this.#rewritten();
  }

  #replay(line: Line): void {
    if (line.t === 'do') {
      this.pending = line;
      this.#n = line.n + 1;
    } else if (line.t === 'did') this.#apply(line.told);
  }

  /** Operations so far. */
  get begun(): number {
    return this.#n;
  }

  begin(kind: string, spec: unknown): Entry {
    const entry = { n: this.#n++, kind, spec, tail: this.model.tail };
    this.pending = entry;
    this.#append({ t: 'do', at: now(), ...entry });
    return entry;
  }

  /** Throws where the counts that were told are not those that the model expects. */
  end(told: Told): void {
    this.#append({ t: 'did', at: now(), told });
    this.#apply(told);
  }

  #apply(told: Told): void {
    const entry = this.pending!;
    const { apply, keyed } = operations.get(entry.kind)!;
    const expected = apply(this.model, entry.spec, told);
    assert.deepEqual(told.counts, expected, `counts of ${entry.kind} ${entry.n}`);
    this.pending = undefined;
    if (keyed && told.sequence !== undefined) this.#answer({ entry, told }, told.sequence);
    if (entry.kind === 'create' || entry.kind === 'drop') this.answered = [];
  }

  #answer(answered: Answered, sequence: number): void {
    const { model } = this;
    const { kind, n, tail } = answered.entry;
    assert.ok(sequence > tail, `${kind} ${n} is at ${sequence}, begun after ${tail} was known`);
    model.tail = Math.max(model.tail, sequence);
    this.answered = [answered, ...this.answered].slice(0, ANSWERED_KEPT);
  }

  /** As short as can be, for the next process and for whoever compares. */
  close(): void {
    closeSync(this.#fd);
    closeSync(this.#rewritten());
  }

  #append(line: Line): void {
    writeSync(this.#fd, `${JSON.stringify(line)}\n`);
  }

  /** The whole file anew, by a rename, so that there is always one. Answers with it, open for what follows. */
  #rewritten(): number {
    const state: Line = { t: 'state', n: this.#n, state: this.model.toState() };
    const pending: readonly Line[] =
      this.pending === undefined ? [] : [{ t: 'do', at: now(), ...this.pending }];
    if (existsSync(this.#path)) appendFileSync(`${this.#path}.past`, readFileSync(this.#path));
    const next = `${this.#path}.next`;
    writeFileSync(next, [state, ...pending].map((line) => `${JSON.stringify(line)}\n`).join(''));
    renameSync(next, this.#path);
    return openSync(this.#path, 'a');
  }
}

/** The model that a journal holds, of a process that is no more or waits. Throws where something is in doubt. */
export function readModel(path: string, lane: Lane): LaneModel {
  const [first, ...rest] = linesOf(path);
  assert.ok(first?.t === 'state' && rest.length === 0, `${path} is not at rest`);
  return LaneModel.of(lane, first.state);
}

function now(): string {
  return new Date().toISOString();
}

/** The highest sequence that the newest lines say was answered. Of a lane that others write to at this moment, too. */
export function newestTold(path: string): number {
  if (!existsSync(path)) return 0;
  const fd = openSync(path, 'r');
  try {
    const tail = Buffer.alloc(TAIL_BYTES);
    const from = Math.max(0, fstatSync(fd).size - TAIL_BYTES);
    const text = tail.toString('utf8', 0, readSync(fd, tail, 0, TAIL_BYTES, from));
    // The first line and the last one may be cut.
    const lines = text.split('\n').slice(1, -1);
    const told = lines
      .map((line) => JSON.parse(line) as Line)
      .flatMap((line) => (line.t === 'did' ? line.told : []));
    return Math.max(0, ...told.map(({ sequence = 0 }) => sequence));
  } finally {
    closeSync(fd);
  }
}

/** A line that a kill cut off was not written: what it would have said was not begun. */
function linesOf(path: string): readonly Line[] {
  const whole = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return whole.map((line) => JSON.parse(line) as Line);
}
