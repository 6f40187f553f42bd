/** What settings say of how the store is opened: the same for the server, its maintenance thread and every command. */
import type { OpenOptions } from '../../core/index.js';
import type { Settings } from './setting-table.js';

/** Passes from one thread to another. */
export type StoreOptions = Pick<OpenOptions, 'customerKey'>;

export function storeOptions({ storeCustomerKey }: Settings): StoreOptions {
  return storeCustomerKey === undefined ? {} : { customerKey: Buffer.from(storeCustomerKey, 'base64') };
}
