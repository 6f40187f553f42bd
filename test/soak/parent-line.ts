/** The line to the parent, seen from a child. */
import { join } from 'node:path';
import type { Order, Part, Word } from './messages.js';

const TALLY_MS = 250;

export function say(word: Word): void {
  process.send!(word);
}

/** The run's folders. */
export function storeOf({ folder }: Pick<Part, 'folder'>): string {
  return `file:${join(folder, 'store')}`;
}

export function journalOf({ folder }: Pick<Part, 'folder'>, lane: number): string {
  return join(folder, 'journal', `lane-${lane}.ndjson`);
}

/** The last order given, and a wait for others. */
export class Orders {
  #last: Order = 'resume';
  #changed: () => void = () => {};
  readonly #stop = new AbortController();

  constructor() {
    process.on('message', (order: Order) => {
      this.#last = order;
      if (order === 'stop') this.#stop.abort();
      this.#changed();
    });
  }

  get last(): Order {
    return this.#last;
  }

  /** Aborted by the order to stop. */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  async until(...wanted: readonly Order[]): Promise<Order> {
    while (!wanted.includes(this.#last)) await new Promise<void>((resolve) => (this.#changed = resolve));
    return this.#last;
  }
}

/** Counts what happens, and tells the parent now and then: a kill loses the last of it. */
export class Tallies {
  #counts: Record<string, number> = {};
  readonly #timer = setInterval(() => this.tell(), TALLY_MS);

  readonly add = (what: string, more = 1): void => {
    this.#counts[what] = (this.#counts[what] ?? 0) + more;
  };

  tell(): void {
    if (Object.keys(this.#counts).length === 0) return;
    say({ is: 'tally', counts: this.#counts });
    this.#counts = {};
  }

  end(): void {
    clearInterval(this.#timer);
    this.tell();
  }
}
