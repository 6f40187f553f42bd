/**
 * Batches on their way into a slot, each with the write that waits for it; those that are too large for a slot get
 * objects of their own.
 */
import { CairnError } from '../base/errors.js';
import { newUuid } from '../base/ids.js';
import type { Sequence } from '../base/ids.js';
import { limits } from '../base/limits.js';
import { newObject, seal } from '../base/sealed-object.js';
import { putDecided } from '../store/index.js';
import { isInReach } from './inbox.js';
import { batchKey } from './layout.js';
import type { LogContext } from './log-reader.js';
import type { LogSink } from './log-state.js';
import type { PendingWrite, PreparedBatch } from './pending-write.js';
import type { RestoreTarget } from './restore-target.js';
import type { BatchContent, SlotBatch } from './slot-codec.js';

/** A write with the batch that it commits in the slot being built. */
export interface Draft<S extends LogSink<S>> {
  readonly write: PendingWrite<S>;
  readonly prepared: PreparedBatch;
  readonly resolvedAt: Sequence | undefined;
  /** It stands alone in its slot. */
  readonly restore: RestoreTarget | undefined;
}

/** A draft that knows where its bytes are: in the slot, or in an object of their own. */
export interface PlacedDraft<S extends LogSink<S>> extends Draft<S> {
  readonly content: BatchContent;
}

/**
 * Puts batches that are too large for a slot into objects of their own, before the slot after `after` names them. One
 * that lost that slot to another is there for the next 255 as well.
 */
export async function placeDrafts<S extends LogSink<S>>(
  context: LogContext,
  after: Sequence,
  drafts: readonly Draft<S>[],
): Promise<readonly PlacedDraft<S>[]> {
  return await Promise.all(
    drafts.map(async (drafted): Promise<PlacedDraft<S>> => {
      const { write, prepared } = drafted;
      const { content, contentSha } = prepared;
      if (content.length <= limits.inlineBatchBytes) return { ...drafted, content: { inline: content } };
      const { placed } = write;
      if (placed?.contentSha === contentSha && isInReach(after + 1, placed.content.after))
        return { ...drafted, content: placed.content };
      const place = { after, uuid: newUuid(context.ports.random), bytes: content.length };
      await putBatch(context, batchKey(context.uid, after, place.uuid), content);
      write.placed = { contentSha, content: place };
      return { ...drafted, content: place };
    }),
  );
}

/** Nobody else writes under this name, so an answer that was lost is simply asked for again. */
async function putBatch({ store, ports }: LogContext, key: string, content: Uint8Array): Promise<void> {
  const object = newObject(content.length);
  object.body.set(content);
  const bytes = seal(ports.digests, { kind: 'BAT', key }, object);
  const tries = limits.readRetries + 1;
  const result = await putDecided(store, ports, { key, bytes, if: 'any', tries });
  if (result.status === 'applied') return;
  const cause = result.status === 'unknown' ? result.cause : undefined;
  throw new CairnError('unavailable', 'store_unavailable', `the store did not take object ${key}`, {
    outcome: 'not_applied',
    retryAfterS: 1,
    cause,
  });
}

/** Bytes of the batches that lie in the slot itself. */
export function inlineBytesOf<S extends LogSink<S>>(group: readonly PlacedDraft<S>[]): number {
  return group.reduce((sum, { content }) => sum + ('inline' in content ? content.inline.length : 0), 0);
}

/** As the slot lists it. */
export function slotBatch<S extends LogSink<S>>({
  write,
  prepared,
  resolvedAt,
  content,
  restore,
}: PlacedDraft<S>): SlotBatch {
  const { keyHash, request } = write;
  const { contentSha, counts } = prepared;
  return { keyHash, requestHash: request.requestHash, contentSha, counts, resolvedAt, content, restore };
}
