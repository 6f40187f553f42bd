/**
 * Puts one slot until its fate is decided (ARCHITECTURE.md, "The life of a write"). The three ends of a put meet the
 * three things that a slot can hold afterwards: this try, another's, nothing.
 */
import { CairnError, hasCode, inDoubt } from '../base/errors.js';
import type { Sequence } from '../base/ids.js';
import { retryDelayMs, SUBREQUESTS_EXHAUSTED } from '../store/index.js';
import type { GetResult, PutResult } from '../store/index.js';
import { slotKey } from './layout.js';
import type { LogContext } from './log-reader.js';
import { openSlot } from './slot-codec.js';

export type SlotFate =
  /** `modifiedMs`: the store's date of the put, where this try was answered. */
  | {
      readonly status: 'won';
      readonly modifiedMs: number | undefined;
      /** The only put that was made was answered: none is under way that still reads the bytes. */
      readonly atOnce: boolean;
    }
  /** Another's slot is there. */
  | { readonly status: 'lost' }
  /** Refused, and nothing is there: the slot was written and collected. Our tail is far behind. */
  | { readonly status: 'collected' }
  /** Nobody waits any more. The put may still land. */
  | { readonly status: 'abandoned' };

export interface SlotPut {
  readonly seq: Sequence;
  readonly nonce: string;
  readonly bytes: Uint8Array;
  /** Asked after each try that decided nothing: nobody waits for this slot any more. */
  readonly abandoned: () => boolean;
}

function isCertain(error: unknown): boolean {
  return error instanceof CairnError && error.outcome === 'not_applied';
}

export async function putSlot(context: LogContext, put: SlotPut): Promise<SlotFate> {
  const { store, ports } = context;
  const key = slotKey(context.uid, put.seq);
  let inFlight = false;
  for (let attempt = 0; ; attempt++) {
    let result: PutResult;
    try {
      result = await store.put(key, put.bytes, { if: 'absent' });
    } catch (error) {
      // Without an earlier try in flight this is the answer. With one it decides nothing.
      if (isCertain(error) && !inFlight) throw error;
      // No further try will be made, and whether an earlier one landed cannot be asked.
      if (hasCode(error, SUBREQUESTS_EXHAUSTED)) throw inDoubt(error);
      result = { status: 'unknown', cause: error };
    }
    if (result.status === 'applied')
      return { status: 'won', modifiedMs: result.modifiedMs, atOnce: attempt === 0 };
    const found = await tryGet(context, key);
    if (found?.status === 'found') {
      const mine = openSlot(ports.digests, context.uid, put.seq, found.bytes).nonce === put.nonce;
      return mine ? { status: 'won', modifiedMs: found.modifiedMs, atOnce: false } : { status: 'lost' };
    }
    if (found?.status === 'absent' && result.status === 'refused') return { status: 'collected' };
    // Unknown, and not there (or not to be read): the same key and body again. Never the next slot: this put may land.
    inFlight = true;
    if (put.abandoned()) return { status: 'abandoned' };
    await ports.sleep(retryDelayMs(attempt, ports.random));
  }
}

/** Undefined where the store did not answer. */
async function tryGet(context: LogContext, key: string): Promise<GetResult | undefined> {
  try {
    return await context.store.get(key);
  } catch (error) {
    if (error instanceof CairnError && error.kind === 'unavailable') return undefined;
    throw error;
  }
}
