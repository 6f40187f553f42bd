/** Messages of the queue: what each brings, and for which collection. */
import type { SQSRecord } from 'aws-lambda';
import type { RecordInput } from 'cairndb';

export interface Message {
  readonly id: string;
  readonly collection: string;
  readonly records: readonly RecordInput[];
  readonly sentMs: number;
  /** A FIFO queue's own: digits, always as many. */
  readonly sequence: string;
}

/**
 * Its body is a record as `upsert` takes it, or an array of records; its attribute `collection` names where they go. What is in the
 * records Cairn checks. Throws where the message is none.
 */
export function messageOf({ messageId, body, attributes, messageAttributes }: SQSRecord): Message {
  const collection = messageAttributes['collection']?.stringValue;
  if (collection === undefined) throw new Error('the message has no attribute "collection"');
  const value: unknown = JSON.parse(body);
  const given = (Array.isArray(value) ? value : [value]) as readonly RecordInput[];
  return {
    id: messageId,
    collection,
    // The same id whenever the message comes again, in whatever company: else each time would make a record more.
    records: given.map((record, at) => ({ ...record, id: record.id ?? `${messageId}/${at}` })),
    sentMs: Number(attributes.SentTimestamp),
    sequence: attributes.SequenceNumber ?? '',
  };
}

/**
 * By collection, and there as they were sent. A queue hands them over in any order, and of a record that comes twice in one commit
 * the last stays; that the order is always the same makes a repeated commit the same one.
 */
export function byCollection(messages: readonly Message[]): ReadonlyMap<string, readonly Message[]> {
  const groups = new Map<string, Message[]>();
  for (const message of messages.toSorted(inOrder)) {
    const group = groups.get(message.collection);
    if (group === undefined) groups.set(message.collection, [message]);
    else group.push(message);
  }
  return groups;
}

/** A FIFO queue may have sent several within a millisecond. */
function inOrder(a: Message, b: Message): number {
  if (a.sequence !== b.sequence) return a.sequence < b.sequence ? -1 : 1;
  return a.sentMs - b.sentMs || (a.id < b.id ? -1 : 1);
}
