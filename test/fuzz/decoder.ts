/** What the runner asks of a decoder: inputs from chance, and which ends of them are no bug. */
import type { ErrorKind } from '../../core/index.js';
import type { Chance } from '../log/virtual-time.js';

/** One input, on its way into a decoder. */
export interface Attempt {
  /** Bytes, or characters. */
  readonly size: number;
  /**
   * Decodes, and uses what came of it. A refusal is thrown as it comes. A value that breaks what its readers rely on is
   * thrown as anything but a `CairnError`.
   */
  readonly run: () => Promise<void> | void;
  /** The input, for people. */
  readonly show: () => string;
}

export interface Decoder {
  readonly name: string;
  /** Of the errors in which a refusal may end. */
  readonly refusals: readonly ErrorKind[];
  /** What is asked for at once of memory outside the heap whatever the input. Default: a MiB. */
  readonly bufferBytes?: number;
  /** How many times as long as of others an input takes: a slice has so many fewer of them. Default: 1. */
  readonly cost?: number;
  readonly next: (chance: Chance) => Attempt;
}

/** For what a decoded value must be. */
export function mustHold(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`the decoded value breaks: ${what}`);
}

/** For what is done with a decoded value: nothing of it may be refused any more. */
export function mustWork<T>(what: string, use: () => T): T {
  try {
    return use();
  } catch (cause) {
    throw new Error(`the decoded value fails: ${what}`, { cause });
  }
}

const SHOWN_BYTES = 4_096;

/** What was edited: places and what is there now. */
export function differencesOf(sound: Uint8Array, edited: Uint8Array): string {
  const changes: string[] = [];
  for (let at = 0; at < edited.length && changes.length < 64; at++)
    if (edited[at] !== sound[at]) changes.push(`${at}: ${edited[at]}`);
  return `{ ${changes.join(', ')} }`;
}

/** Bytes as a line that can be pasted into a test. */
export function hexOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, SHOWN_BYTES)).toString('hex');
  return bytes.length > SHOWN_BYTES ? `${text}… (${bytes.length} bytes)` : text;
}
