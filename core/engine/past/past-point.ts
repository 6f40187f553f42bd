/** The state that a restore or a branch names, as a sequence. */
import { CairnError, invalid } from '../../base/errors.js';
import { mustBeName, sequence } from '../../base/ids.js';
import type { Sequence } from '../../base/ids.js';
import { notYet, sequenceAt } from '../../log/index.js';
import type { Head, LogContext, Tip } from '../../log/index.js';
import { parseRead } from '../input/index.js';
import type { UnknownObject } from '../input/index.js';
import type { AsOf } from '../interface/index.js';

export interface PastPoint {
  readonly snapshot: string | undefined;
  readonly asOf: AsOf | undefined;
}

/** Neither: the newest state. Throws `invalid`. */
export function parsePastPoint(fields: UnknownObject): PastPoint {
  const snapshot = fields['snapshot'] === undefined ? undefined : mustBeName(fields['snapshot'], 'snapshot');
  const { asOf } = parseRead({ asOf: fields['asOf'] });
  if (snapshot !== undefined && asOf !== undefined)
    throw invalid('invalid_request', 'either a snapshot or as_of, not both', { field: 'as_of' });
  return { snapshot, asOf };
}

/** Throws `snapshot_not_found`, `sequence_out_of_range`. Cost: nothing, but for a time what `sequenceAt` costs. */
export async function sequenceOfPoint(
  context: LogContext,
  { snapshot, asOf }: PastPoint,
  tip: Tip,
): Promise<Sequence> {
  const newest = tip.position.seq;
  if (snapshot !== undefined) return snapshotIn(tip.head, snapshot);
  if (typeof asOf === 'string') return await sequenceAt(context, tip, Date.parse(asOf));
  if (asOf !== undefined && asOf > newest) throw notYet(asOf, newest);
  return sequence(asOf ?? newest);
}

function snapshotIn({ pins }: Head, name: string): Sequence {
  const pin = pins.find((one) => one.name === name);
  if (pin === undefined) throw snapshotNotFound(name);
  return pin.seq;
}

export function snapshotNotFound(name: string): CairnError {
  return new CairnError('not_found', 'snapshot_not_found', `there is no snapshot ${name}`, {
    details: { snapshot: name },
    outcome: 'not_applied',
  });
}
