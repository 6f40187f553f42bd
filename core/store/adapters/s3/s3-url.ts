/** `s3://BUCKET/PREFIX?endpoint=…&region=…&path_style=true`: which bucket of S3, and how it is reached. */
import { CairnError } from '../../../base/errors.js';
import { mustBeEndpoint, parseBucketUrl, urlRefused } from '../bucket/index.js';
import type { BucketLocation, BucketUrlForm } from '../bucket/index.js';

export interface S3Location extends BucketLocation {
  /** Absent: the SDK's own, from its variables and files, else Amazon's. */
  readonly endpoint?: string;
  readonly region?: string;
  /** `https://host/bucket/key` instead of `https://bucket.host/key`. */
  readonly pathStyle: boolean;
  /** How the store encrypts what is put. Absent: as the bucket has it. */
  readonly encryption?: S3Encryption;
  /** Of `aws:kms`: absent for the account's own key of S3. */
  readonly kmsKey?: string;
}

const encryptions = ['AES256', 'aws:kms', 'aws:kms:dsse'] as const;
export type S3Encryption = (typeof encryptions)[number];

const form: BucketUrlForm = {
  scheme: 's3',
  shape: 's3://BUCKET/PREFIX',
  bucket: /^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/,
  parameters: ['endpoint', 'region', 'path_style', 'encryption', 'kms_key'],
  credentials: 'they come from AWS_ACCESS_KEY_ID and the other places where the AWS SDK looks',
};
const REGION = /^[A-Za-z0-9-]{1,64}$/;
/** An id, an alias or an ARN. */
const KMS_KEY = /^[A-Za-z0-9:/_-]{1,2048}$/;
/** The end of the name of every directory bucket. */
const DIRECTORY_BUCKET = '--x-s3';

/** Throws `invalid` (`invalid_store_url`, `limit_exceeded`, `store_unfit`). Without `path_style` an endpoint implies it. */
export function parseS3Url(text: string): S3Location {
  const { location, given } = parseBucketUrl(text, form);
  if (location.bucket.endsWith(DIRECTORY_BUCKET)) throw directoryBucket(location.bucket);
  const written = given.get('endpoint');
  const example = 'https://ACCOUNT.r2.cloudflarestorage.com';
  const endpoint = written === undefined ? undefined : mustBeEndpoint(written, form, example);
  const region = given.get('region');
  if (region !== undefined && !REGION.test(region))
    throw urlRefused(form, 'has no valid region', 'such as eu-central-1');
  const style = given.get('path_style') ?? String(endpoint !== undefined);
  if (style !== 'true' && style !== 'false')
    throw urlRefused(form, 'has no valid path_style', 'write true or false');
  return {
    ...location,
    pathStyle: style === 'true',
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...encryptionOf(given),
  };
}

function encryptionOf(given: ReadonlyMap<string, string>): Pick<S3Location, 'encryption' | 'kmsKey'> {
  const kmsKey = given.get('kms_key');
  const name = given.get('encryption') ?? (kmsKey === undefined ? undefined : 'aws:kms');
  if (name === undefined) return {};
  const encryption = encryptions.find((each) => each === name);
  if (encryption === undefined)
    throw urlRefused(form, 'has no valid encryption', `write ${encryptions.join(', ')}`);
  if (kmsKey === undefined) return { encryption };
  if (encryption === 'AES256' || !KMS_KEY.test(kmsKey))
    throw urlRefused(
      form,
      'has no valid kms_key',
      'write the id or the ARN of a key, and encryption=aws:kms',
    );
  return { encryption, kmsKey };
}

function directoryBucket(bucket: string): CairnError {
  const message = `${bucket} is a directory bucket, which lists in no order: use a general purpose bucket`;
  return new CairnError('invalid', 'store_unfit', message, { details: { bucket, failed: 'ordered list' } });
}
