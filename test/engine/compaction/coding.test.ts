import { expect, test } from 'vitest';
import { codingFor } from '../../../core/engine/compaction/coding.js';
import { metrics } from '../../../core/kernel/index.js';

const sq8 = { kind: 'sq8' };

test.each([
  ['sq8', sq8, sq8],
  ['none', { kind: 'f32' }, { kind: 'f32' }],
  ['rabitq', { kind: 'rabitq', bits: 1 }, sq8],
  [{ type: 'rabitq', bits: 4 }, { kind: 'rabitq', bits: 4 }, sq8],
  [
    { type: 'pq', compression: 8 },
    { kind: 'pq', compression: 8 },
    { kind: 'pq', compression: 8 },
  ],
] as const)('%j is %j, and %j under manhattan', (quantization, coding, underManhattan) => {
  for (const metric of metrics)
    expect(codingFor({ quantization, metric })).toEqual(metric === 'manhattan' ? underManhattan : coding);
});
