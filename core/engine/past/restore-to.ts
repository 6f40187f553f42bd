/** The collection goes back to one of its states, in place: a commit like any other, that all later ones follow. */
import { utf8Encode } from '../../base/bytes.js';
import { invalid } from '../../base/errors.js';
import type { Sequence } from '../../base/ids.js';
import type { Ports } from '../../base/ports.js';
import { hashRequest, keepForRestore, mustReadHead, notKept } from '../../log/index.js';
import type { LogContext, RestorePlan } from '../../log/index.js';
import { mustBeObject, mustHaveOnly, parseWriteOptions } from '../input/index.js';
import type { RestoreToResult } from '../interface/index.js';
import { withLimitedStart } from '../limited-start.js';
import type { OpenCollection, OpenCollections } from '../open-collection.js';
import type { Table } from '../table/index.js';
import { parsePastPoint, sequenceOfPoint } from './past-point.js';
import type { PastPoint } from './past-point.js';

/** Whose restore it is. */
export interface RestoreHost {
  readonly name: string;
  readonly open: OpenCollections;
  readonly ports: Ports;
}

/** Idempotent under its key, as every write. */
export async function restoreTo(
  { name, open, ports }: RestoreHost,
  input: unknown,
  options: unknown,
): Promise<RestoreToResult> {
  const fields = mustBeObject(input, 'restore');
  mustHaveOnly(fields, ['snapshot', 'asOf'], 'restore');
  const point = parsePastPoint(fields);
  const { snapshot = null, asOf = null } = point;
  if (snapshot === null && asOf === null)
    throw invalid('invalid_request', 'a restore names a snapshot or as_of', { field: 'as_of' });
  const { key, firstTail, timeoutMs } = parseWriteOptions(options, ports.random);
  const asked = utf8Encode(JSON.stringify([snapshot, asOf]));
  const requestHash = hashRequest(ports.digests, 'restore_to', asked);
  let restored: number | undefined;
  const commit = async (collection: OpenCollection, begin: () => void): Promise<RestoreToResult> => {
    const { log, committer, hints } = collection;
    // So that a time is looked for in all that was acknowledged.
    await log.read('strong', () => {});
    begin();
    const plan = { restore: planRestore(log.context, point, (seq) => (restored = seq)) };
    const { sequence } = await committer.commit({ key, firstTail, timeoutMs, requestHash, plan });
    await hints.hintWhenDue(log.state);
    return { sequence, ...(restored === undefined ? {} : { restored }) };
  };
  return await open.run(() =>
    withLimitedStart(ports.sleep, timeoutMs, (begin) =>
      open.use(name, (collection) => commit(collection, begin)),
    ),
  );
}

/** `onPlanned` is told which state it is. Throws `snapshot_not_found`, `sequence_out_of_range`, `too_many_restores`. */
function planRestore(
  context: LogContext,
  point: PastPoint,
  onPlanned: (seq: Sequence) => void,
): RestorePlan<Table> {
  return async (state) => {
    const { position } = state;
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
