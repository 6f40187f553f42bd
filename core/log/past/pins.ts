/**
 * Snapshots, and for how long superseded states are kept: edits of the head, so that they and a collector's fence come
 * one after the other. A pin that comes first is in the head that the collector reads back; one that comes later is
 * refused below the fence.
 */
import { CairnError } from '../../base/errors.js';
import type { Sequence } from '../../base/ids.js';
import { limits } from '../../base/limits.js';
import { findState } from './past-heads.js';
import { swapHead } from '../head-swap.js';
import type { Head, Pin } from '../head.js';
import { collectionGone, mustBeActive } from '../log-reader.js';
import type { LogContext } from '../log-reader.js';
import type { AppliedRestore } from '../log-state.js';

export interface WantedPin {
  readonly name: string;
  /** Requires: it has happened, and a state that holds it was read by this caller. */
  readonly seq: Sequence;
  /** Of that state. */
  readonly unfolded: readonly AppliedRestore[];
}

/**
 * Keeps the state at `seq` until the pin is removed. Undefined where that is not kept any more. A pin of that name and
 * sequence that is there already is the answer, so that a repeated call does no harm. Throws `snapshot_exists`,
 * `too_many_snapshots`, `collection_gone`. Cost: 1 GET and 2 PUT; of a state that the head has folded past, the GETs
 * that find its version besides.
 */
export async function addPin(
  context: LogContext,
  { name, seq, unfolded }: WantedPin,
): Promise<Pin | undefined> {
  const createdMs = context.ports.clock.wallMs();
  let kept = true;
  const head = await swapHead(context, async (current) => {
    mustBeActive(current);
    const known = findPin(current, name);
    if (known?.seq === seq) return undefined;
    if (known !== undefined) throw pinExists(known);
    if (current.pins.length >= limits.headPins) throw tooManyPins(current);
    const found = await findState(context, { head: current, seq, unfolded });
    kept = found !== undefined;
    if (found === undefined) return undefined;
    const bytes = found.base.segments.reduce((sum, segment) => sum + segment.bytes, 0);
    return { pins: [...current.pins, { name, ...found.state, createdMs, bytes }] };
  });
  if (head === undefined) throw collectionGone(context.uid);
  return kept ? findPin(head, name) : undefined;
}

/** False where there is none of that name. What it kept is garbage from then on. */
export async function removePin(context: LogContext, name: string): Promise<boolean> {
  let there = false;
  const head = await swapHead(context, (current) => {
    mustBeActive(current);
    if (findPin(current, name) === undefined) return undefined;
    there = true;
    return { pins: current.pins.filter((pin) => pin.name !== name) };
  });
  if (head === undefined) throw collectionGone(context.uid);
  return there;
}

/** Sets for how long superseded states are kept. What was let go before does not come back. */
export async function setRetention(context: LogContext, retentionMs: number): Promise<Head> {
  const head = await swapHead(context, (current) => {
    mustBeActive(current);
    return current.retentionMs === retentionMs ? undefined : { retentionMs };
  });
  if (head === undefined) throw collectionGone(context.uid);
  return head;
}

function findPin({ pins }: Head, name: string): Pin | undefined {
  return pins.find((pin) => pin.name === name);
}

function pinExists({ name, seq }: Pin): CairnError {
  const message = `snapshot ${name} exists already, of sequence ${seq}`;
  return new CairnError('conflict', 'snapshot_exists', message, {
    details: { snapshot: name, sequence: seq },
    outcome: 'not_applied',
  });
}

function tooManyPins({ pins }: Head): CairnError {
  const maximum = limits.headPins;
  const message = `the collection would have ${pins.length + 1} snapshots, the maximum is ${maximum}`;
  return new CairnError('quota', 'too_many_snapshots', message, {
    details: { limit: 'head_pins', value: pins.length + 1, maximum },
    outcome: 'not_applied',
  });
}
