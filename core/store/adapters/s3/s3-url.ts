/**
 * `s3://BUCKET/PREFIX?endpoint=…&region=…&path_style=true`: which bucket, and how it is reached. Credentials have no place
 * in it, because URLs end up in logs and process lists: what an error shows of one is never more than names.
 */
import { utf8Length } from '../../../base/bytes.js';
import { CairnError, invalid, overLimit } from '../../../base/errors.js';
import { limits } from '../../../base/limits.js';

export interface S3Location {
  readonly bucket: string;
  /** Of all keys: empty, or ends with a slash. */
  readonly prefix: string;
  /** Absent: the SDK's own, from its variables and files, else Amazon's. */
  readonly endpoint?: string;
  readonly region?: string;
  /** `https://host/bucket/key` instead of `https://bucket.host/key`. */
  readonly pathStyle: boolean;
}

const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/;
const REGION = /^[A-Za-z0-9-]{1,64}$/;
const PARAMETERS = ['endpoint', 'region', 'path_style'];
/** The end of the name of every directory bucket. */
const DIRECTORY_BUCKET = '--x-s3';

/** Throws `invalid` (`invalid_store_url`, `limit_exceeded`, `store_unfit`). Without `path_style` an endpoint implies it. */
export function parseS3Url(text: string): S3Location {
  const url = mustBeUrl(text);
  if (url.username !== '' || url.password !== '') throw refused('has credentials', CREDENTIALS);
  const bucket = url.hostname;
  if (url.port !== '' || url.hash !== '' || !BUCKET.test(bucket))
    throw refused('names no bucket', 'write s3://BUCKET/PREFIX');
  if (bucket.endsWith(DIRECTORY_BUCKET)) throw directoryBucket(bucket);
  const given = parametersOf(url);
  const endpoint = given.get('endpoint');
  if (endpoint !== undefined) mustBeEndpoint(endpoint);
  const region = given.get('region');
  if (region !== undefined && !REGION.test(region))
    throw refused('has no valid region', 'such as eu-central-1');
  const style = given.get('path_style') ?? String(endpoint !== undefined);
  if (style !== 'true' && style !== 'false') throw refused('has no valid path_style', 'write true or false');
  return {
    bucket,
    prefix: prefixOf(url),
    pathStyle: style === 'true',
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
  };
}

const CREDENTIALS = 'they come from AWS_ACCESS_KEY_ID and the other places where the AWS SDK looks';

function mustBeUrl(text: string): URL {
  if (!URL.canParse(text)) throw refused('cannot be read', 'write s3://BUCKET/PREFIX');
  return new URL(text);
}

function prefixOf(url: URL): string {
  let path: string;
  try {
    path = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, '');
  } catch {
    throw refused('has a prefix that is not percent-encoded UTF-8', 'write % as %25');
  }
  const bytes = utf8Length(path);
  if (bytes > limits.storePrefixBytes)
    throw overLimit('storePrefixBytes', bytes, limits.storePrefixBytes, 'prefix of the store URL');
  return path === '' ? '' : `${path}/`;
}

function parametersOf(url: URL): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of url.searchParams) {
    if (!PARAMETERS.includes(name)) {
      const known = PARAMETERS.join(', ');
      throw refused(
        `has the parameter ${JSON.stringify(name.slice(0, 40))}`,
        `known are ${known}; of credentials: ${CREDENTIALS}`,
      );
    }
    if (found.has(name)) throw refused(`has ${name} twice`, 'write it once');
    found.set(name, value);
  }
  return found;
}

function mustBeEndpoint(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url?.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (!plain || !/^https?:$/.test(url.protocol))
    throw refused('has no valid endpoint', 'such as https://ACCOUNT.r2.cloudflarestorage.com');
}

function refused(problem: string, instead: string): CairnError {
  return invalid('invalid_store_url', `the s3: store URL ${problem}: ${instead}`);
}

function directoryBucket(bucket: string): CairnError {
  const message = `${bucket} is a directory bucket, which lists in no order: use a general purpose bucket`;
  return new CairnError('invalid', 'store_unfit', message, { details: { bucket, failed: 'ordered list' } });
}
