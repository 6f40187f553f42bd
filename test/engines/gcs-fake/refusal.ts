/**
 * Errors as Google Cloud Storage writes them.
 * https://cloud.google.com/storage/docs/json_api/v1/status-codes
 */

export interface Refused {
  readonly status: number;
  readonly reason: string;
  readonly message: string;
}

export class Refusal extends Error {
  readonly refused: Refused;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.refused = { status, reason, message };
  }
}

export function errorDocument({ status, reason, message }: Refused): Buffer {
  const errors = [{ message, domain: 'global', reason }];
  return Buffer.from(JSON.stringify({ error: { code: status, message, errors } }));
}

/** What this fake is strict about though Google may overlook it: a client of ours has no business sending it. */
export function strictly(held: boolean, message: string): asserts held {
  if (!held) throw new Refusal(400, 'invalid', message);
}

export function conditionNotMet(): Refusal {
  return new Refusal(
    412,
    'conditionNotMet',
    'At least one of the pre-conditions you specified did not hold.',
  );
}

export function noSuchObject(bucket: string, name: string): Refusal {
  return new Refusal(404, 'notFound', `No such object: ${bucket}/${name}`);
}

export function noSuchBucket(): Refusal {
  return new Refusal(404, 'notFound', 'The specified bucket does not exist.');
}
