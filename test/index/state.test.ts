/** The state in page 0 is stated twice, in wasm/index-state.ts and core/index/layout/state.ts: here they are compared. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { INDEX_STATE_OFFSET } from '../../core/kernel/index.js';
import { RABITQ_STATE_BYTES, rabitqOffsets } from '../../core/index/layout/rabitq-state.js';
import {
  HOP_BYTES,
  HOP_SIZE,
  NO_ROW,
  stateNumberOffsets,
  stateOffsets,
} from '../../core/index/layout/state.js';

const source = readFileSync(new URL('../../wasm/index-state.ts', import.meta.url), 'utf8');

function offsetInWasm(name: string): number {
  const constant = name.replace(/[A-Z]/g, '_$&').toUpperCase();
  const found = new RegExp(`const ${constant}: usize = STATE \\+ (\\d+);`).exec(source)?.[1];
  if (found === undefined) throw new Error(`${constant} is not in wasm/index-state.ts`);
  return Number(found);
}

test('every field lies where the kernels look for it', () => {
  expect(source).toContain(`const STATE: usize = ASC_FEATURE_THREADS ? ownState : ${INDEX_STATE_OFFSET};`);
  const fields = { ...stateOffsets, ...stateNumberOffsets };
  expect(Object.fromEntries(Object.keys(fields).map((name) => [name, offsetInWasm(name)]))).toEqual(fields);
  const last = Math.max(...[...source.matchAll(/: usize = STATE \+ (\d+)/g)].map(([, at]) => Number(at)));
  expect(last + 4).toBeLessThanOrEqual(256);
});

test('the hop lists are as long on both sides', () => {
  expect(source).toContain(`const HOP_SIZE: u32 = ${HOP_SIZE};`);
  expect(source).toContain(`const NONE: u32 = 0x${NO_ROW.toString(16)};`);
  expect(HOP_BYTES).toBe(HOP_SIZE * 24);
});

test('the fields of RaBitQ lie where the kernels look for them', () => {
  const rabitq = readFileSync(new URL('../../wasm/rabitq-state.ts', import.meta.url), 'utf8');
  const words = [...rabitq.matchAll(/field\((\d+)\)/g)].map((found) => Number(found[1]));
  const numbers = [...rabitq.matchAll(/const (?:UNIT|SUM|WEIGHT): usize = (\d+);/g)].map((found) =>
    Number(found[1]),
  );
  // In the order in which both state them.
  expect([...words, ...numbers]).toEqual(Object.values(rabitqOffsets));
  expect(RABITQ_STATE_BYTES).toBe(Math.max(...Object.values(rabitqOffsets)) + 4);
});
