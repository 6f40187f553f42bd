/**
 * USearch with vectors as they are and as 8-bit integers. Its expansion while searching is set where an index is made, so
 * the index is saved once and loaded anew for each effort, outside the clock.
 *
 * Before it makes 8-bit integers it scales every vector to length 1, also for euclidean and also what is given as an
 * Int8Array, which its binding turns into floats first. So i8 is of use for cosine, and euclidean loses half of the neighbours.
 */
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { mustRequirePeer } from '../../peers/packages.mjs';
import { byEf, EF_CONSTRUCTION, K, M, secondsSince, SWEEP } from '../conditions.mjs';

const NAME = 'usearch';
const THREADS = 1;

/** @param {'f32' | 'i8'} quantization @returns {import('../contender.mjs').Contender} */
function usearch(quantization) {
  const key = `${NAME}-${quantization}`;
  /** @param {import('../contender.mjs').Shape} shape @param {any} library @param {number} ef */
  const indexOf = ({ metric, dimension }, library, ef) =>
    new library.Index({
      ...{ dimensions: dimension, metric: metric === 'cosine' ? 'cos' : 'l2sq', quantization, multi: false },
      ...{ connectivity: M, expansion_add: EF_CONSTRUCTION, expansion_search: ef },
    });
  return {
    key,
    peer: NAME,
    title: `USearch ${quantization}`,
    settings: `connectivity ${M}, expansion_add ${EF_CONSTRUCTION}, ${quantization}, one thread`,
    package: NAME,
    store: key,
    efforts: byEf,
    load: () => mustRequirePeer(NAME),
    build: (rows, library) => {
      const index = indexOf(rows, library, K);
      const keys = BigUint64Array.from({ length: rows.ids.length }, (_, row) => BigInt(row));
      const begun = performance.now();
      index.add(keys, rows.vectors, THREADS);
      const buildSeconds = secondsSince(begun);
      index.save(join(rows.folder, 'index'));
      return { buildSeconds };
    },
    open: (shape, library) => {
      const load = (/** @type {number} */ ef) => {
        const loaded = indexOf(shape, library, ef);
        loaded.load(join(shape.folder, 'index'));
        return loaded;
      };
      let loadedEf = SWEEP[0] ?? K;
      let index = load(loadedEf);
      return {
        prepare: ({ ef = K }) => {
          if (ef === loadedEf) return;
          // The one before must be gone first: two of them would be in memory.
          index = undefined;
          globalThis.gc?.();
          [index, loadedEf] = [load(ef), ef];
        },
        search: (query) => index.search(query, K, THREADS),
        close: () => {},
      };
    },
    found: ({ keys }) => Array.from(keys, Number),
  };
}

export const usearchF32 = usearch('f32');
export const usearchI8 = usearch('i8');
