/** What becomes of a collection's quantization in the segments that get a graph: the others are scanned, and are sq8. */
import type { Coding } from '../../index/index.js';
import { quantizationType } from '../../log/index.js';
import type { CollectionSchema } from '../../log/index.js';

export function codingFor({ quantization }: Pick<CollectionSchema, 'quantization'>): Coding {
  return { kind: quantizationType(quantization) === 'none' ? 'f32' : 'sq8' };
}
