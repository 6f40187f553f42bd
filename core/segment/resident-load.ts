/**
 * The way of a segment's resident part into memory. Plain state says which chunks have arrived, and each request that
 * needs the segment fetches what is missing into the same memory by itself: nobody waits for another's promise, which
 * hosts like Workers forbid, and a load that was broken off goes on where it stood.
 */
import type { Awaitable } from '../base/awaitable.js';
import { assertInternal, CairnError } from '../base/errors.js';
import { alignUp } from '../base/bytes.js';
import { limits, tierLimits } from '../base/limits.js';
import type { Digests } from '../base/ports.js';
import { mustMatchPages, readRange } from '../store/index.js';
import type { ObjectStore, PageChecksums } from '../store/index.js';
import type { LoadRoom, RoomTaken } from './load-room.js';

const { pageBytes, segmentChunkBytes, residentChunkBytesMin } = limits;

export interface ResidentLoadOptions {
  /**
   * The checksums of the pages of a view of the target, whose bytes are in place by then. By default the digests; who
   * loads into WebAssembly memory computes them there.
   */
  readonly crc32cPages?: Digests['crc32cPages'];
  /**
   * Nobody else fetches at the same time, and the target is nobody else's before the fetching has settled: then bytes may arrive where
   * they are to lie. Default: others may, and each chunk is copied there once it has arrived.
   */
  readonly alone?: boolean;
  /** Of who is not alone: for the buffers of all that load. Default: as many as there are requests. */
  readonly room?: LoadRoom | undefined;
  /** Requests at a time. Default those of the edge tier. */
  readonly parallel?: number;
}

/** Where the bytes come from. */
export interface ResidentSource {
  readonly store: ObjectStore;
  readonly key: string;
  /** Of the resident part in the object: a multiple of the page. */
  readonly offset: number;
  readonly checksums: PageChecksums;
  /** Looks at the whole part once all of it has arrived. Throws `corrupt`. */
  readonly mustBeSound: (target: Uint8Array) => void;
}

/** What one request has tried. */
interface Fetching {
  readonly tried: Uint8Array;
  /** Of all pages of the object; on their way beside the first chunks where they are not here. */
  readonly sums: Awaitable<Uint32Array>;
  failed: boolean;
}

export class ResidentLoad {
  readonly #source: ResidentSource;
  readonly #crc32cPages: Digests['crc32cPages'];
  readonly #alone: boolean;
  readonly #room: LoadRoom | undefined;
  readonly #parallel: number;
  readonly #chunkBytes: number;
  /** Undefined once abandoned. */
  #target: Uint8Array | undefined;
  readonly #arrived: Uint8Array;
  /** How many requests are fetching each chunk. */
  readonly #fetching: Uint16Array;
  #missing: number;
  #sound = false;

