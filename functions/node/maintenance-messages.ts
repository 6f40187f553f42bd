/** What a server and its maintenance thread say to each other. */
import type { CompactResult } from '../../core/index.js';
import type { ErrorMessage } from './error-message.js';
import type { StoreOptions } from '../settings/index.js';

export interface MaintenanceSettings {
  /** URL of a store that another thread can open: not `memory:`. */
  readonly store: string;
  readonly options: StoreOptions;
  readonly memoryBudgetBytes: number;
  readonly intervalMs: number;
}

/** A compaction that a request or a writer of the server waits for. */
export interface CompactMessage {
  readonly say: 'compact';
  /** The answer has the same. */
  readonly id: number;
  readonly collection: string;
  readonly minor: boolean;
}

/** `due`: a write has left a hint, do not wait for the interval. `cancel`: nobody waits for this compaction any more. */
export type ToWorker =
  { readonly say: 'due' | 'stop' } | { readonly say: 'cancel'; readonly id: number } | CompactMessage;

/** `failure`: what went wrong in a run, for the server's log. The next run tries again. */
export type ToParent =
  | { readonly say: 'failure'; readonly failure: string }
  | { readonly say: 'compacted'; readonly id: number; readonly result: CompactResult }
  | { readonly say: 'refused'; readonly id: number; readonly error: ErrorMessage };
