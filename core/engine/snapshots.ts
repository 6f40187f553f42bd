/**
 * Snapshots of a collection as its users see them: the pins of its head.
 */
import { CairnError } from '../base/errors.js';
import { sequence } from '../base/ids.js';
import { limits } from '../base/limits.js';
import { addPin, notKept, notYet, removePin } from '../log/index.js';
import type { CollectionLog, Pin } from '../log/index.js';
import type { Snapshot } from './interface/index.js';
import type { Table } from './table/index.js';

export interface WantedSnapshot {
  readonly name: string | undefined;
  readonly asOf: number | undefined;
}

/**
 * Keeps the newest state, or that as of a sequence. Throws `sequence_out_of_range`, `snapshot_exists`, `too_many_snapshots`.
 * Cost: a strong read, then 1 GET and 2 PUT.
 */
export async function createSnapshot(
  log: CollectionLog<Table>,
  { name, asOf }: WantedSnapshot,
): Promise<Snapshot> {
  for (let round = 0; round < limits.freshenRounds; round++) {
    const { tip, head } = await log.read('strong', (state) => ({
      tip: state.position.seq,
      head: state.head.head,
    }));
    if (asOf !== undefined && asOf > tip) throw notYet(asOf, tip);
    const seq = sequence(asOf ?? tip);
    const pin = await addPin(log.context, { name: name ?? `at-${seq}`, seq });
    if (pin !== undefined) return snapshotOf(pin);
    if (asOf !== undefined) throw notKept(head, asOf);
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
  throw new CairnError('not_found', 'snapshot_not_found', `there is no snapshot ${name}`, {
    details: { snapshot: name },
    outcome: 'not_applied',
  });
}

function snapshotOf({ name, seq, createdMs, bytes }: Pin): Snapshot {
  return { name, sequence: seq, createdAt: new Date(createdMs).toISOString(), bytes };
}
