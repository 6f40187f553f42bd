/** hnswlib as npm has it: compiled for any processor of the kind. cosine is inner product over normalised rows. */
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { mustBuildPeer, mustRequirePeer } from '../../peers/packages.mjs';
import { byEf, EF_CONSTRUCTION, K, M, normalised, secondsSince } from '../conditions.mjs';
import { vectorAt } from '../../real-sets.mjs';

const NAME = 'hnswlib-node';
const SEED = 100;

/** @param {import('../contender.mjs').Shape} shape @param {any} library */
function indexOf({ metric, dimension }, library) {
  return new library.HierarchicalNSW(metric === 'cosine' ? 'ip' : 'l2', dimension);
}

/** It takes arrays and no typed ones. @param {Float32Array} vector @param {'euclidean' | 'cosine'} metric */
function asked(vector, metric) {
  return Array.from(metric === 'cosine' ? normalised(vector) : vector);
}

/** @type {import('../contender.mjs').Contender} */
export const hnswlibNode = {
  key: NAME,
  peer: NAME,
  title: NAME,
  settings: `as npm builds it, M ${M}, efConstruction ${EF_CONSTRUCTION}, f32, cosine as inner product`,
  package: NAME,
  store: NAME,
  efforts: byEf,
  ready: () => mustBuildPeer(NAME, 'build/Release/addon.node'),
  load: () => mustRequirePeer(NAME),
  build: (rows, library) => {
    const { vectors, dimension, metric, ids, folder } = rows;
    const index = indexOf(rows, library);
    index.initIndex(ids.length, M, EF_CONSTRUCTION, SEED);
    const begun = performance.now();
    // Making arrays is part of the time: there is no other way to hand a row over.
    for (let row = 0; row < ids.length; row++)
      index.addPoint(asked(vectorAt(vectors, dimension, row), metric), row);
    const buildSeconds = secondsSince(begun);
    index.writeIndexSync(join(folder, 'index'));
    return { buildSeconds };
  },
  asked,
  open: (shape, library) => {
    const index = indexOf(shape, library);
    index.readIndexSync(join(shape.folder, 'index'));
    return {
      prepare: ({ ef }) => index.setEf(ef),
      search: (query) => index.searchKnn(query, K),
      close: () => {},
    };
  },
  found: ({ neighbors }) => neighbors,
};
