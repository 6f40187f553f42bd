/** What becomes of a collection's quantization in the segments that get a graph: the others are scanned, and are sq8. */
import type { Coding } from '../../index/index.js';
import { pqCompression, quantizationType } from '../../log/index.js';
import type { CollectionSchema } from '../../log/index.js';

export function codingFor({ quantization }: Pick<CollectionSchema, 'quantization'>): Coding {
  const type = quantizationType(quantization);
  if (type === 'pq') return { kind: 'pq', compression: pqCompression(quantization) };
  return { kind: type === 'none' ? 'f32' : 'sq8' };
}
