/** Events of SQS as Lambda hands them over, with all that they have. */
import { randomUUID } from 'node:crypto';
import type { SQSEvent, SQSRecord } from 'aws-lambda';

export interface Sent {
  readonly collection?: string;
  /** What JSON makes of it, or a text as it is. */
  readonly body: unknown;
  readonly sentMs?: number;
  /** Of a FIFO queue. */
  readonly sequence?: number;
}

export function messageOf({ collection, body, sentMs = 1_750_000_000_000, sequence }: Sent): SQSRecord {
  return {
    messageId: randomUUID(),
    receiptHandle: `receipt ${randomUUID()}`,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: String(sentMs),
      SenderId: 'AIDAIENQZJOLO23YVJ4VO',
      ApproximateFirstReceiveTimestamp: String(sentMs + 5),
      ...(sequence === undefined ? {} : { SequenceNumber: String(sequence).padStart(20, '0') }),
    },
    messageAttributes:
      collection === undefined
        ? {}
        : {
            collection: {
              stringValue: collection,
              stringListValues: [],
              binaryListValues: [],
              dataType: 'String',
            },
          },
    md5OfBody: 'e4e68fb7bd0e697a0ae8f1bb342846b3',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:eu-central-1:123456789012:sqs-ingest-Queue',
    awsRegion: 'eu-central-1',
  };
}

/** Of messages that are delivered now, whether for the first time or not: each has another receipt then. */
export function eventOf(...messages: readonly SQSRecord[]): SQSEvent {
  return { Records: messages.map((message) => ({ ...message, receiptHandle: `receipt ${randomUUID()}` })) };
}
