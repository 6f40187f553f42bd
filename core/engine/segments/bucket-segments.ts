/**
 * Segments as they lie in the bucket.
 */
import { CairnError } from '../../base/errors.js';
import type { Digests } from '../../base/ports.js';
import type { SegmentEntry } from '../../log/index.js';
import type { ObjectStore } from '../../store/index.js';
import type { SegmentSource } from './segment-store.js';
import type { Expiries, SegmentDeletions, SegmentFile } from './segment-file.js';

export interface BucketSegmentsOptions {
  readonly digests: Digests;
  readonly cacheBytes: number;
}

export class BucketSegments implements SegmentSource {
  readonly #options: BucketSegmentsOptions;

  constructor(options: BucketSegmentsOptions) {
    this.#options = options;
  }

  get cachedBytes(): number {
    return 0;
  }

  async openFile(
    _store: ObjectStore,
    entry: SegmentEntry,
  ): Promise<{ readonly file: SegmentFile; readonly expiries: Expiries }> {
    throw new CairnError('internal', 'not_yet', `${entry.key} ${this.#options.cacheBytes}`);
  }

  async openDeletions(_store: ObjectStore, entry: SegmentEntry): Promise<SegmentDeletions> {
    throw new CairnError('internal', 'not_yet', entry.key);
  }

  close(_key: string): void {}
}
