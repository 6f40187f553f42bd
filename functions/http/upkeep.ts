/** A scheduled event of any platform: one run of maintenance, a line of JSON about it, and an error where it failed. */
import { CairnError } from '../../core/base/errors.js';
import type { Database, MaintainOptions } from '../../core/index.js';
import { snakeKeys } from './schema/index.js';

/**
 * Compacts and collects as far as one run goes. Throws where that failed for any collection: the platform counts failed events, and
 * its alarms ring.
 */
export async function runMaintenance(
  database: Database,
  log: (line: string) => void,
  options: MaintainOptions = {},
): Promise<void> {
  const before = database.storeUsage();
  const result = await database.maintain(options);
  const after = database.storeUsage();
  const { failures } = result;
  const [first] = failures;
  const spent = {
    requests: after.requests - before.requests,
    bytesRead: after.bytesRead - before.bytesRead,
  };
  const level = first === undefined ? 'info' : 'error';
  log(JSON.stringify({ level, part: 'maintenance', ...snakeKeys({ ...result, ...spent }) }));
  if (first === undefined) return;
  const message = `maintenance failed for ${failures.length} collections, the first of them ${first.collection}: ${first.message}`;
  throw new CairnError('unavailable', 'maintenance_failed', message, { details: { code: first.code } });
}
