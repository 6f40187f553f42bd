/** What commands on a store share: they open it, create it only to write into it, and close it again. */
import { open } from '../core/index.js';
import type { Collection, Database } from '../core/index.js';
import type { Flags } from './configuration.js';
import { storeOptions } from '../functions/settings/index.js';
import type { Settings } from '../functions/settings/index.js';
import type { Terminal } from './terminal.js';

export interface StoreCall {
  /** The collection that is named on the command line. */
  readonly name: string | undefined;
  /** What is named after it. */
  readonly more: readonly string[];
  readonly json: boolean;
  /** Flags of the command's own, by their names. */
  readonly options: Flags;
}

export type StoreCommand = (settings: Settings, call: StoreCall, terminal: Terminal) => Promise<void>;

export async function withDatabase(
  settings: Settings,
  work: (database: Database) => Promise<void>,
  { createStore }: { readonly createStore: boolean } = { createStore: false },
): Promise<void> {
  const { store, memoryBudgetBytes } = settings;
  const database = await open(store, {
    ...storeOptions(settings),
    createStore,
    ...(memoryBudgetBytes === undefined ? {} : { memoryBudgetBytes }),
  });
  try {
    await work(database);
  } finally {
    await database.close();
  }
}

/** The named collection, or every one. */
export async function* chosen(database: Database, name: string | undefined): AsyncGenerator<Collection> {
  if (name !== undefined) {
    yield database.collection(name);
    return;
  }
  let cursor: string | undefined;
  do {
    const page = await database.listCollections(cursor === undefined ? {} : { cursor });
    for (const found of page.collections) yield database.collection(found.name);
    cursor = page.next;
  } while (cursor !== undefined);
}
