/** What a server and its maintenance thread say to each other. */

export interface MaintenanceSettings {
  /** URL of a store that another thread can open: not `memory:`. */
  readonly store: string;
  readonly memoryBudgetBytes: number;
  readonly intervalMs: number;
}

/** `due`: a write has left a hint, do not wait for the interval. */
export type ToWorker = 'due' | 'stop';

export interface ToParent {
  /** What went wrong in a run, for the server's log. The next run tries again. */
  readonly failure: string;
}

export function describeMaintenanceFailure(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
