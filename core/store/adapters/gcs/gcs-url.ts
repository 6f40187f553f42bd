/** `gs://BUCKET/PREFIX?endpoint=…&project=…&kms_key=…`: which bucket of Google Cloud Storage, and how it is reached. */
import process from 'node:process';
import { mustBeEndpoint, parseBucketUrl, urlRefused } from '../bucket/index.js';
import type { BucketLocation, BucketUrlForm } from '../bucket/index.js';

export interface GcsLocation extends BucketLocation {
  /** Absent: the SDK's own, from `STORAGE_EMULATOR_HOST`, else Google's. */
  readonly endpoint?: string;
  /** Pays for the requests, instead of the bucket's own project. */
  readonly project?: string;
  /** Encrypts what is put. Absent: as the bucket has it. */
  readonly kmsKey?: string;
  /** No credentials are asked for: of an emulator, and over http, where a token would be anyone's who listens. */
  readonly anonymous: boolean;
}

const form: BucketUrlForm = {
  scheme: 'gs',
  shape: 'gs://BUCKET/PREFIX',
  bucket: /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/,
  parameters: ['endpoint', 'project', 'kms_key'],
  credentials:
    'they come from GOOGLE_APPLICATION_CREDENTIALS and the other places of Application Default Credentials',
};
/** An id or a number, also of a domain (`example.com:project`). */
const PROJECT = /^[a-z0-9][a-z0-9.:-]{1,98}[a-z0-9]$/;
const KMS_KEY = /^projects\/[^/\s]+\/locations\/[^/\s]+\/keyRings\/[^/\s]+\/cryptoKeys\/[^/\s]+$/;

/** Whether the variable of Google's SDKs does. Empty counts as unset. */
export function namesEmulator(): boolean {
  return (process.env['STORAGE_EMULATOR_HOST'] ?? '') !== '';
}

/** Throws `invalid` (`invalid_store_url`, `limit_exceeded`). */
export function parseGcsUrl(text: string): GcsLocation {
  const { location, given } = parseBucketUrl(text, form);
  // A name of an object has no line ends, and what every name begins with is part of it.
  if (/[\r\n]/.test(location.prefix)) throw urlRefused(form, 'has a line end in its prefix', 'leave it out');
  const written = given.get('endpoint');
  const endpoint =
    written === undefined
      ? undefined
      : mustBeEndpoint(written, form, 'https://storage-NAME.p.googleapis.com');
  const project = given.get('project');
  if (project !== undefined && !PROJECT.test(project))
    throw urlRefused(form, 'has no valid project', 'write the id of one');
  const kmsKey = given.get('kms_key');
  if (kmsKey !== undefined && !KMS_KEY.test(kmsKey)) {
    const example = 'projects/P/locations/L/keyRings/R/cryptoKeys/K';
    throw urlRefused(form, 'has no valid kms_key', `write its whole name: ${example}`);
  }
  return {
    ...location,
    anonymous: endpoint?.startsWith('http:') ?? namesEmulator(),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(project === undefined ? {} : { project }),
    ...(kmsKey === undefined ? {} : { kmsKey }),
  };
}
