/**
 * What a key below a collection's prefix says of its object's place in the log, for a collector: which slot, which
 * version of the head, or the slots that may refer to a batch.
 */
import { headVersion, sequence } from '../base/ids.js';
import type { HeadVersion, Sequence, Uid } from '../base/ids.js';
import { collectionPrefix, tryUnrev } from './layout.js';

export type DatedKey =
  | { readonly kind: 'slot'; readonly seq: Sequence }
  | { readonly kind: 'head copy'; readonly version: HeadVersion }
  /** A batch too large for its slot, or one that lost a race: only slots in (after, after + 256] may refer to it. */
  | { readonly kind: 'batch'; readonly after: Sequence };

const REV = '[0-9a-f]{14}';
const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const DATED_KEY = new RegExp(`^(log|heads)/(${REV})$|^(?:batch|inbox)/(${REV})-${UUID}$`);

/** Undefined for any other key. */
export function tryDatedKey(uid: Uid, key: string): DatedKey | undefined {
  const prefix = collectionPrefix(uid);
  const match = key.startsWith(prefix) ? DATED_KEY.exec(key.slice(prefix.length)) : null;
  if (match === null) return undefined;
  const [, folder, own, after] = match;
  const value = tryUnrev(own ?? after!);
  if (value === undefined) return undefined;
  if (folder === 'log') return { kind: 'slot', seq: sequence(value) };
  if (folder === 'heads') return { kind: 'head copy', version: headVersion(value) };
  return { kind: 'batch', after: sequence(value) };
}
