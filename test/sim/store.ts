/**
 * One process's way to the bucket: each request takes its time to arrive, happens at once, and its answer takes its time
 * to come back. Faults are those of `faults.ts`.
 */
import { CairnError } from '../../core/base/errors.js';
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
import { concatBytes } from '../../core/base/bytes.js';
import type { Fault, Operation } from './faults.js';
import type { SimProcess } from './process.js';

const unavailable = (key: string, retryAfterS?: number): CairnError =>
  new CairnError('unavailable', 'store_unavailable', `the store did not answer for ${key}`, {
    ...(retryAfterS === undefined ? {} : { retryAfterS }),
  });

const diskFull = (): CairnError =>
  new CairnError('unavailable', 'disk_full', 'no space left', { outcome: 'not_applied' });

/** Put faults after which the object is not there, or not yet. */
const NOT_NOW: ReadonlySet<Fault> = new Set(['lost', 'late', 'conflict', 'throttled']);

interface Request {
  arrived: boolean;
  dropped: boolean;
}

export class SimStore implements ObjectStore {
  readonly description = 'simulated:';
  readonly #process: SimProcess;
  readonly #inFlight = new Set<Request>();

  constructor(process: SimProcess) {
    this.#process = process;
  }

  /** What was on its way arrives, or does not. */
  die(): void {
    for (const request of this.#inFlight) {
      if (!request.arrived && this.#process.chance.happens(0.5)) request.dropped = true;
    }
  }

  #request<T>(operation: Operation, key: string, happen: (fault: Fault | undefined) => T): Promise<T> {
    const { around, chance, nature, lane, name } = this.#process;
    const { world, faults, report } = around;
    const usual = (): number => 1 + chance.below(nature.latencyMs);
    const fault = faults.next(operation);
    if (fault !== undefined) report.fault(`${operation} ${fault}`);
    report.operations++;
    const stale = faults.staleMs(operation, key, lane);
    const slow = stale > 0 ? stale : fault === 'slow' ? faults.delayMs(usual()) : 0;
    const slowToArrive = stale > 0 || (slow > 0 && chance.happens(0.5));
    const request: Request = { arrived: false, dropped: false };
    this.#inFlight.add(request);
    return new Promise((resolve, reject) => {
      const arrive = (): void => {
        this.#inFlight.delete(request);
        if (request.dropped) return;
        request.arrived = true;
        world.note(`${name} ${operation} ${key} ${fault ?? ''}`);
        let answer: () => void;
        try {
          const value = happen(fault);
          answer = () => resolve(value);
        } catch (error) {
          answer = () => reject(error);
        }
        this.#process.deliver(world.nowMs + usual() + (slowToArrive ? 0 : slow), slow > 0, answer);
      };
      world.plan({
        atMs: world.nowMs + usual() + (slowToArrive ? slow : 0),
        lane,
        timer: slow > 0,
        run: arrive,
      });
    });
  }

  get(key: string, options: GetOptions = {}): Promise<GetResult> {
    return this.#request('get', key, (fault) => {
      if (fault === 'unavailable') throw unavailable(key);
      const result = this.#process.around.bucket.get(key, options);
      if (result.status === 'absent' && this.#process.listed.has(key)) {
        this.#process.around.report.count('gone between LIST and GET');
      }
      if (result.status !== 'found' || result.bytes.length === 0) return result;
      if (fault !== 'truncated' && fault !== 'flipped') return result;
      this.#process.damaged++;
      const { bytes } = result;
      const { chance } = this.#process;
      if (fault === 'truncated') return { ...result, bytes: bytes.slice(0, chance.below(bytes.length)) };
      bytes[chance.below(bytes.length)]! ^= 1 << chance.below(8);
      return result;
    });
  }

  put(key: string, bytes: Uint8Array, options: PutOptions): Promise<PutResult> {
    const { bucket } = this.#process.around;
    // The caller may use the buffer for something else once it has an answer.
    return this.#request('put', key, (fault): PutResult => {
      if (fault === 'full') throw diskFull();
      const sent = fault === 'late' || fault === 'duplicate' ? bytes.slice() : bytes;
      if (fault === 'late' || fault === 'duplicate') this.#again(key, () => bucket.put(key, sent, options));
      if (fault !== undefined && NOT_NOW.has(fault)) {
        const cause = unavailable(key, fault === 'throttled' ? 1 : undefined);
        return { status: 'unknown', cause };
      }
      const result = bucket.put(key, bytes, options);
      if (fault === 'unanswered') return { status: 'unknown', cause: unavailable(key) };
      if (fault === 'retried' && options.if !== 'any') return { status: 'refused' };
      return result;
    });
  }

  /** Once more, later, whoever is dead by then. */
  #again(key: string, happen: () => void): void {
    const { around, chance, nature, name } = this.#process;
    const { world, faults } = around;
    const atMs = world.nowMs + faults.delayMs(1 + chance.below(nature.latencyMs));
    const run = (): void => {
      world.note(`${name} late ${key}`);
      happen();
    };
    world.plan({ atMs, lane: this.#process.lane, timer: true, run });
  }

  async upload(key: string): Promise<Upload> {
    const parts: Uint8Array[] = [];
    const { bucket } = this.#process.around;
    return {
      write: (bytes) => {
        parts.push(bytes.slice());
        return Promise.resolve();
      },
      finish: () =>
        this.#request('put', key, (fault) => {
          if (fault === 'full') throw diskFull();
          const happen = (): void => void bucket.put(key, concatBytes(parts), { if: 'any' });
          if (fault === 'late' || fault === 'duplicate') this.#again(key, happen);
          if (fault === undefined || !NOT_NOW.has(fault)) happen();
          if (fault !== undefined && fault !== 'slow' && fault !== 'duplicate') throw unavailable(key);
        }),
      abort: () => Promise.resolve(),
    };
  }

  list(prefix: string, options: ListOptions = {}): Promise<readonly ListedObject[]> {
    return this.#request('list', prefix, (fault) => {
      if (fault === 'unavailable') throw unavailable(prefix);
      const listed = this.#process.around.bucket.list(prefix, options);
      for (const { key } of listed) this.#process.listed.add(key);
      return listed;
    });
  }

  delete(keys: readonly string[]): Promise<void> {
    const { bucket } = this.#process.around;
    return this.#request('delete', keys.join(' '), (fault) => {
      const happen = (some: readonly string[]): void => {
        for (const key of some) bucket.delete(key);
      };
      if (fault === 'late' || fault === 'duplicate') this.#again('delete', () => happen(keys));
      if (fault === 'late') throw unavailable(keys[0] ?? '');
      // A delete of many keys is not atomic.
      if (fault === 'unavailable') {
        happen(keys.slice(0, keys.length >> 1));
        throw unavailable(keys[0] ?? '');
      }
      happen(keys);
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
