/**
 * Feeds inputs to a decoder. They are numbered, and each is made from its number alone, so that one can be had again
 * without those before it. The first that ends in anything but a value that holds or a refusal of the right kind ends
 * the run, and is shown.
 */
import { isCairnError } from '../../core/index.js';
import { Chance } from '../log/virtual-time.js';
import { takeLargestAllocation, watchAllocations } from './allocations.js';
import type { Attempt, Decoder } from './decoder.js';

export interface FuzzOptions {
  readonly inputs: number;
  /** Number of the first input. */
  readonly start: number;
}

export interface FuzzReport {
  readonly inputs: number;
  /** How many were decoded, and how many ended in an error of each code. */
  readonly ends: ReadonlyMap<string, number>;
  /** The input that took the most processor time. */
  readonly slowest: { readonly input: number; readonly ms: number };
  readonly largestAllocation: { readonly input: number; readonly bytes: number };
}

const DECODED = 'decoded';
const BUFFER_BYTES = 1_048_576;
const ALLOCATION_PER_BYTE = 8;
const MESSAGE_MOST = 2_000;

/** Throws the first fault, with the number that makes the input again. */
export async function fuzz(decoder: Decoder, { inputs, start }: FuzzOptions): Promise<FuzzReport> {
  watchAllocations();
  const ends = new Map<string, number>();
  let slowest = { input: start, ms: 0 };
  let largestAllocation = { input: start, bytes: 0 };
  for (let input = start; input < start + inputs; input++) {
    const attempt = decoder.next(new Chance(input));
    takeLargestAllocation();
    const since = process.cpuUsage();
    const end = await endOf(decoder, attempt, input);
    const { user, system } = process.cpuUsage(since);
    const ms = (user + system) / 1_000;
    if (ms > slowest.ms) slowest = { input, ms };
    const bytes = takeLargestAllocation();
    if (bytes > largestAllocation.bytes) largestAllocation = { input, bytes };
    if (bytes > (decoder.bufferBytes ?? BUFFER_BYTES) + ALLOCATION_PER_BYTE * attempt.size)
      throw faultOf(decoder, input, attempt, `asked for ${bytes} bytes at once`);
    ends.set(end, (ends.get(end) ?? 0) + 1);
  }
  return { inputs, ends, slowest, largestAllocation };
}

async function endOf(decoder: Decoder, attempt: Attempt, input: number): Promise<string> {
  try {
    await attempt.run();
    return DECODED;
  } catch (error) {
    const refused = isCairnError(error) && decoder.refusals.includes(error.kind);
    if (!refused) throw faultOf(decoder, input, attempt, `threw ${nameOf(error)}`, error);
    if (error.message.length > MESSAGE_MOST)
      throw faultOf(decoder, input, attempt, 'has an endless message', error);
    return error.code;
  }
}

function nameOf(error: unknown): string {
  return isCairnError(error) ? `${error.kind} (${error.code}): ${error.message}` : String(error);
}

function faultOf(decoder: Decoder, input: number, attempt: Attempt, what: string, cause?: unknown): Error {
  const replay = `npm run fuzz -- --decoder ${decoder.name} --inputs 1 --start ${input}`;
  return new Error(`input ${input} of ${decoder.name} ${what}\n${replay}\n${attempt.show()}`, { cause });
}
