/** Past states as callers name them, by sequence or by time, as sequences. */
import { sequenceAt } from '../../log/index.js';
import type { CollectionLog, LogState, Tip } from '../../log/index.js';
import type { AsOf, Consistency } from '../interface/index.js';
import type { Table } from '../table/index.js';

export const tipOf = ({ head, position }: LogState<Table>): Tip => ({ head: head.head, position });

/** Cost: nothing for a sequence; for a time a read, and what `sequenceAt` costs. */
export async function sequenceOf(
  log: CollectionLog<Table>,
  asOf: AsOf | undefined,
  consistency: Consistency = 'strong',
): Promise<number | undefined> {
  if (typeof asOf !== 'string') return asOf;
  const tip = await log.read(consistency, tipOf);
  return await sequenceAt(log.context, tip, Date.parse(asOf));
}
