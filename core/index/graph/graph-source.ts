/** A graph as it lies in an index, for who copies it. */
import type { IndexNumbers } from '../layout/index.js';

/** Words of a graph, to be copied into a new one: views of the arena, good until it is released. */
export interface GraphSource {
  readonly numbers: IndexNumbers;
  readonly graph0: Uint32Array;
  readonly graphN: Uint32Array;
  readonly graphLevels: Uint32Array;
}
