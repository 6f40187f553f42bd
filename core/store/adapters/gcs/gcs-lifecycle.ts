/**
 * Whether the bucket has a rule that will delete what is put, as far as these credentials may know. A rule applies to an object
 * of which all its conditions hold: https://cloud.google.com/storage/docs/lifecycle
 */
import { storeError } from '../bucket/index.js';
import type { StoreFailed } from '../bucket/index.js';
import { faultOf, gcsFaults } from './gcs-faults.js';
import type { GcsRequests } from './gcs-requests.js';

interface Rule {
  readonly action?: { readonly type?: string };
  readonly condition?: Readonly<Record<string, unknown>>;
}

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
    const path = requests.path('', { fields: 'lifecycle' });
    document = (await requests.document({ method: 'GET', path }, failed)).document;
  } catch (error) {
    const fault = faultOf(error);
    // Most credentials of programs may not read it (storage.buckets.get).
    if (fault.status === 403) return undefined;
    throw storeError(fault, failed, gcsFaults);
  }
  const { lifecycle } = (document ?? {}) as { readonly lifecycle?: { readonly rule?: readonly Rule[] } };
  const rule = lifecycle?.rule?.find((each) => deletes(each, prefix, nowMs));
  return rule === undefined ? undefined : JSON.stringify(rule);
}

function deletes({ action, condition = {} }: Rule, prefix: string, nowMs: number): boolean {
  if (action?.type !== 'Delete' || condition['isLive'] === false) return false;
  if (ofOthers.some((name) => condition[name] !== undefined)) return false;
  const { createdBefore, matchesPrefix } = condition;
  if (typeof createdBefore === 'string' && Date.parse(createdBefore) <= nowMs) return false;
  // Of any length: a rule of all that begins with a part of our prefix, or of a part of what we keep.
  return (
    !Array.isArray(matchesPrefix) ||
    matchesPrefix.some((start) => prefix.startsWith(String(start)) || String(start).startsWith(prefix))
  );
}
