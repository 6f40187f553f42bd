/**
 * Puts the root of a collection after a compaction: what the new head names, as far as it fits, so that who opens the
 * collection reads it beside the head (core/log/root-codec.ts). Best effort: without it, or with one of an older head, an
 * open takes a round trip more. Two compactors may put theirs in any order.
 */
import { limits } from '../../base/limits.js';
import { readRoot, rootBytesOf, rootKey, sealRoot } from '../../log/index.js';
import type { Head, LogContext, PartCopy } from '../../log/index.js';
import { deletionsBytes } from '../../segment/index.js';
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
 * Never fails, and puts nothing where the head names no segments or nothing fits. Cost: 1 GET, 1 PUT, and 1 GET for each part
 * that neither was written just now nor is in the root that is there, `limits.rootReads` at most.
 */
export async function putRoot(options: RootOptions): Promise<void> {
  try {
    await tryPut(options);
  } catch {
    // The commit stands. The next one puts another root.
  }
}

async function tryPut({ context, head, written }: RootOptions): Promise<void> {
  const parts = partsThatFit(head);
  if (parts.length === 0) return;
  const { store, ports, uid } = context;
  const before = await readRoot(context);
  let reads = 0;
  const copies = await Promise.all(
    parts.map(async (part): Promise<readonly PartCopy[]> => {
      const { key, sha256, length } = part;
      const kept = before.get(key);
      const known = written.get(key) ?? (kept?.sha256 === sha256 ? kept.bytes : undefined);
      if (known?.length === length) return [{ key, sha256, bytes: known }];
      if (++reads > limits.rootReads) return [];
      const bytes = await tryRead(context, part);
      return bytes === undefined ? [] : [{ key, sha256, bytes }];
    }),
  );
  const found = copies.flat();
  if (found.length > 0) await store.put(rootKey(uid), sealRoot(ports.digests, uid, found), { if: 'any' });
}

/** From the smallest on, as each that is there saves a request. None of a head without segments. */
function partsThatFit(head: Head): readonly Part[] {
  const parts = partsOf(head).toSorted((a, b) => a.length - b.length);
  let count = 0;
  while (count < parts.length && rootBytesOf(parts.slice(0, count + 1)) <= limits.rootBytes) count++;
  return parts.slice(0, count);
}

function partsOf({ segments, window }: Head): readonly Part[] {
  if (segments.length === 0) return [];
  const whole = (key: string, sha256: string, size: number): Part => ({
    key,
    sha256,
    size,
    offset: 0,
    length: size,
  });
  const ofSegments = segments.flatMap(({ key, bytes, tailBytes, footerSha256, rows, deletions }) => {
    const offset = bytes - tailBytes;
    const tail: Part = { key, sha256: footerSha256, size: bytes, offset, length: tailBytes };
    if (deletions === undefined) return [tail];
    return [tail, whole(deletions.key, deletions.sha256, deletionsBytes(rows, deletions.hidden))];
  });
  return window === undefined ? ofSegments : [...ofSegments, whole(window.key, window.sha256, window.bytes)];
}

/** Undefined where it is gone, damaged, or the store has no answer. */
async function tryRead(
  { store }: LogContext,
  { key, size, offset, length }: Part,
): Promise<Uint8Array | undefined> {
  try {
    return await readRange({ store, key, size, range: { offset, length } }, (bytes) => bytes);
  } catch {
    return undefined;
  }
}
