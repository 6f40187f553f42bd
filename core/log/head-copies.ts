/**
 * Copies of what a head names, out of the collection's root: asked for beside the head, so that what the head names is
 * mostly there when it has arrived. No answer depends on them, but a load waits for the root as it does for the head. What is
 * missing, damaged or of another head is read from where it lies, and so is all of it where the root could not be read.
 */
import { isCairnError } from '../base/errors.js';
import { limits } from '../base/limits.js';
import type { GetResult } from '../store/index.js';
import { rootKey } from './layout.js';
import type { LogContext } from './log-reader.js';
import { openRoot } from './root-codec.js';
import type { NamedPart, PartCopy } from './root-codec.js';

/** Empty where there is none, or none that opens. Throws what the store throws. Cost: 1 GET. */
export async function readRoot({ store, ports, uid }: LogContext): Promise<ReadonlyMap<string, PartCopy>> {
  // A range, so that no more is taken into memory, whatever is there, and a host that counts requests keeps some for what matters.
  const range = { offset: 0, length: limits.rootBytes };
  let got: GetResult;
  try {
    got = await store.get(rootKey(uid), { range });
  } catch (error) {
    if (isCairnError(error) && error.code === 'range_past_end') return new Map();
    throw error;
  }
  if (got.status !== 'found') return new Map();
  try {
    return openRoot(ports.digests, uid, got.bytes);
  } catch {
    return new Map();
  }
}

export class HeadCopies {
  readonly #copies: Promise<ReadonlyMap<string, PartCopy>>;

  /** Begins to read the root. */
  constructor(context: LogContext) {
    this.#copies = readRoot(context).catch(() => new Map());
  }

  /**
   * What `use` makes of the copy; undefined where there is none, or it throws. It checks what it gets as it checks what comes
   * from the object itself. The bytes are its own: of a view the whole root would stay in memory.
   */
  async tryUse<T>({ key, sha256 }: NamedPart, use: (bytes: Uint8Array) => T): Promise<T | undefined> {
    const copy = (await this.#copies).get(key);
    if (copy?.sha256 !== sha256) return undefined;
    try {
      return use(copy.bytes.slice());
    } catch {
      return undefined;
    }
  }
}
