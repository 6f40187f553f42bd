/** Past states as callers name them, by sequence or by time, as sequences. */
import { sequenceAt } from '../../log/index.js';
import type { CollectionLog } from '../../log/index.js';
import type { AsOf, Consistency } from '../interface/index.js';
import type { Table } from '../table/index.js';

/** Cost: nothing for a sequence; for a time a read, and what `sequenceAt` costs. */
export async function sequenceOf(
  log: CollectionLog<Table>,
  asOf: AsOf | undefined,
  consistency: Consistency = 'strong',
): Promise<number | undefined> {
  if (typeof asOf !== 'string') return asOf;
  const tip = await log.read(consistency, ({ head: { head }, position }) => ({ head, position }));
  return await sequenceAt(log.context, tip, Date.parse(asOf));
}
