/**
 * Zvec: HNSW over 8-bit integers, with and without its refiner, which compares the candidates' own vectors. Rows are
 * inserted into a flat buffer; `optimize` makes the graph. Fields that filters ask for have an inverted index.
 */
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { mustRequirePeer } from '../../peers/packages.mjs';
import { vectorAt } from '../../real-sets.mjs';
import { byEf, EF_CONSTRUCTION, K, M, secondsSince } from '../conditions.mjs';

const NAME = '@zvec/zvec';
const BATCH = 500;
const FIELD = 'vector';

/** @type {import('../contender.mjs').Contender} */
export const zvec = {
  key: 'zvec',
  peer: 'zvec',
  title: 'Zvec',
  settings: `HNSW INT8, m ${M}, efConstruction ${EF_CONSTRUCTION}, one thread, with and without its refiner`,
  package: NAME,
  store: 'zvec',
  // Without the refiner a few show where that ends: codes alone reach a certain recall and no more.
  efforts: [...[10, 24, 64].map((ef) => ({ ef, refined: 0 })), ...byEf.map(({ ef }) => ({ ef, refined: 1 }))],
  filtering: {
    efforts: [
      ...[10, 24, 64].map((ef) => ({ ef, refined: 0 })),
      ...[16, 32, 64, 128, 256, 512].map((ef) => ({ ef, refined: 1 })),
    ],
    settings: 'an inverted index of each field, with range optimization',
  },
  load: () => {
    const library = mustRequirePeer(NAME);
    const { ZVecLogType: to, ZVecLogLevel: level } = library;
    library.ZVecInitialize({
      ...{ logType: to.CONSOLE, logLevel: level.ERROR, queryThreads: 1, optimizeThreads: 1 },
    });
    return library;
  },
  build: ({ vectors, dimension, metric, ids, fields, folder }, library) => {
    const indexParams = {
      indexType: library.ZVecIndexType.HNSW,
      metricType: library.ZVecMetricType[metric === 'cosine' ? 'COSINE' : 'L2'],
      ...{ m: M, efConstruction: EF_CONSTRUCTION, quantizeType: library.ZVecQuantizeType.INT8 },
    };
    const field = { name: FIELD, dataType: library.ZVecDataType.VECTOR_FP32, dimension, indexParams };
    const scalars = fields.map(({ name, type }) => ({
      name,
      dataType: library.ZVecDataType[type === 'text' ? 'STRING' : 'INT32'],
      indexParams: { indexType: library.ZVecIndexType.INVERT, enableRangeOptimization: true },
    }));
    const schema = new library.ZVecCollectionSchema({ name: 'ann', vectors: [field], fields: scalars });
    const collection = library.ZVecCreateAndOpen(join(folder, 'collection'), schema);
    const begun = performance.now();
    for (let from = 0; from < ids.length; from += BATCH) {
      const statuses = collection.insertSync(
        Array.from({ length: Math.min(BATCH, ids.length - from) }, (_, at) => ({
          id: String(from + at),
          vectors: { [FIELD]: vectorAt(vectors, dimension, from + at) },
          fields: Object.fromEntries(fields.map(({ name, values }) => [name, values[from + at]])),
        })),
      );
      const failed = statuses.find((/** @type {{ ok: boolean }} */ { ok }) => !ok);
      if (failed !== undefined) throw new Error(`insert: ${failed.code} ${failed.message}`);
    }
    const loadSeconds = secondsSince(begun);
    const inserted = performance.now();
    collection.optimizeSync({ concurrency: 1 });
    const buildSeconds = secondsSince(inserted);
    collection.closeSync();
    return { loadSeconds, buildSeconds };
  },
  open: ({ folder }, library) => {
    const collection = library.ZVecOpen(join(folder, 'collection'), { readOnly: true });
    const indexType = library.ZVecIndexType.HNSW;
    return {
      search: (vector, { ef, refined }, filter) =>
        collection.querySync({
          ...{ fieldName: FIELD, vector, topk: K, outputFields: [] },
          ...(filter === undefined ? {} : { filter }),
          params: { indexType, ef, isUsingRefiner: refined === 1 },
        }),
      close: () => collection.closeSync(),
    };
  },
  found: (documents) => documents.map((/** @type {{ id: string }} */ { id }) => Number(id)),
};
