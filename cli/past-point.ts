/**
 * The flags that name a state of the past: `--snapshot NAME`, `--sequence N`, `--time T`. Which times are some the
 * engine tells.
 */
import { invalid } from '../core/base/errors.js';
import type { AsOf, PastInput } from '../core/index.js';
import type { Flags } from './configuration.js';

type OwnFlag = readonly [flag: string, help: string];

export const asOfFlags: readonly OwnFlag[] = [
  ['sequence <n>', 'the state at this sequence'],
  ['time <time>', 'the state at this time, such as 2030-01-01T09:00:00Z'],
];
export const pointFlags: readonly OwnFlag[] = [
  ['snapshot <name>', 'the state that this snapshot keeps'],
  ...asOfFlags,
];

/** Undefined where no flag is given. Throws `invalid`. */
export function tryAsOf({ sequence, time }: Flags): AsOf | undefined {
  if (sequence !== undefined && time !== undefined)
    throw invalid('invalid_flags', 'either --sequence or --time, not both');
  if (sequence === undefined) return time === undefined ? undefined : String(time);
  if (/^\d{1,15}$/.test(String(sequence))) return Number(sequence);
  const shown = JSON.stringify(String(sequence).slice(0, 60));
  throw invalid('invalid_flags', `--sequence must be an integer of at least 0, got ${shown}`);
}

/** Undefined where no flag is given. Throws `invalid`. */
export function tryPastPoint(flags: Flags): PastInput | undefined {
  const { snapshot } = flags;
  const asOf = tryAsOf(flags);
  if (snapshot === undefined) return asOf === undefined ? undefined : { asOf };
  if (asOf === undefined) return { snapshot: String(snapshot) };
  throw invalid('invalid_flags', 'either --snapshot, --sequence or --time, not two of them');
}
