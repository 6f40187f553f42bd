/**
 * Whether the bucket has a rule that will delete what is put, as far as these credentials may know. A rule applies to an object
 * of which all its conditions hold: https://cloud.google.com/storage/docs/lifecycle
 */
import { storeError } from '../bucket/index.js';
import type { StoreFailed } from '../bucket/index.js';
import { faultOf, gcsFaults } from './gcs-faults.js';
import type { GcsRequests } from './gcs-requests.js';

interface Rule {
  readonly action?: { readonly type?: string; readonly storageClass?: string };
  readonly condition?: Readonly<Record<string, unknown>>;
}

interface Bucket {
  readonly lifecycle?: { readonly rule?: readonly Rule[] };
  readonly storageClass?: string;
  readonly autoclass?: { readonly enabled?: boolean };
}

/** What all keys of ours begin with that have to stay (docs/FORMAT.md, "Keys"). */
const ROOTS = ['c/', 'catalog/', 'work/'];
/** What they end with: names, and what comes after the hexadecimal digits of others. */
const ENDS = ['head', 'pass', '.seg', '.del', '.win', '.job'];
const LAST_PART = /^(?:.*\/)?(?:head|pass|[0-9a-f-]+|[0-9a-f-]*\.(?:seg|del|win|job))$/;

/** Conditions that only objects meet which were replaced or deleted, or carry a date that ours have not. */
const ofOthers = [
  ...['numNewerVersions', 'daysSinceNoncurrentTime', 'noncurrentTimeBefore'],
  ...['customTimeBefore', 'daysSinceCustomTime'],
];

/** The rule as JSON, for people. Cost: one request. */
export async function deletingRule(
  requests: GcsRequests,
  { prefix, nowMs }: { readonly prefix: string; readonly nowMs: number },
  failed: StoreFailed,
): Promise<string | undefined> {
  let document: unknown;
  try {
    const path = requests.path('', { fields: 'lifecycle,storageClass,autoclass' });
    document = (await requests.document({ method: 'GET', path }, failed)).document;
  } catch (error) {
    const fault = faultOf(error);
    // Most credentials of programs may not read it (storage.buckets.get).
    if (fault.status === 403) return undefined;
    throw storeError(fault, failed, gcsFaults);
  }
  const bucket = (document ?? {}) as Bucket;
  const ours = { roots: ROOTS.map((root) => prefix + root), classes: classesOf(bucket), nowMs };
  const rule = bucket.lifecycle?.rule?.find((each) => deletes(each, ours));
  return rule === undefined ? undefined : JSON.stringify(rule);
}

interface Ours {
  readonly roots: readonly string[];
  /** That objects may come to be of. Undefined: any. */
  readonly classes: readonly (string | undefined)[] | undefined;
  readonly nowMs: number;
}

/** Puts name none: the bucket's own, and whatever its rules or Google make of it later. */
function classesOf({ lifecycle, storageClass, autoclass }: Bucket): Ours['classes'] {
  if (autoclass?.enabled === true) return undefined;
  return ['STANDARD', storageClass, ...(lifecycle?.rule ?? []).map(({ action }) => action?.storageClass)];
}

function deletes({ action, condition = {} }: Rule, { roots, classes, nowMs }: Ours): boolean {
  if (action?.type !== 'Delete' || condition['isLive'] === false) return false;
  if (ofOthers.some((name) => condition[name] !== undefined)) return false;
  const { createdBefore, matchesPrefix, matchesSuffix, matchesStorageClass } = condition;
  if (typeof createdBefore === 'string' && Date.parse(createdBefore) <= nowMs) return false;
  return (
    // Of any length: a rule of all that begins with a part of a root, or of a part of what is below it.
    someOf(matchesPrefix, (start) =>
      roots.some((root) => root.startsWith(start) || start.startsWith(root)),
    ) &&
    someOf(matchesSuffix, (end) => ENDS.some((each) => each.endsWith(end)) || LAST_PART.test(end)) &&
    someOf(matchesStorageClass, (name) => classes?.includes(name) ?? true)
  );
}

/** Whether the condition holds for one of its values. One that is not there always does. */
function someOf(condition: unknown, holds: (value: string) => boolean): boolean {
  return !Array.isArray(condition) || condition.some((value) => holds(String(value)));
}
