/**
 * Strategy: bytes and texts that were sound are changed, checksums are made right again, and the decoder behind them gets
 * what an attacker with a key to the bucket, or any client, could send. It answers a value that its readers can rely on, or
 * refuses with a typed error; it asks for no more memory than the input can fill (15). Inputs are numbered, and a failure
 * names its own. `npm run fuzz` runs many more of each, in a small heap, and tells which took the longest.
 */
import { describe, expect, test } from 'vitest';
import { CairnError } from '../../core/index.js';
import { decoders } from './decoders/index.js';
import type { Decoder } from './decoder.js';
import { fuzz } from './run.js';
import { Chance } from '../log/virtual-time.js';

const INPUTS = Number(process.env['CAIRN_FUZZ_INPUTS'] ?? 400);

describe.each(decoders)('$name', (decoder) => {
  test('decodes, or refuses with a typed error', { timeout: 600_000 }, async () => {
    const inputs = Math.ceil(INPUTS / (decoder.cost ?? 1));
    const { ends } = await fuzz(decoder, { inputs, start: 1 });
    const decoded = ends.get('decoded') ?? 0;
    // Neither harmless nor hopeless: what is refused at once tests nothing behind the first check.
    expect(decoded).toBeGreaterThan(inputs / 100);
    expect(inputs - decoded).toBeGreaterThan(inputs / 100);
  });
});

describe('the runner', () => {
  const ending = (run: () => void): Decoder => ({
    name: 'test',
    refusals: ['corrupt'],
    next: () => ({ size: 1, run, show: () => 'the input' }),
  });

  test.each([
    ['an error that is not typed', (): void => void BigInt(0.5)],
    [
      'an error of another kind',
      (): never => {
        throw new CairnError('internal', 'x', 'y');
      },
    ],
    ['memory beyond what the input can fill', (): void => void new Uint8Array(2_000_000)],
  ])('fails on %s, and names the input', async (_, run) => {
    await expect(fuzz(ending(run), { inputs: 1, start: 7 })).rejects.toThrow(
      /input 7 of test [^]*--start 7[^]*the input/,
    );
  });

  test('counts what was decoded and what was refused', async () => {
    let turn = 0;
    const decoder = ending(() => {
      if (turn++ % 2 === 0) throw new CairnError('corrupt', 'corrupt_object', 'y');
    });
    const { ends } = await fuzz(decoder, { inputs: 4, start: 1 });
    expect(Object.fromEntries(ends)).toEqual({ corrupt_object: 2, decoded: 2 });
  });

  test('makes the same input from the same number', () => {
    for (const { next } of decoders) {
      const [one, again, other] = [5, 5, 6].map((input) => next(new Chance(input)).show());
      expect(again).toBe(one);
      if (one === other) expect(next(new Chance(7)).show()).not.toBe(one);
    }
  });
});
