/** A store with a clock of its own: each request takes as long as it is told, or fails, in simulated time. */
import type { Clock, Sleep } from '../../core/base/ports.js';
import type {
  GetOptions,
  GetResult,
  ListedObject,
  ListOptions,
  ObjectStore,
  PutOptions,
  PutResult,
  Upload,
} from '../../core/store/index.js';

interface Timer {
  readonly atMs: number;
  readonly ring: () => void;
}

export class SlowStore implements ObjectStore {
  readonly description = 'slow';
  nowMs = 0;
  /** Milliseconds that request number `at` takes, of all that were begun. */
  waitOf: (at: number) => number = () => 5;
  /** With what it fails at its end. */
  failureOf: (at: number) => Error | undefined = () => undefined;
  /** Keys of gets, as they began. */
  readonly asked: string[] = [];
  readonly options: (GetOptions | undefined)[] = [];
  mostInFlight = 0;
  #inFlight = 0;
  #begun = 0;
  readonly #inner: ObjectStore;
  readonly #timers = new Set<Timer>();

  constructor(inner: ObjectStore) {
    this.#inner = inner;
  }

  readonly clock: Pick<Clock, 'monotonicMs'> = { monotonicMs: () => this.nowMs };

  readonly sleep: Sleep = (ms, signal) =>
    new Promise((resolve) => {
      const ring = (): void => {
        this.#timers.delete(timer);
        signal?.removeEventListener('abort', ring);
        resolve();
      };
      const timer = { atMs: this.nowMs + ms, ring };
      this.#timers.add(timer);
      signal?.addEventListener('abort', ring);
    });

  /** Time goes on, timer by timer, until `end` has settled. */
  async runUntil<T>(end: Promise<T>): Promise<T> {
    const state = { settled: false };
    const note = (): void => void (state.settled = true);
    end.then(note, note);
    for (let steps = 0; ; steps++) {
      await turns();
      if (state.settled) break;
      const next = Math.min(...[...this.#timers].map(({ atMs }) => atMs));
      if (next === Infinity || steps > 100_000) throw new Error('nothing goes on');
      this.#ring(next);
    }
    return await end;
  }

  async pass(ms: number): Promise<void> {
    await this.runUntil(this.sleep(ms));
  }

  #ring(atMs: number): void {
    this.nowMs = atMs;
    for (const timer of this.#timers) {
      if (timer.atMs <= atMs) timer.ring();
    }
  }

  async #slowly<T>(request: () => Promise<T>): Promise<T> {
    const at = this.#begun++;
    this.mostInFlight = Math.max(this.mostInFlight, ++this.#inFlight);
    try {
      await this.sleep(this.waitOf(at));
      const failure = this.failureOf(at);
      if (failure !== undefined) throw failure;
      return await request();
    } finally {
      this.#inFlight -= 1;
    }
  }

  get(key: string, options?: GetOptions): Promise<GetResult> {
    this.asked.push(key);
    this.options.push(options);
    return this.#slowly(() => this.#inner.get(key, options));
  }

  put(key: string, bytes: Uint8Array, options: PutOptions): Promise<PutResult> {
    return this.#slowly(() => this.#inner.put(key, bytes, options));
  }

  async upload(key: string): Promise<Upload> {
    const upload = await this.#slowly(() => this.#inner.upload(key));
    return {
      write: (bytes) => this.#slowly(() => upload.write(bytes)),
      finish: () => this.#slowly(() => upload.finish()),
      abort: () => this.#slowly(() => upload.abort()),
    };
  }

  list(prefix: string, options?: ListOptions): Promise<readonly ListedObject[]> {
    return this.#slowly(() => this.#inner.list(prefix, options));
  }

  delete(keys: readonly string[]): Promise<void> {
    return this.#slowly(() => this.#inner.delete(keys));
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

/** Until everything has gone on that can without a timer. */
const turns = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
