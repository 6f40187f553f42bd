/**
 * All records of one sequence, page by page, while writers and compactors go on. Holds the table that it began with: what is
 * committed later changes nothing of what that table says of an earlier sequence. Where a collector deletes a segment under
 * it, it goes on with the newest head, as long as no fold has gone beyond the sequence.
 */
import { CairnError, hasCode } from '../base/errors.js';
import type { Uid } from '../base/ids.js';
import { limits } from '../base/limits.js';
import type { Ports } from '../base/ports.js';
import { withTimeLimit } from '../base/time-limit.js';
import type { CollectionLog } from '../log/index.js';
import { parseScanAll } from './input/index.js';
import type { Projection } from './input/index.js';
import type { ScanAllPage } from './interface/index.js';
import type { OpenCollections } from './open-collection.js';
import { answerScan, mustTellOf, readTable, reloadWhereGone } from './reads/index.js';
import type { ScanAnswer, ScanRequest, TableState } from './reads/index.js';
import type { Table } from './table/index.js';

export interface ScanAllContext {
  readonly name: string;
  readonly open: OpenCollections;
  readonly ports: Ports;
}

interface HeldTable extends TableState {
  readonly uid: Uid;
  readonly log: CollectionLog<Table>;
  readonly release: () => void;
}

/** Cost, after the first page, which is a strong read: reads of segments alone. */
export async function* scanAll(
  input: unknown,
  context: ScanAllContext,
): AsyncGenerator<ScanAllPage, void, undefined> {
  const { after, asOf, projection, includeDeleted } = parseScanAll(input);
  // One clock reading for all pages: a record that expires meanwhile is in all of them or in none.
  const nowMs = context.ports.clock.wallMs();
  let held = await holdTable(context, asOf);
  const sequence = asOf ?? held.position.seq;
  const limit = pageRecords(held.sink.schema.dimension, projection);
  const request = { filter: undefined, view: { asOf: sequence, nowMs, includeDeleted }, limit, projection };
  let last = after;
  let gone = 0;
  try {
    for (;;) {
      let answer: ScanAnswer;
      try {
        answer = await readPage(context, held, { ...request, after: last });
      } catch (error) {
        if (gone++ === limits.goneRounds) throw error;
        held.release();
        held = await holdNewer(context, held, { error, sequence });
        continue;
      }
      gone = 0;
      yield { records: answer.records, sequence };
      if (answer.cursor === undefined) return;
      last = answer.records.at(-1)!.id;
    }
  } finally {
    held.release();
  }
}

function pageRecords(dimension: number, { vector }: Projection): number {
  if (!vector) return limits.scanAllRecords;
  return Math.max(1, Math.min(limits.scanAllRecords, Math.floor(limits.scanAllNumbers / dimension)));
}

async function holdTable(context: ScanAllContext, asOf: number | undefined): Promise<HeldTable> {
  const { open, name } = context;
  return await open.run(() =>
    open.use(name, async ({ uid, log }) => {
      const holding = readTable(log, {
        consistency: 'strong',
        use: (state): HeldTable => {
          if (asOf !== undefined) mustTellOf(asOf, state);
          // Both by value: the state goes over to a newer head's table, this one stays.
          const { sink, position } = state;
          return { sink, position, uid, log, release: sink.hold() };
        },
      });
      try {
        return await withTimeLimit(context.ports.sleep, limits.timeoutMs, holding);
      } catch (error) {
        // It was too late, and nobody reads it.
        holding.then(
          ({ release }) => release(),
          () => {},
        );
        throw error;
      }
    }),
  );
}

async function readPage(
  { open, ports }: ScanAllContext,
  held: HeldTable,
  request: ScanRequest,
): Promise<ScanAnswer> {
  const read = async (): Promise<ScanAnswer> => await answerScan(held, request);
  return await open.run(() => withTimeLimit(ports.sleep, limits.timeoutMs, held.sink.during(read())));
}

/** Throws `error` where it is not that a segment was gone, `sequence_out_of_range`, `collection_not_found`. */
async function holdNewer(
  context: ScanAllContext,
  { uid, log }: HeldTable,
  { error, sequence }: { readonly error: unknown; readonly sequence: number },
): Promise<HeldTable> {
  const { open, name } = context;
  try {
    await open.run(() => reloadWhereGone(log, error));
  } catch (failed) {
    throw hasCode(failed, 'collection_gone') ? dropped(name) : failed;
  }
  const held = await holdTable(context, sequence);
  if (held.uid === uid) return held;
  // The name stands for another collection since a moment ago.
  held.release();
  throw dropped(name);
}

function dropped(name: string): CairnError {
  const message = `collection ${name} was dropped while it was read`;
  return new CairnError('not_found', 'collection_not_found', message, { details: { collection: name } });
}
