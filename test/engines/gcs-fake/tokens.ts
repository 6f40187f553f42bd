/**
 * Who may do what: bearer tokens, and the service that hands them out. Credentials are a file as Application Default Credentials
 * read it, of a workload outside Google Cloud, because that file says where tokens come from.
 * https://cloud.google.com/iam/docs/workload-identity-federation
 */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Asked } from './asked.js';
import type { FakeBucket, Permission } from './objects.js';
import { Refusal } from './refusal.js';

interface Bearer {
  readonly permissions: ReadonlySet<Permission>;
  readonly expiresMs: number;
}

/** An answer of the service to whoever wants a token. */
export interface TokenAnswer {
  readonly status: number;
  readonly document: object;
}

export class Tokens {
  readonly #known = new Map<string, Bearer>();
  /** Of whoever asks. */
  permissions: readonly Permission[] = [];
  lifeS = 3_600;
  /** Stands for every answer, where it is there. */
  refusal: TokenAnswer | undefined;
  /** Tokens that were handed out. */
  get made(): number {
    return this.#known.size;
  }

  /** From now on none is good. */
  revoke(): void {
    for (const token of this.#known.keys()) this.#known.set(token, { permissions: new Set(), expiresMs: 0 });
  }

  /** RFC 8693. */
  exchange(form: URLSearchParams): TokenAnswer {
    if (this.refusal !== undefined) return this.refusal;
    if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:token-exchange')
      return { status: 400, document: { error: 'unsupported_grant_type' } };
    if (form.get('subject_token') !== SUBJECT) return { status: 400, document: { error: 'invalid_grant' } };
    const token = `SECRET-token-${this.#known.size}`;
    const expiresMs = Date.now() + this.lifeS * 1_000;
    this.#known.set(token, { permissions: new Set(this.permissions), expiresMs });
    const issued_token_type = 'urn:ietf:params:oauth:token-type:access_token';
    const document = { access_token: token, issued_token_type, token_type: 'Bearer', expires_in: this.lifeS };
    return { status: 200, document };
  }

  /** https://cloud.google.com/storage/docs/access-control/iam-json */
  mustAllow({ headers }: Asked, bucket: FakeBucket, permission: Permission): void {
    const given = headers['authorization'];
    if (given === undefined) {
      if (bucket.everyone.has(permission)) return;
      throw new Refusal(401, 'required', `Anonymous caller ${denied(permission)}`);
    }
    const bearer = this.#known.get(/^Bearer (.+)$/.exec(given)?.[1] ?? '');
    if (bearer === undefined || bearer.expiresMs <= Date.now())
      throw new Refusal(401, 'authError', 'Invalid Credentials');
    if (bearer.permissions.has(permission) || bucket.everyone.has(permission)) return;
    throw new Refusal(403, 'forbidden', `SECRET@project.iam.gserviceaccount.com ${denied(permission)}`);
  }
}

function denied(permission: Permission): string {
  const what = permission.startsWith('objects.') ? 'object' : 'bucket';
  return `does not have storage.${permission} access to the Google Cloud Storage ${what}. Permission 'storage.${permission}' denied on resource (or it may not exist).`;
}

const SUBJECT = 'SECRET-subject';

/** The path of a file for GOOGLE_APPLICATION_CREDENTIALS. */
export async function writeCredentials(tokenUrl: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'cairn-gcs-fake-'));
  const subject = join(directory, 'subject');
  await writeFile(subject, SUBJECT);
  const file = join(directory, 'credentials.json');
  const pool =
    '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/provider';
  const document = {
    type: 'external_account',
    audience: pool,
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: tokenUrl,
    credential_source: { file: subject },
  };
  await writeFile(file, JSON.stringify(document));
  return file;
}
