/** What settings say of how a store is opened: the same for handlers, the server, its maintenance thread and every command. */
import type { Settings } from './setting-table.js';

/** Passes from one thread to another. */
export interface StoreOptions {
  readonly customerKey?: Uint8Array;
}

export function storeOptions({ storeCustomerKey }: Settings): StoreOptions {
  if (storeCustomerKey === undefined) return {};
  return { customerKey: Uint8Array.from(atob(storeCustomerKey), (byte) => byte.charCodeAt(0)) };
}
