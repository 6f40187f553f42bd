/** What becomes of a collection's quantization in the segments that get a graph: the others are scanned, and are sq8. */
import type { Coding } from '../../index/index.js';
import { pqCompression, quantizationType, rabitqBits } from '../../log/index.js';
import type { CollectionSchema } from '../../log/index.js';

export function codingFor({
  quantization,
  metric,
}: Pick<CollectionSchema, 'quantization' | 'metric'>): Coding {
  const type = quantizationType(quantization);
  if (type === 'none') return { kind: 'f32' };
  if (type === 'pq') return { kind: 'pq', compression: pqCompression(quantization) };
  // Collections of before could ask for what a rotation does not keep.
  if (type === 'rabitq' && metric !== 'manhattan') return { kind: 'rabitq', bits: rabitqBits(quantization) };
  return { kind: 'sq8' };
}
