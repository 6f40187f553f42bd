/**
 * What the head and the retained copies of it name, each object once, with the newest version that names it: that version
 * tells whether it has to be there.
 */
import type { Uid } from '../../base/ids.js';
import { collectionPrefix } from '../../log/index.js';
import type { Head, SegmentDeletions, SegmentEntry, WindowRef } from '../../log/index.js';

export interface NamedSegment {
  readonly entry: SegmentEntry;
  readonly version: number;
  readonly foldedSeq: number;
}

export interface NamedDeletions {
  readonly ref: SegmentDeletions;
  /** Of the segment. */
  readonly rows: number;
  readonly version: number;
}

export interface NamedWindow {
  readonly ref: WindowRef;
  readonly version: number;
  readonly foldedSeq: number;
}

/** A place in the log as a head says it: chain and label after the last slot that it folded. */
export type Checkpoint = Pick<Head, 'foldedChain' | 'foldedLabel' | 'version'>;

export class NamedObjects {
  readonly segments: Map<string, NamedSegment> = new Map();
  readonly deletions: Map<string, NamedDeletions> = new Map();
  readonly windows: Map<string, NamedWindow> = new Map();
  /** By the sequence up to which heads folded: what the newest of them says. */
  readonly folds: Map<number, Checkpoint> = new Map();

  /** Requires: heads come newest first. */
  add(head: Head): void {
    const { version, foldedSeq, foldedChain, foldedLabel, window } = head;
    if (foldedSeq > 0 && !this.folds.has(foldedSeq)) {
      this.folds.set(foldedSeq, { foldedChain, foldedLabel, version });
    }
    if (window !== undefined && !this.windows.has(window.key)) {
      this.windows.set(window.key, { ref: window, version, foldedSeq });
    }
    for (const entry of head.segments) {
      const { deletions, rows } = entry;
      if (!this.segments.has(entry.key)) this.segments.set(entry.key, { entry, version, foldedSeq });
      if (deletions === undefined || this.deletions.has(deletions.key)) continue;
      this.deletions.set(deletions.key, { ref: deletions, rows, version });
    }
  }

  /** Whether any is another collection's. */
  borrows(uid: Uid): boolean {
    const own = collectionPrefix(uid);
    for (const key of [...this.segments.keys(), ...this.deletions.keys()])
      if (!key.startsWith(own)) return true;
    return false;
  }

  has(key: string): boolean {
    return this.segments.has(key) || this.deletions.has(key) || this.windows.has(key);
  }
}
