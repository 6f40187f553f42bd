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

function toSnake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function toCamel(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** Writes the engine's field names in a message as the wire has them. */
export function respellNames(message: string): string {
  return message.replace(mention, toSnake);
}

/** A checked request record for the engine. Requires: the schema has refused every key that it does not name. */
export function camelKeys<T extends object>(record: T): CamelKeys<T> {
  return Object.fromEntries(
    Object.entries(record).map(([key, value]) => [toCamel(key), value as unknown]),
  ) as CamelKeys<T>;
}

/** A record of ours for the wire: own keys in snake_case, values as they are. */
export function snakeKeys(record: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [toSnake(key), value as unknown]));
}

/** Also the records and arrays inside. Requires: nothing in `value` carries names that users chose. */
export function snakeDeep(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeDeep);
  if (typeof value !== 'object' || value === null) return value;
  return snakeKeys(Object.fromEntries(Object.entries(value).map(([key, part]) => [key, snakeDeep(part)])));
}
