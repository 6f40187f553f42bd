/**
 * When an index that leaves were probed in the place of is read after all: in the background at once, where there is room for it and the
 * host goes on with what an answered call leaves behind; else by the query that comes after probes have read as much as it takes, so
 * that what they read is never more than twice of what reading it at first would have been.
 */
import type { Residency } from './residency.js';
import type { LiveSegment, SegmentFile } from './segment-file.js';

export interface WarmthOptions {
  readonly residency: Residency;
  /** Read beside the calls. Off where what an answered request leaves behind is frozen or ended. */
  readonly beside: boolean;
  /** Of a host that ends it unless it is told to wait. */
  readonly waitUntil?: ((call: Promise<void>) => void) | undefined;
  /** Keeps the file open until it is released. */
  readonly retain: (segment: LiveSegment) => void;
  readonly release: (segment: LiveSegment) => void;
}

export class Warmth {
  readonly #options: WarmthOptions;
  /** Bytes that probes have read of each. */
  readonly #read = new WeakMap<SegmentFile, number>();
  readonly #warming = new Map<SegmentFile, Promise<void>>();
  #ended = false;

  constructor(options: WarmthOptions) {
    this.#options = options;
  }

  /** Whether the next query that would probe the segment is to read its index. */
  isDue(file: SegmentFile): boolean {
    return (this.#read.get(file) ?? 0) >= file.residentBytes;
  }

  /** A probe has read so much. Requires: a segment that its caller has open. */
  probed(segment: LiveSegment, bytes: number): void {
    const { file } = segment;
    const { residency, beside, waitUntil } = this.#options;
    this.#read.set(file, (this.#read.get(file) ?? 0) + bytes);
    if (
      (!beside && waitUntil === undefined) ||
      this.#ended ||
      this.#warming.has(file) ||
      residency.mustStream(file)
    )
      return;
    const { retain, release } = this.#options;
    retain(segment);
    const warming = residency
      .warm(file)
      // Whatever was in the way: queries go on as they did, and the one that needs the index is told.
      .catch(() => {})
      .finally(() => {
        this.#warming.delete(file);
        release(segment);
      });
    this.#warming.set(file, warming);
    waitUntil?.(warming);
  }

  /** The index has been read: from now on it is counted anew. */
  loaded(file: SegmentFile): void {
    this.#read.delete(file);
  }

  /** Begins nothing any more, and resolves when nothing is under way. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#options.residency.endLoads();
    await Promise.all(this.#warming.values());
  }
}
