/**
 * The store in an R2 bucket that a Worker has a binding of, which is an object and no URL.
 */
import { utf8Length } from './base/bytes.js';
import { invalid, overLimit } from './base/errors.js';
import { limits } from './base/limits.js';
import { mustBeObject, mustHaveOnly, optionalBoolean, optionalInteger } from './engine/index.js';
import { openR2Bucket } from './store/adapters/r2/index.js';
import type { R2Binding, R2Ports } from './store/adapters/r2/index.js';
import { mustBeList } from './store/index.js';
import type { ObjectStore } from './store/index.js';
import { systemClock, systemRandom, systemSha256, systemSleep } from './system-ports.js';

export interface R2StoreOptions {
  /** Of the binding, for messages. Default `BUCKET`. */
  readonly name?: string;
  /** Before every key, at most 512 bytes. Default none: the whole bucket. */
  readonly prefix?: string;
  /**
   * Test the bucket first: 10 requests and 2.2 s. Default true. A Worker that is deployed starts often: let its schedule do
   * it, not its requests.
   */
  readonly selfTest?: boolean;
  /** Milliseconds in which an answer has to begin. Default 10,000. */
  readonly answerMs?: number;
  /** 32 bytes that R2 encrypts every object with and forgets. Whoever loses them loses the data. */
  readonly customerKey?: Uint8Array;
}

export const r2StoreOptions: readonly string[] = ['name', 'prefix', 'selfTest', 'answerMs', 'customerKey'];
const ANSWER = {
  name: 'answerMs',
  min: 1,
  max: limits.storeAnswerMsMax,
  fallback: limits.storeAnswerMs,
} as const;

/**
 * Opens the store in the bucket of a binding. One store may serve all requests of a Worker, and shares nothing between them.
 * `ports`, for tests: time, chance, waiting and SHA-256. Default: the real ones.
 * Throws `CairnError`: `invalid` (`invalid_binding`, `store_unfit`) for what is no bucket of R2 or does not keep its promises,
 * `not_found` (`store_not_found`), `forbidden` or `unavailable` where it cannot be used (docs/STORES.md).
 */
export async function openR2Store(
  bucket: R2Binding,
  options: R2StoreOptions = {},
  ports: Partial<R2Ports> = {},
): Promise<ObjectStore> {
  mustBeBinding(bucket);
  const given = mustBeObject(options, 'options');
  mustHaveOnly(given, r2StoreOptions, 'options');
  const customerKey = customerKeyOf(given['customerKey']);
  const location = {
    name: nameOf(given['name']),
    prefix: prefixOf(given['prefix']),
    answerMs: optionalInteger(given['answerMs'], ANSWER),
    selfTest: given['selfTest'] === undefined || optionalBoolean(given['selfTest'], 'selfTest'),
    ...(customerKey === undefined ? {} : { customerKey }),
  };
  return await openR2Bucket(bucket, location, {
    clock: ports.clock ?? systemClock,
    random: ports.random ?? systemRandom,
    sleep: ports.sleep ?? systemSleep,
    sha256: ports.sha256 ?? systemSha256,
  });
}

/** Mostly it is `undefined`: a name in the code that the Worker's configuration does not have. */
function mustBeBinding(bucket: unknown): void {
  const has = (name: string): boolean =>
    typeof (bucket as Readonly<Record<string, unknown>> | null | undefined)?.[name] === 'function';
  if (['get', 'put', 'list', 'createMultipartUpload'].every(has)) return;
  const message = `the bucket is ${bucket === null ? 'null' : typeof bucket}, not a binding of R2: look for its name in r2_buckets of the Worker's configuration`;
  throw invalid('invalid_binding', message);
}

function nameOf(given: unknown): string {
  if (given === undefined) return 'BUCKET';
  if (typeof given === 'string' && /^[\w$-]{1,128}$/.test(given)) return given;
  throw invalid('invalid_request', 'name must be the name of a binding', { field: 'name' });
}

function prefixOf(given: unknown): string {
  if (given === undefined) return '';
  if (typeof given !== 'string')
    throw invalid('invalid_request', `prefix must be a string, got ${typeof given}`, { field: 'prefix' });
  const path = given.replace(/^\/+|\/+$/g, '');
  const bytes = utf8Length(path);
  if (bytes > limits.storePrefixBytes)
    throw overLimit('storePrefixBytes', bytes, limits.storePrefixBytes, 'prefix of the store');
  mustBeList(path, {});
  return path === '' ? '' : `${path}/`;
}

function customerKeyOf(given: unknown): Uint8Array | undefined {
  if (given === undefined || given instanceof Uint8Array) return given;
  throw invalid('invalid_customer_key', `the customer key is ${typeof given}, not a Uint8Array of 32 bytes`);
}
