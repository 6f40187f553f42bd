/** The collection goes back to one of its states, in place: a commit like any other, that all later ones follow. */
import { mustReadHead, keepForRestore, notKept } from '../../log/index.js';
import type { Sequence } from '../../base/ids.js';
import type { LogContext, RestorePlan } from '../../log/index.js';
import type { Table } from '../table/index.js';
import { sequenceOfPoint, tipOf } from './past-point.js';
import type { PastPoint } from './past-point.js';

/** `onPlanned` is told which state it is. Throws `snapshot_not_found`, `sequence_out_of_range`, `too_many_restores`. */
export function planRestore(
  context: LogContext,
  point: PastPoint,
  onPlanned: (seq: Sequence) => void,
): RestorePlan<Table> {
  return async (state) => {
    const { position } = tipOf(state);
    const unfolded = state.restores.slice();
    // Snapshots are made by others too: which there are the newest head tells.
    const { head } = await mustReadHead(context);
    const seq = await sequenceOfPoint(context, point, { head, position });
    const target = await keepForRestore(context, { seq, after: position.seq, unfolded });
    if (target === undefined) throw notKept(head, seq);
    onPlanned(seq);
    return { target, after: position.seq };
  };
}
