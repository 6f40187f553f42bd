/**
 * What is stored, as little as tells it: vector and document of an upsert follow from its stamp, which is never used twice, so
 * that no two records of a run have one vector.
 */
import { isDeepStrictEqual } from 'node:util';
import type { JsonObject, JsonValue, RecordInput, RecordOutput } from '../../core/index.js';
import { Chance } from '../log/virtual-time.js';
import { DIMENSION } from './lanes.js';

/** One record as the model keeps it. */
export interface Kept {
  readonly stamp: number;
  /** Without the filler. */
  readonly document: JsonObject;
  /** Characters that make it large. Kept as a number, or the models would be what takes the memory. */
  readonly filler: number;
  /** Soft-deleted. */
  readonly hidden: boolean;
}

/** By id. */
export type Records = ReadonlyMap<string, Kept>;

const TAGS = ['red', 'green', 'blue'];
const STAMPS_OF_LANE = 2 ** 22;

export function firstStamp(lane: number): number {
  return lane * STAMPS_OF_LANE + 1;
}

export function newRecord(lane: number, stamp: number, filler = 0): Kept {
  const chance = new Chance(stamp ^ 0x5bd1e995);
  const document = { lane, n: chance.below(100), tag: chance.pick(TAGS), in: { stamp, list: [stamp % 7] } };
  return { stamp, document, filler, hidden: false };
}

/** Numbers that 32-bit floats hold exactly. */
export function vectorOf(stamp: number): number[] {
  const chance = new Chance(stamp);
  return Array.from({ length: DIMENSION }, () => (1 + chance.below(8_000)) / 8 - 500);
}

function documentOf({ document, filler }: Kept): JsonObject {
  return filler === 0 ? document : { ...document, filler: 'x'.repeat(filler) };
}

export function inputOf(id: string, kept: Kept): RecordInput {
  return { id, vector: vectorOf(kept.stamp), metadata: documentOf(kept) };
}

export function numberOf({ document }: Kept): number {
  return document['n'] as number;
}

/** Requires: no nested objects in `change`. */
export function patched(kept: Kept, change: JsonObject, mode: 'merge' | 'replace'): Kept {
  if (mode === 'replace') return { ...kept, document: change, filler: 0 };
  const document: Record<string, JsonValue> = { ...kept.document };
  for (const [name, value] of Object.entries(change)) {
    if (value === null) delete document[name];
    else document[name] = value;
  }
  return { ...kept, document };
}

/** What is wrong with a record as it was read, or undefined. Of what was not asked for nothing is said. */
export function faultOf(read: RecordOutput, kept: Kept | undefined): string | undefined {
  if (kept === undefined) return `${read.id} was not written, or was deleted`;
  if ((read.deleted === true) !== kept.hidden) return `${read.id} is ${kept.hidden ? 'not ' : ''}visible`;
  const { vector, metadata } = read;
  const expected = vectorOf(kept.stamp);
  if (vector !== undefined && !expected.every((number, at) => number === vector[at]))
    return `${read.id} has the vector ${vector.join()}, expected ${expected.join()}`;
  if (metadata === undefined || isDeepStrictEqual(metadata, documentOf(kept))) return undefined;
  return `${read.id} has ${shown(metadata)}, expected ${shown(documentOf(kept))}`;
}

/** What is wrong with all that a lane was read to hold. */
export function faultOfAll(read: readonly RecordOutput[], expected: Records): string | undefined {
  for (const record of read) {
    const fault = faultOf(record, expected.get(record.id));
    if (fault !== undefined) return fault;
  }
  const ids = new Set(read.map(({ id }) => id));
  if (ids.size !== read.length) return `${read.length - ids.size} ids come twice`;
  const lost = [...expected.keys()].filter((id) => !ids.has(id));
  return lost.length === 0 ? undefined : `${lost.length} records are lost, ${lost[0]} among them`;
}

export function visible(records: Records): Records {
  return new Map([...records].filter(([, { hidden }]) => !hidden));
}

function shown(document: JsonObject): string {
  return JSON.stringify(document).slice(0, 200);
}
