/**
 * What the answers of clouds' stores mean: each adapter has a table from its store's codes to these conditions, and here is
 * one table from conditions to CairnError, and from the failures of a put to its three ends. The SDKs' errors are not passed
 * on as causes: they carry access keys, signatures and whole requests.
 */
import { CairnError } from '../../../base/errors.js';
import type { ErrorKind } from '../../../base/errors.js';
import type { PutResult } from '../../index.js';

export type StoreAccess = 'read' | 'write' | 'list' | 'delete';

/** What went wrong, without anything secret. */
export interface StoreFault {
  /** The store's code, or the name or errno of an error on the way. */
  readonly name: string;
  /** Absent where no answer came. */
  readonly status: number | undefined;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of a failure on the way: for people. */
  readonly said: string | undefined;
  /** What is missing, where the store says it itself: for people. */
  readonly hint?: string;
}

export interface StoreFailed {
  readonly access: StoreAccess;
  /** Of the store. */
  readonly description: string;
  readonly key?: string;
}

interface Meaning {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly says: string;
  /** Although the same request may succeed later, this one surely changed nothing. */
  readonly surelyNot?: true;
}

export type StoreCondition =
  | 'forbidden'
  | 'unauthenticated'
  | 'no_credentials'
  | 'expired'
  | 'clock_skew'
  | 'region'
  | 'no_bucket'
  | 'key_too_long'
  | 'unsupported'
  | 'wrong_key'
  | 'full'
  | 'unreachable'
  | 'busy'
  | 'damaged'
  | 'silent'
  | 'refused';

const meanings: Readonly<Record<StoreCondition, Meaning>> = {
  forbidden: { kind: 'forbidden', code: 'store_forbidden', says: 'the store allows no' },
  unauthenticated: {
    kind: 'unauthenticated',
    code: 'store_unauthenticated',
    says: 'the store does not accept the credentials for a',
  },
  no_credentials: {
    kind: 'unauthenticated',
    code: 'store_unauthenticated',
    says: 'no credentials were found for a',
  },
  expired: {
    kind: 'unauthenticated',
    code: 'store_credentials_expired',
    says: 'the credentials have expired for a',
  },
  clock_skew: {
    kind: 'unauthenticated',
    code: 'store_clock_skew',
    says: "this machine's clock is too far off the store's for a",
  },
  region: {
    kind: 'invalid',
    code: 'store_region',
    says: 'the bucket is in another region than that of the',
  },
  no_bucket: { kind: 'not_found', code: 'store_not_found', says: 'there is no bucket for a' },
  key_too_long: {
    kind: 'invalid',
    code: 'key_too_long',
    says: 'the store has no key so long as that of the',
  },
  unsupported: {
    kind: 'invalid',
    code: 'store_unsupported',
    says: 'the store does not know how to do a',
  },
  wrong_key: {
    kind: 'forbidden',
    code: 'store_customer_key',
    says: 'the object is not encrypted with the customer key of this store; it cannot do a',
  },
  full: {
    kind: 'unavailable',
    code: 'store_full',
    says: 'the store has no room for a',
    surelyNot: true,
  },
  unreachable: {
    kind: 'unavailable',
    code: 'store_unavailable',
    says: 'the store cannot be reached for a',
    surelyNot: true,
  },
  busy: {
    kind: 'unavailable',
    code: 'store_busy',
    says: 'the store asks to slow down, in answer to a',
  },
  damaged: {
    kind: 'unavailable',
    code: 'store_unavailable',
    says: 'the store did not take, as it was sent, a',
  },
  silent: { kind: 'unavailable', code: 'store_unavailable', says: 'the store did not answer a' },
  refused: { kind: 'invalid', code: 'store_refused', says: 'the store refused a' },
};

/** How one store says what is wrong. */
export interface FaultTable {
  /** What its codes mean, and the errnos that no store has of its own. */
  readonly conditions: ReadonlyMap<string, StoreCondition>;
  /** What may be missing where an access is forbidden, for people. */
  readonly permissions: Readonly<Record<StoreAccess, string>>;
  /** The header that names the region of the bucket, where the store has one. */
  readonly regionHeader?: string;
}