  /** Requires: `target` is as long as the resident part, a multiple of the page. */
  constructor(
    source: ResidentSource,
    target: Uint8Array,
    {
      crc32cPages,
      alone = false,
      room,
      parallel = tierLimits.edge.requestsParallel,
    }: ResidentLoadOptions & Pick<Digests, 'crc32cPages'>,
  ) {
    assertInternal(target.length % pageBytes === 0, `a resident part of ${target.length} bytes`);
    this.#room = alone ? undefined : room;
    this.#parallel = parallel;
    this.#chunkBytes = chunkBytesOf(target.length, parallel);
    const chunks = Math.ceil(target.length / this.#chunkBytes);
    this.#source = source;
    this.#target = target;
    this.#crc32cPages = crc32cPages;
    this.#alone = alone;
    this.#arrived = new Uint8Array(chunks);
    this.#fetching = new Uint16Array(chunks);
    this.#missing = chunks;
  }

  /** Whether every byte has arrived and was checked. */
  get complete(): boolean {
    return this.#sound;
  }

  /**
   * Fetches what has not arrived, chunks first that nobody else is fetching. Throws `corrupt`, or `unavailable`
   * (`object_gone`, or `read_contended` where no room for a buffer came in 10 s in which nothing arrived); what arrived stays. Where the load is abandoned meanwhile it settles incomplete. Cost: a request per 2 to 4 MiB,
   * `parallel` at a time.
   */
  async fetchMissing(): Promise<void> {
    const tried = new Uint8Array(this.#arrived.length);
    const sums = this.#source.checksums.load();
    // Told by whichever chunk waits for them.
    if (sums instanceof Promise) sums.catch(() => {});
    const fetching = { tried, sums, failed: false };
    const workers = Array.from({ length: this.#parallel }, async (_, worker) => {
      try {
        await this.#fetchInRoom(fetching, worker === 0);
      } catch (error) {
        fetching.failed = true;
        throw error;
      }
    });
    const ends = await Promise.allSettled(workers);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    if (this.#sound || this.#missing > 0 || this.#target === undefined) return;
    this.#source.mustBeSound(this.#target);
    this.#sound = true;
  }

  async #fetchInRoom(fetching: Fetching, mayWait: boolean): Promise<void> {
    if (this.#room === undefined) {
      await this.#fetchChunks(fetching, undefined);
      return;
    }
    const taken = await this.#take(this.#room, fetching, mayWait);
    if (taken === undefined) return;
    try {
      await this.#fetchChunks(fetching, taken);
    } finally {
      this.#room.give(taken);
    }
  }

  /** Room for one buffer. Undefined where there is nothing to fetch, or none and nobody has to wait. */
  async #take(room: LoadRoom, fetching: Fetching, mayWait: boolean): Promise<RoomTaken | undefined> {
    let missing = this.#missing;
    for (let looks = 0; looks < limits.placeLooks; looks++) {
      if (this.#next(fetching) === undefined) return undefined;
      const taken = room.tryTake(Math.min(this.#chunkBytes, this.#target!.length));
      if (taken !== undefined || !mayWait) return taken;
      await room.lookLater();
      // Others bring it.
      if (this.#missing < missing) looks = 0;
      missing = this.#missing;
    }
    const message = 'no room for what an index is read through was given back';
    throw new CairnError('unavailable', 'read_contended', message, { retryAfterS: 1 });
  }

  /** One after another, until none is left to fetch. */
  async #fetchChunks(fetching: Fetching, taken: RoomTaken | undefined): Promise<void> {
    // Its own for all of its chunks. Not the target where others load, too: what is on its way would arrive there after another's
    // bytes, or after the load was abandoned.
    let buffer: Uint8Array | undefined;
    for (;;) {
      const chunk = this.#next(fetching);
      if (chunk === undefined) return;
      fetching.tried[chunk] = 1;
      if (!this.#alone) buffer ??= new Uint8Array(Math.min(this.#chunkBytes, this.#target!.length));
      if (taken !== undefined) this.#room!.goOn(taken);
      await this.#fetch(chunk, fetching.sums, buffer);
    }
  }

  /** The target is needed for something else: nothing is written to it from now on. */
  abandon(): void {
    this.#target = undefined;
  }

  /** The missing chunk that the fewest are fetching, of those that this request has not tried. */
  #next({ tried, failed }: Fetching): number | undefined {
    if (failed || this.#target === undefined) return undefined;
    let best: number | undefined;
    for (let chunk = 0; chunk < this.#arrived.length; chunk++) {
      if (this.#arrived[chunk] === 1 || tried[chunk] === 1) continue;
      if (best === undefined || this.#fetching[chunk]! < this.#fetching[best]!) best = chunk;
    }
    return best;
  }

  /** `buffer`: undefined where bytes may arrive in the target. */
  async #fetch(chunk: number, sums: Awaitable<Uint32Array>, buffer: Uint8Array | undefined): Promise<void> {
    const target = this.#target!;
    const { store, key, offset } = this.#source;
    const start = chunk * this.#chunkBytes;
    const length = Math.min(this.#chunkBytes, target.length - start);
    const place = target.subarray(start, start + length);
    const into = buffer ?? place;
    this.#fetching[chunk]! += 1;
    try {
      await readRange({ store, key, range: { offset: offset + start, length }, into }, async (bytes) => {
        const expected = await sums;
        // Another request was faster, and its bytes may be in use by now; or the memory is somebody else's.
        if (this.#target === undefined || this.#arrived[chunk] === 1) return;
        if (bytes.buffer !== place.buffer) place.set(bytes);
        const table = { key, expected, first: (offset + start) / pageBytes };
        mustMatchPages(table, this.#crc32cPages(place, pageBytes));
        this.#arrived[chunk] = 1;
        this.#missing -= 1;
      });
    } finally {
      this.#fetching[chunk]! -= 1;
    }
  }
}

/** As many as may be read at a time, where that makes them neither tiny nor large. */
function chunkBytesOf(bytes: number, parallel: number): number {
  const share = alignUp(Math.ceil(bytes / parallel), pageBytes);
  return Math.min(segmentChunkBytes, Math.max(residentChunkBytesMin, share));
}
