/**
 * The head and its copies as one lineage (invariants 6, 12): every version that retention keeps has its copy, each opens,
 * and each is what its successor was made of, by the very rules that swaps are checked against. Newest first, one by one.
 */
import { bytesEqual } from '../../base/bytes.js';
import { CairnError } from '../../base/errors.js';
import { headVersion } from '../../base/ids.js';
import type { HeadVersion } from '../../base/ids.js';
import { limits } from '../../base/limits.js';
import { checkSuccessor, headCopyKey, keptStates, openHead, tryDatedKey } from '../../log/index.js';
import type { Head } from '../../log/index.js';
import type { Subject } from './subject.js';

/**
 * `onKept` gets each copy that is sound, newest first. False where one is not: then nobody knows what else is named. Cost: 1
 * GET per copy.
 */
export async function scrubLineage(
  subject: Subject,
  garbage: ReadonlySet<string>,
  onKept: (head: Head) => void,
): Promise<boolean> {
  const { head, findings } = subject;
  const { errors } = findings.result;
  const versions = keptVersions(subject, garbage);
  await reportNewer(subject, versions[0] ?? 0);
  let successor = head;
  let expected = head.version - 1;
  for (const version of versions.filter((found) => found <= head.version)) {
    if (subject.ended) return false;
    if (version === head.version) {
      await checkCurrent(subject);
      continue;
    }
    await reportGap(subject, version + 1, expected);
    expected = version - 1;
    const copy = await readCopy(subject, version, successor);
    if (copy === undefined) continue;
    onKept(copy);
    successor = copy;
  }
  await reportGap(subject, head.retainedFrom.version, expected);
  for (const version of new Set(Array.from(keptStates(head), (state) => state.version)))
    if (!versions.includes(version) && version < head.retainedFrom.version)
      await reportUnpinned(subject, version);
  return findings.result.errors === errors;
}

function keptVersions({ uid, listed }: Subject, garbage: ReadonlySet<string>): readonly number[] {
  return listed
    .flatMap(({ key }): number[] => {
      const place = garbage.has(key) ? undefined : tryDatedKey(uid, key);
      return place?.kind === 'head copy' ? [place.version] : [];
    })
    .sort((a, b) => b - a);
}

/** A copy is made of a head that was there: one of a version above the head's tells that the head went back. */
async function reportNewer(subject: Subject, newest: number): Promise<void> {
  if (newest <= subject.head.version) return;
  const version = await subject.newestVersion();
  if (newest <= version) return;
  const key = headCopyKey(subject.uid, headVersion(newest));
  subject.findings.error('head_lineage', {
    key,
    message: `a copy of version ${newest}, where the head is of version ${version}: the head went back`,
  });
}

/** What a swap that failed, or is under way, has left: the head as it is. */
async function checkCurrent(subject: Subject): Promise<void> {
  const { uid, head, headBytes, findings } = subject;
  const key = headCopyKey(uid, head.version);
  const opened = await subject.open(key, (bytes) => bytesEqual(bytes, headBytes));
  if (opened.status !== 'sound' || opened.value) return;
  findings.error('head_lineage', { key, message: `the copy of version ${head.version} is not that head` });
}

/** Versions `from` to `to` are not in the listing. Those that the newest head does not keep were collected. */
async function reportGap(subject: Subject, from: number, to: number): Promise<void> {
  const { head, uid, findings } = subject;
  const first = Math.max(from, head.retainedFrom.version);
  if (first > to || !(await subject.keepsVersion(to))) return;
  const key = headCopyKey(uid, headVersion(to));
  const which = first === to ? `version ${to}` : `versions ${first} to ${to}`;
  findings.error('head_copy_missing', { key, message: `no copy of ${which} of the head, which is retained` });
}

/** A version that is kept for a snapshot, a restore or a branch alone is not in the listing. */
async function reportUnpinned(subject: Subject, version: HeadVersion): Promise<void> {
  if (!(await subject.keepsVersion(version))) return;
  const key = headCopyKey(subject.uid, version);
  const message = `no copy of version ${version} of the head, which a snapshot, a restore or a branch keeps`;
  subject.findings.error('head_copy_missing', { key, message });
}

async function readCopy(subject: Subject, version: number, successor: Head): Promise<Head | undefined> {
  const { uid, context, findings } = subject;
  const key = headCopyKey(uid, headVersion(version));
  const opened = await subject.open(key, (bytes) => openHead(context.ports.digests, uid, bytes));
  if (opened.status === 'absent') await reportGap(subject, version, version);
  if (opened.status === 'damaged') findings.corrupt('head_copy_corrupt', opened.error, key);
  if (opened.status !== 'sound') return undefined;
  const copy = opened.value;
  const fault = copy.version === version ? faultOfPair(copy, successor) : `it is of version ${copy.version}`;
  if (fault === undefined) return copy;
  findings.error('head_lineage', { key, message: `the copy of version ${version}: ${fault}` });
  return undefined;
}

/** What keeps `copy` from being what `successor` was made of. */
function faultOfPair(copy: Head, successor: Head): string | undefined {
  const distance = successor.version - copy.version;
  // Too long ago for its nonce to be there still.
  if (distance > limits.headNonces) return undefined;
  if (successor.nonces[distance - 1] !== copy.nonce)
    return `its nonce is not in version ${successor.version}`;
  if (distance !== 1) return undefined;
  try {
    checkSuccessor(copy, successor);
    return undefined;
  } catch (error) {
    if (!(error instanceof CairnError)) throw error;
    return error.message;
  }
}
