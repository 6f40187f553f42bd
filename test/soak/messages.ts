/** What the parent and its processes say to each other. */
import type { SettleReport } from './settle.js';

/** How a child is started: its one argument, as JSON. */
export interface Part {
  readonly role: 'lanes' | 'compactor' | 'collector' | 'prepare' | 'check' | 'settle';
  /** The run's directory: `store`, `journal`. */
  readonly folder: string;
  readonly workers: number;
  /** Of lanes: which. */
  readonly worker: number;
  readonly seed: number;
  /** Of the end: do not wait for what the collector waits; nothing else has the store open. */
  readonly skipFence: boolean;
}

export type Order = 'pause' | 'resume' | 'stop';

export interface Sample {
  /** Milliseconds since the process began. */
  readonly ms: number;
  readonly rss: number;
  /** After a collection of garbage. */
  readonly heap: number;
  /** ArrayBuffers and WebAssembly memories, outside of the heap. */
  readonly buffers: number;
  /** Open files; undefined where the system does not tell. */
  readonly files: number | undefined;
  /** Taken while nothing was under way. */
  readonly quiet: boolean;
}

export interface CheckReport {
  readonly records: number;
  readonly collections: number;
  readonly snapshots: number;
  /** Of a scrub of the whole store. */
  readonly notices: number;
  readonly garbageBytes: number;
}

export type Word =
  | { readonly is: 'ready' }
  | { readonly is: 'tally'; readonly counts: Readonly<Record<string, number>> }
  | { readonly is: 'sample'; readonly sample: Sample }
  | { readonly is: 'paused' }
  /** A collection has begun: it fences, waits, and deletes. */
  | { readonly is: 'collecting' }
  | { readonly is: 'checked'; readonly report: CheckReport }
  | { readonly is: 'settled'; readonly report: SettleReport }
  /** Something that must never be. */
  | { readonly is: 'wrong'; readonly text: string };
