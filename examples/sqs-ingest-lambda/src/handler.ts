/**
 * AWS Lambda: `handler` writes what an SQS queue brings, one commit for each collection and batch, and `maintain`, on a schedule,
 * compacts what was written.
 *
 * SQS delivers at least once. A batch that comes again, because an answer was lost, has the same idempotency key and is not written
 * again. A message that cannot be written is reported by itself, so that the others are done and it alone comes again, until
 * the queue puts it aside.
 */
import { createHash } from 'node:crypto';
import process from 'node:process';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { isCairnError, open } from 'cairndb';
import type { Database } from 'cairndb';
import { byCollection, messageOf } from './message.js';
import type { Message } from './message.js';

/** In which a compaction under way can be called off before the function is ended. */
const CALL_OFF_MS = 15_000;

let opened: Promise<Database> | undefined;

/** Opened by the first event for all that follow in this process. What failed is not kept: the next event tries again. */
function database(): Promise<Database> {
  // Lambda freezes what an answer leaves behind.
  opened ??= open(storeUrl(), { background: false }).catch((error: unknown) => {
    opened = undefined;
    throw error;
  });
  return opened;
}

function storeUrl(): string {
  const url = process.env['CAIRN_STORE'];
  if (!url) throw new Error('no store is configured: set CAIRN_STORE');
  return url;
}

/** Throws where the store cannot be opened: then the whole batch comes again. */
export async function handler({ Records }: SQSEvent): Promise<SQSBatchResponse> {
  const db = await database();
  const messages: Message[] = [];
  const failed: string[] = [];
  for (const record of Records) {
    try {
      messages.push(messageOf(record));
    } catch (error) {
      report([record.messageId], error);
      failed.push(record.messageId);
    }
  }
  const writes = [...byCollection(messages)].map(([name, group]) => write(db, name, group));
  failed.push(...(await Promise.all(writes)).flat());
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
}

/** In one commit. Gives back the ids of the messages that are not written. */
async function write(db: Database, name: string, messages: readonly Message[]): Promise<readonly string[]> {
  const ids = messages.map(({ id }) => id);
  const records = messages.flatMap((message) => message.records);
  if (records.length === 0) return [];
  try {
    await db.collection(name).upsert(records, { idempotencyKey: keyOf(ids) });
    return [];
  } catch (error) {
    // Refused for one of them, before anything was written. Halves find out which.
    if (isCairnError(error) && error.kind === 'invalid' && messages.length > 1) {
      const middle = messages.length >> 1;
      const first = await write(db, name, messages.slice(0, middle));
      return [...first, ...(await write(db, name, messages.slice(middle)))];
    }
    report(ids, error);
    return ids;
  }
}

function keyOf(ids: readonly string[]): string {
  return `sqs-${createHash('sha256').update(ids.join('\n')).digest('hex')}`;
}

function report(messages: readonly string[], error: unknown): void {
  const code = isCairnError(error) ? error.code : 'invalid_message';
  console.error(JSON.stringify({ messages, code, message: error instanceof Error ? error.message : error }));
}

export async function maintain(_event: unknown, context: Context): Promise<void> {
  const signal = AbortSignal.timeout(Math.max(0, context.getRemainingTimeInMillis() - CALL_OFF_MS));
  const result = await (await database()).maintain({ signal });
  console.log(JSON.stringify(result));
  // So that Lambda counts the run as failed.
  if (result.failures.length > 0) throw new Error('maintenance failed: the line above says of what');
}
