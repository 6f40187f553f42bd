/**
 * `SCHEME://BUCKET/PREFIX?name=value`: which bucket, and how it is reached. Credentials have no place in it, because URLs end up
 * in logs and process lists: what an error shows of one is never more than names.
 */
import { utf8Length } from '../../../base/bytes.js';
import { invalid, overLimit } from '../../../base/errors.js';
import type { CairnError } from '../../../base/errors.js';
import { limits } from '../../../base/limits.js';

/** What is the same for the buckets of all clouds. */
export interface BucketLocation {
  readonly bucket: string;
  /** Of all keys: empty, or ends with a slash. */
  readonly prefix: string;
  /** In which the answer to a request has to begin. */
  readonly answerMs: number;
  /** Connections that are open at a time. */
  readonly connections: number;
  /** False: the store is trusted as it is. */
  readonly selfTest: boolean;
}

/** How the URLs of one cloud look. */
export interface BucketUrlForm {
  /** Without the colon. */
  readonly scheme: string;
  /** For people: `s3://BUCKET/PREFIX`. */
  readonly shape: string;
  /** What a name of a bucket is. */
  readonly bucket: RegExp;
  /** Beside those that all have. */
  readonly parameters: readonly string[];
  /** For people: where credentials come from instead. */
  readonly credentials: string;
}

export interface BucketUrl {
  readonly location: BucketLocation;
  /** The cloud's own parameters. */
  readonly given: ReadonlyMap<string, string>;
}

const COMMON = ['timeout_ms', 'connections', 'self_test'];

/** Throws `invalid` (`invalid_store_url`, `limit_exceeded`). */
export function parseBucketUrl(text: string, form: BucketUrlForm): BucketUrl {
  if (!URL.canParse(text)) throw urlRefused(form, 'cannot be read', `write ${form.shape}`);
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') throw urlRefused(form, 'has credentials', form.credentials);
  const bucket = url.hostname;
  if (url.port !== '' || url.hash !== '' || !form.bucket.test(bucket))
    throw urlRefused(form, 'names no bucket', `write ${form.shape}`);
  const given = parametersOf(url, form);
  const location = {
    bucket,
    prefix: prefixOf(url, form),
    answerMs: wholeOf(given.get('timeout_ms'), form, {
      name: 'timeout_ms',
      fallback: limits.storeAnswerMs,
      max: limits.storeAnswerMsMax,
    }),
    connections: wholeOf(given.get('connections'), form, {
      name: 'connections',
      fallback: limits.storeSockets,
      max: limits.storeSocketsMax,
    }),
    selfTest: truthOf(given.get('self_test'), form),
  };
  return { location, given };
}

function prefixOf(url: URL, form: BucketUrlForm): string {
  let path: string;
  try {
    path = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, '');
  } catch {
    throw urlRefused(form, 'has a prefix that is not percent-encoded UTF-8', 'write % as %25');
  }
  const bytes = utf8Length(path);
  if (bytes > limits.storePrefixBytes)
    throw overLimit('storePrefixBytes', bytes, limits.storePrefixBytes, 'prefix of the store URL');
  return path === '' ? '' : `${path}/`;
}

function parametersOf(url: URL, form: BucketUrlForm): ReadonlyMap<string, string> {
  const known = [...form.parameters, ...COMMON];
  const found = new Map<string, string>();
  for (const [name, value] of url.searchParams) {
    if (!known.includes(name)) {
      const problem = `has the parameter ${JSON.stringify(name.slice(0, 40))}`;
      throw urlRefused(form, problem, `known are ${known.join(', ')}; of credentials: ${form.credentials}`);
    }
    if (found.has(name)) throw urlRefused(form, `has ${name} twice`, 'write it once');
    found.set(name, value);
  }
  return found;
}

interface Whole {
  readonly name: string;
  readonly fallback: number;
  readonly max: number;
}

function wholeOf(text: string | undefined, form: BucketUrlForm, { name, fallback, max }: Whole): number {
  if (text === undefined) return fallback;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= max) return value;
  throw urlRefused(form, `has no valid ${name}`, `write a whole number from 1 to ${max}`);
}

function truthOf(text: string | undefined, form: BucketUrlForm): boolean {
  if (text === undefined || text === 'true') return true;
  if (text === 'false') return false;
  throw urlRefused(form, 'has no valid self_test', 'write true or false');
}

/**
 * An address without credentials and parameters, which might be secret; scheme and host come back in lower case, the end as it was
 * written. `example` is for people.
 */
export function mustBeEndpoint(text: string, form: BucketUrlForm, example: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url?.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (!plain || !/^https?:$/.test(url.protocol))
    throw urlRefused(form, 'has no valid endpoint', `such as ${example}`);
  const address = url.origin + url.pathname;
  return text.endsWith('/') ? address : address.replace(/\/$/, '');
}

export function urlRefused({ scheme }: BucketUrlForm, problem: string, instead: string): CairnError {
  return invalid('invalid_store_url', `the ${scheme}: store URL ${problem}: ${instead}`);
}
