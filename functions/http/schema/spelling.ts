/**
 * The two spellings of one interface: snake_case on the wire, camelCase in the engine. Everything that renames does it
 * through here. Metadata and other values that users name are never renamed: callers pass only records of ours.
 */

/** Names of more than one word that the engine's messages may mention. */
const mentioned = [
  'asOf',
  'efConstruction',
  'expiresAt',
  'firstTail',
  'idempotencyKey',
  'ifSequence',
  'includeDeleted',
  'maxDistance',
  'minScore',
  'orderBy',
  'retentionHours',
  'softDeleteDays',
  'targetRecall',
  'timeoutMs',
] as const;

const mention = new RegExp(`\\b(?:${mentioned.join('|')})\\b`, 'g');

type Camel<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : S;

/** A checked body as the engine spells it. JSON has no undefined, so optional fields lose it. */
export type CamelKeys<T> = { [K in keyof T as Camel<K & string>]: Exclude<T[K], undefined> };

/** Names once respelt: all ours, so that there are few, and in every request and answer. */
const snakeOf = new Map<string, string>();
const camelOf = new Map<string, string>();

function toSnake(name: string): string {
  return respelt(snakeOf, name, () => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}

function toCamel(name: string): string {
  return respelt(camelOf, name, () =>
    name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
  );
}

function respelt(known: Map<string, string>, name: string, respell: () => string): string {
  let spelling = known.get(name);
  if (spelling === undefined) {
    spelling = respell();
    known.set(name, spelling);
  }
  return spelling;
}

function withKeys(record: object, spell: (name: string) => string): Record<string, unknown> {
  const spelt: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(record)) spelt[spell(key)] = value;
  return spelt;
}

/** Writes the engine's field names in a message as the wire has them. */
export function respellNames(message: string): string {
  return message.replace(mention, toSnake);
}

/** A checked request record for the engine. Requires: the schema has refused every key that it does not name. */
export function camelKeys<T extends object>(record: T): CamelKeys<T> {
  return withKeys(record, toCamel) as CamelKeys<T>;
}

/** A record of ours for the wire: own keys in snake_case, values as they are. */
export function snakeKeys(record: object): Record<string, unknown> {
  return withKeys(record, toSnake);
}

/** Also the records and arrays inside. Requires: nothing in `value` carries names that users chose. */
export function snakeDeep(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeDeep);
  if (typeof value !== 'object' || value === null) return value;
  return snakeKeys(Object.fromEntries(Object.entries(value).map(([key, part]) => [key, snakeDeep(part)])));
}
