/** The door for handlers in clouds, which run on a share of one core: `open` without what threads need, so that no bundle carries it. */
import type { Database } from './engine/index.js';
import { openWith } from './open.js';
import type { OpenOptions } from './open.js';

/** As `open` of the library, without threads. */
export async function open(url: string, options: Omit<OpenOptions, 'threads'>): Promise<Database> {
  return await openWith(undefined, url, options);
}
