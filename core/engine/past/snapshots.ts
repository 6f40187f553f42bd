/**
 * Snapshots of a collection as its users see them: the pins of its head.
 */
import { CairnError } from '../../base/errors.js';
import { limits } from '../../base/limits.js';
import { addPin, notKept, removePin } from '../../log/index.js';
import type { CollectionLog, Pin } from '../../log/index.js';
import type { AsOf, Snapshot } from '../interface/index.js';
import { tipOf } from '../reads/index.js';
import type { Table } from '../table/index.js';
import { sequenceOfPoint, snapshotNotFound } from './past-point.js';

export interface WantedSnapshot {
  readonly name: string | undefined;
  readonly asOf: AsOf | undefined;
}

/**
 * Keeps the newest state, or that as of a sequence or a time. Throws `sequence_out_of_range`, `snapshot_exists`,
 * `too_many_snapshots`. Cost: a strong read, then 1 GET and 2 PUT.
 */
export async function createSnapshot(
  log: CollectionLog<Table>,
  { name, asOf }: WantedSnapshot,
): Promise<Snapshot> {
  for (let round = 0; round < limits.freshenRounds; round++) {
    const { tip, unfolded } = await log.read('strong', (state) => ({
      tip: tipOf(state),
      unfolded: state.restores.slice(),
    }));
    const seq = await sequenceOfPoint(log.context, { snapshot: undefined, asOf }, tip);
    const pin = await addPin(log.context, { name: name ?? `at-${seq}`, seq, unfolded });
    if (pin !== undefined) return snapshotOf(pin);
    if (asOf !== undefined) throw notKept(tip.head, seq);
    // So much was written, folded and collected since the read that its state is gone: the newest one is another now.
  }
  throw new CairnError(
    'unavailable',
    'read_contended',
    `no state that is kept in ${limits.freshenRounds} rounds`,
    {
      outcome: 'not_applied',
      retryAfterS: 1,
    },
  );
}

/** Oldest state first. Cost: a strong read. */
export async function listSnapshots(log: CollectionLog<Table>): Promise<readonly Snapshot[]> {
  const pins = await log.read('strong', (state) => state.head.head.pins);
  return pins.map(snapshotOf).toSorted((a, b) => a.sequence - b.sequence || (a.name < b.name ? -1 : 1));
}

/** Throws `snapshot_not_found`. Cost: 1 GET and 2 PUT. */
export async function deleteSnapshot(log: CollectionLog<Table>, name: string): Promise<void> {
  if (await removePin(log.context, name)) return;
  throw snapshotNotFound(name);
}

function snapshotOf({ name, seq, createdMs, bytes }: Pin): Snapshot {
  return { name, sequence: seq, createdAt: new Date(createdMs).toISOString(), bytes };
}