/** No connection came about, so that a put had no effect. A route that is lost (EHOSTUNREACH) may be lost under a request. */
const unreachable = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'];

export function faultTable(
  table: Omit<FaultTable, 'conditions'> & {
    readonly codes: Readonly<Partial<Record<StoreCondition, readonly string[]>>>;
  },
): FaultTable {
  const { codes, ...rest } = table;
  const conditions = new Map<string, StoreCondition>(unreachable.map((name) => [name, 'unreachable']));
  for (const [condition, names] of Object.entries(codes))
    for (const name of names) conditions.set(name, condition as StoreCondition);
  return { ...rest, conditions };
}

function conditionOf({ name, status }: StoreFault, { conditions }: FaultTable): StoreCondition {
  const known = conditions.get(name);
  if (known !== undefined) return known;
  if (status === undefined) return 'silent';
  if (status === 401) return 'unauthenticated';
  if (status === 403) return 'forbidden';
  if (status >= 300 && status < 400) return 'region';
  if (status === 429 || status === 503) return 'busy';
  if (status === 501) return 'unsupported';
  // A 404 without a code of the store comes from something before it. 409: others were at it, and nothing is decided.
  if (status >= 500 || status < 300 || status === 404 || status === 408 || status === 409) return 'silent';
  return 'refused';
}

/** Of the fault of a request that is not a put, or of a put that surely had no effect. */
export function storeError(fault: StoreFault, failed: StoreFailed, table: FaultTable): CairnError {
  const meaning = meanings[conditionOf(fault, table)];
  const { access, description, key } = failed;
  const { name, status } = fault;
  const seen = status === undefined ? (fault.said ?? name) : `${name}, HTTP ${status}`;
  const object = key === undefined ? '' : ` of ${key}`;
  const region = table.regionHeader === undefined ? undefined : fault.headers[table.regionHeader];
  const guess =
    meaning.code === 'store_forbidden'
      ? `the permission that may be missing is ${table.permissions[access]}`
      : undefined;
  const hint = fault.hint ?? guess;
  const hints = [
    ...(hint === undefined ? [] : [hint]),
    ...(region === undefined ? [] : [`the bucket is in ${region}`]),
  ];
  const message = [`${meaning.says} ${access}${object} in ${description} (${seen})`, ...hints].join('; ');
  return new CairnError(meaning.kind, meaning.code, message, {
    details: {
      store: description,
      error: name,
      ...(key === undefined ? {} : { key }),
      ...(status === undefined ? {} : { status }),
      ...(region === undefined ? {} : { region }),
    },
    ...(meaning.kind === 'unavailable' ? { retryAfterS: retryAfterOf(fault) } : {}),
    ...(access === 'write' ? { outcome: 'not_applied' as const } : {}),
  });
}

function retryAfterOf({ headers }: StoreFault): number {
  const seconds = Number(headers['retry-after'] ?? '1');
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : 1;
}

/**
 * The end of a put that failed, and not because its condition did not hold. Whatever may pass decides nothing: `unknown`.
 * Throws where it surely had no effect.
 */
export function putEnd(fault: StoreFault, failed: StoreFailed, table: FaultTable): PutResult {
  const meaning = meanings[conditionOf(fault, table)];
  const thrown = storeError(fault, failed, table);
  if (meaning.kind !== 'unavailable' || meaning.surelyNot === true) throw thrown;
  const { kind, code, message, details, retryAfterS } = thrown;
  const cause = new CairnError(kind, code, message, {
    details,
    outcome: 'unknown',
    ...(retryAfterS === undefined ? {} : { retryAfterS }),
  });
  return { status: 'unknown', cause };
}

/** For what an answer lacks that every store should give. */
export function strangeAnswer(what: string, failed: StoreFailed): CairnError {
  const { access, description, key } = failed;
  const object = key === undefined ? '' : ` of ${key}`;
  const message = `the answer to a ${access}${object} in ${description} ${what}`;
  return new CairnError('unavailable', 'store_answer', message, {
    details: { store: description, ...(key === undefined ? {} : { key }) },
    retryAfterS: 1,
  });
}
