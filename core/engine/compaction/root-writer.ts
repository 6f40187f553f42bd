/**
 * Puts the root of a collection after a compaction: what the new head names, as far as it fits, so that who opens the
 * collection reads it beside the head (core/log/root-codec.ts). Best effort: without it, or with one of an older head, an
 * open takes a round trip more. Two compactors may put theirs in any order.
 */
import { bytesToHex } from '../../base/bytes.js';
import { corrupt } from '../../base/errors.js';
import { limits } from '../../base/limits.js';
import { copyBytes, readRoot, rootBytesOf, rootKey, sealRoot } from '../../log/index.js';
import type { Head, LogContext, PartCopy } from '../../log/index.js';
import { deletionsBytes, footerOfTail } from '../../segment/index.js';
import { readRange } from '../../store/index.js';

export interface RootOptions {
  readonly context: LogContext;
  /** As it was committed, or later. */
  readonly head: Head;
  /** Whole objects that the head may name, by their keys. */
  readonly written: ReadonlyMap<string, Uint8Array>;
}

/** Of an object that a head names, what who opens the collection reads. */
interface Part extends Omit<PartCopy, 'bytes'> {
  /** Of the whole object. */
  readonly size: number;
  readonly offset: number;
  readonly length: number;
}

/**
 * Never fails. Where the head names no segments or nothing fits, one without copies takes the place of one that has some: those would be
 * read in vain. Cost: 1 GET, 1 PUT, and 1 GET for each part that neither was written just now nor is in the root that is there,
 * `limits.rootReads` at most.
 */
export async function putRoot(options: RootOptions): Promise<void> {
  try {
    await tryPut(options);
  } catch {
    // The commit stands. The next one puts another root.
  }
}

async function tryPut({ context, head, written }: RootOptions): Promise<void> {
  const { store, ports, uid } = context;
  const before = await readRoot(context);
  let reads = 0;
  const copies = await Promise.all(
    partsThatFit(head).map(async (part): Promise<readonly PartCopy[]> => {
      const { key, sha256 } = part;
      const known = written.get(key) ?? before.get(key)?.bytes;
      if (known !== undefined && isPart(context, part, known)) return [{ key, sha256, bytes: known }];
      if (++reads > limits.rootReads) return [];
      const bytes = await tryRead(context, part);
      return bytes === undefined ? [] : [{ key, sha256, bytes }];
    }),
  );
  const found = copies.flat();
  if (found.length === 0 && before.size === 0) return;
  await store.put(rootKey(uid), sealRoot(ports.digests, uid, found), { if: 'any' });
}

/** From the smallest on, as each that is there saves a request. None of a head without segments. */
function partsThatFit(head: Head): readonly Part[] {
  const parts = partsOf(head).toSorted((a, b) => a.length - b.length);
  let bytes = 0;
  const end = parts.findIndex((part) => rootBytesOf((bytes += copyBytes(part))) > limits.rootBytes);
  return end < 0 ? parts : parts.slice(0, end);
}

function partsOf({ segments, window }: Head): readonly Part[] {
  if (segments.length === 0) return [];
  const whole = (key: string, sha256: string, size: number): Part => ({
    ...{ key, sha256, size },
    ...{ offset: 0, length: size },
  });
  const ofSegments = segments.flatMap(({ key, bytes, tailBytes, footerSha256, rows, deletions }) => {
    const offset = bytes - tailBytes;
    const tail: Part = { key, sha256: footerSha256, size: bytes, offset, length: tailBytes };
    if (deletions === undefined) return [tail];
    return [tail, whole(deletions.key, deletions.sha256, deletionsBytes(rows, deletions.hidden))];
  });
  return window === undefined ? ofSegments : [...ofSegments, whole(window.key, window.sha256, window.bytes)];
}

/** Whether the head names these bytes: a whole object by its hash, a tail by that of its footer. */
function isPart({ ports }: LogContext, { key, sha256, offset, length }: Part, bytes: Uint8Array): boolean {
  if (bytes.length !== length) return false;
  try {
    const named = offset === 0 ? bytes : footerOfTail(key, bytes, offset);
    return bytesToHex(ports.digests.sha256(named)) === sha256;
  } catch {
    return false;
  }
}

/** Undefined where it is gone, damaged, or the store has no answer. */
async function tryRead(context: LogContext, part: Part): Promise<Uint8Array | undefined> {
  const { key, size, sha256, offset, length } = part;
  try {
    return await readRange({ store: context.store, key, size, range: { offset, length } }, (bytes) => {
      if (isPart(context, part, bytes)) return bytes;
      throw corrupt({ key, offset, expected: `sha-256 ${sha256}`, found: 'other bytes' });
    });
  } catch {
    return undefined;
  }
}
