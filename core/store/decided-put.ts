/**
 * Puts under a name of which every try is as good as the first: the same bytes, repeated until the store says what
 * became of them. Slots are not such puts: what is in one has to be read before it is tried again.
 */
import { inDoubt } from '../base/errors.js';
import { limits } from '../base/limits.js';
import type { Random, Sleep } from '../base/ports.js';
import type { ObjectStore, PutOptions, PutResult } from './object-store.js';
import { retryDelayMs } from './retrying.js';

export interface DecidedPut extends PutOptions {
  readonly key: string;
  readonly bytes: Uint8Array;
  /** Default `limits.casRounds`. */
  readonly tries?: number;
}

/**
 * The first answer that is not `unknown`, or the last one. A refusal may hide an earlier try that won: whom that
 * concerns reads the object. What it throws once a try was left undecided has outcome `unknown`.
 */
export async function putDecided(
  store: ObjectStore,
  { sleep, random }: { readonly sleep: Sleep; readonly random: Random },
  { key, bytes, if: condition, tries = limits.casRounds }: DecidedPut,
): Promise<PutResult> {
  for (let attempt = 1; ; attempt++) {
    let result: PutResult;
    try {
      result = await store.put(key, bytes, { if: condition });
    } catch (error) {
      throw attempt > 1 ? inDoubt(error) : error;
    }
    if (result.status !== 'unknown' || attempt >= tries) return result;
    await sleep(retryDelayMs(attempt - 1, random));
  }
}
