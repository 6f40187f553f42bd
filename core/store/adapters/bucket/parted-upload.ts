/**
 * An upload in parts of one size (some stores want them equal), each sent when it is full, a few at a time. A body that is
 * shorter than one part is a plain put. The end is decided: where the answer to the join of all parts is lost, the object
 * itself is asked whether it is this upload's.
 */
import { bytesToHex } from '../../../base/bytes.js';
import { CairnError, isCairnError, overLimit } from '../../../base/errors.js';
import { limits } from '../../../base/limits.js';
import { retryDelayMs, uploadEnded } from '../../index.js';
import type { PutResult, Upload } from '../../index.js';
import type { BucketPorts } from './bucket-ports.js';

export interface UploadPart {
  /** From 1. */
  readonly number: number;
  /** Of the last part, the one that may be short, they stay as they are until the end; others are overwritten after `send`. */
  readonly bytes: Uint8Array;
}

/**
 * The requests that a store makes of an upload. All throw CairnError; what is `unavailable` is asked again. `Sent` is what the
 * store wants to hear of a part at the end.
 */
export interface PartedUpload<Sent> {
  readonly ports: BucketPorts;
  readonly key: string;
  /** Parts on their way at a time. */
  readonly parallel: number;
  /** For bodies of less than a part. */
  readonly put: (bytes: Uint8Array) => Promise<PutResult>;
  /** `nonce` goes with the object, so that it can be told from what has the key otherwise. */
  readonly begin: (nonce: string) => Promise<string>;
  readonly send: (id: string, part: UploadPart) => Promise<Sent>;
  readonly join: (id: string, parts: readonly Sent[], nonce: string) => Promise<void>;
  /** Whether the object that is there carries the nonce. */
  readonly isJoined: (nonce: string) => Promise<boolean>;
  /** Gives up what was sent, as far as the store does. */
  readonly drop: (id: string) => Promise<void>;
}

export function openPartedUpload<Sent>(options: PartedUpload<Sent>): Upload {
  return new BucketUpload(options);
}

class BucketUpload<Sent> implements Upload {
  readonly #options: PartedUpload<Sent>;
  readonly #nonce: string;
  #buffer: Uint8Array<ArrayBuffer> | undefined;
  /** Buffers of parts that were sent. */
  readonly #spare: Uint8Array<ArrayBuffer>[] = [];
  #filled = 0;
  /** Of the store, once a part had to be sent. */
  #id: string | undefined;
  readonly #parts: Sent[] = [];
  #number = 0;
  readonly #flights = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;
  #open = true;

  constructor(options: PartedUpload<Sent>) {
    this.#options = options;
    this.#nonce = bytesToHex(options.ports.random.fill(new Uint8Array(16)));
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#mustBeOpen();
    this.#mustNotHaveFailed();
    for (let at = 0; at < bytes.length;) {
      if (this.#filled === limits.uploadPartBytes) await this.#startPart();
      this.#buffer ??= this.#spare.pop() ?? new Uint8Array(limits.uploadPartBytes);
      const taken = bytes.subarray(at, at + limits.uploadPartBytes - this.#filled);
      this.#buffer.set(taken, this.#filled);
      this.#filled += taken.length;
      at += taken.length;
    }
  }

  async finish(): Promise<void> {
    this.#mustBeOpen();
    this.#mustNotHaveFailed();
    if (this.#id === undefined) await this.#putWhole();
    else {
      await this.#startPart();
      await Promise.all(this.#flights);
      this.#mustNotHaveFailed();
      await this.#join(this.#id);
    }
    this.#end();
  }

  async abort(): Promise<void> {
    const id = this.#id;
    const open = this.#open;
    this.#end();
    if (!open || id === undefined) return;
    // A part that comes after the end of its upload would be kept for ever.
    await Promise.all(this.#flights);
    await this.#options.drop(id).catch(() => {});
  }

  #end(): void {
    this.#open = false;
    this.#buffer = undefined;
    this.#spare.length = 0;
  }

  #mustBeOpen(): void {
    if (!this.#open) throw uploadEnded(this.#options.key);
  }

  #mustNotHaveFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #putWhole(): Promise<void> {
    const bytes = this.#buffer?.subarray(0, this.#filled) ?? new Uint8Array(0);
    await this.#repeated(async () => {
      const end = await this.#options.put(bytes);
      if (end.status !== 'applied') throw this.#unknown(end.status === 'unknown' ? end.cause : undefined);
    });
  }

  /** Waits until the part is on its way, not until it has arrived. */
  async #startPart(): Promise<void> {
    const { key, parallel, begin } = this.#options;
    const number = ++this.#number;
    if (number > limits.uploadParts)
      throw overLimit('uploadParts', number, limits.uploadParts, `upload of ${key}`);
    this.#id ??= await this.#repeated(() => begin(this.#nonce)).catch((error: unknown) => {
      // Else the end of the object would be taken for all of it.
      this.#failure = { error };
      throw error;
    });
    while (this.#flights.size >= parallel) await Promise.race(this.#flights);
    this.#mustNotHaveFailed();
    const flight = this.#sendPart(this.#id, number, this.#buffer!, this.#filled).finally(() =>
      this.#flights.delete(flight),
    );
    this.#flights.add(flight);
    this.#buffer = undefined;
    this.#filled = 0;
  }

  /** Never rejects: what failed is thrown by whoever comes next. */
  async #sendPart(
    id: string,
    number: number,
    buffer: Uint8Array<ArrayBuffer>,
    filled: number,
  ): Promise<void> {
    const part = { number, bytes: buffer.subarray(0, filled) };
    try {
      this.#parts[number - 1] = await this.#repeated(() => this.#options.send(id, part));
    } catch (error) {
      this.#failure ??= { error };
    }
    if (this.#open) this.#spare.push(buffer);
  }

  /**
   * Once an answer was lost, what is there decides, and never that a store knows nothing of an upload any more: it may be over
   * because the first join made the object.
   */
  async #join(id: string): Promise<void> {
    const { join, isJoined } = this.#options;
    let lost = false;
    await this.#repeated(async () => {
      try {
        if (lost && (await isJoined(this.#nonce))) return;
        await join(id, this.#parts, this.#nonce);
      } catch (error) {
        if (!lost && !isAgain(error)) throw error;
        lost = true;
        throw this.#unknown(error);
      }
    });
  }

  /** The same part again is the same part. Without this one lost answer among thousands of parts would cost all of them. */
  async #repeated<T>(request: () => Promise<T>): Promise<T> {
    const { ports } = this.#options;
    for (let attempt = 0; ; attempt++) {
      try {
        return await request();
      } catch (error) {
        if (!this.#open || !isAgain(error) || attempt >= limits.readRetries) throw error;
        await ports.sleep(retryDelayMs(attempt, ports.random, error.retryAfterS));
      }
    }
  }

  #unknown(cause: unknown): CairnError {
    const { key } = this.#options;
    const message = `whether object ${key} is there the store did not say`;
    const retryAfterS = isCairnError(cause) ? cause.retryAfterS : undefined;
    return new CairnError('unavailable', 'upload_unknown', message, {
      details: { key },
      outcome: 'unknown',
      cause,
      ...(retryAfterS === undefined ? {} : { retryAfterS }),
    });
  }
}

function isAgain(error: unknown): error is CairnError {
  return isCairnError(error) && error.kind === 'unavailable';
}
