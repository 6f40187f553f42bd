/**
 * LanceDB: IVF_HNSW_SQ with one partition, a table on the local disk. `refine` is its refineFactor: so many times k
 * candidates are compared by their own vectors, read from the table; 0 leaves them as the codes have them. Fields that filters
 * ask for are columns with an index each, and filters come before the search, as is its default.
 */
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { mustRequirePeer } from '../../peers/packages.mjs';
import { EF_CONSTRUCTION, K, M, secondsSince } from '../conditions.mjs';

const NAME = '@lancedb/lancedb';
const TABLE = 'ann';

/** @param {import('../contender.mjs').Rows} rows @param {any} arrow */
function tableOf({ vectors, dimension, ids, fields }, arrow) {
  const length = ids.length;
  const child = arrow.makeData({ type: new arrow.Float32(), length: vectors.length, data: vectors });
  const type = new arrow.FixedSizeList(dimension, new arrow.Field('item', new arrow.Float32(), true));
  const list = arrow.makeData({ type, length, nullCount: 0, child });
  const row = arrow.makeVector(Int32Array.from({ length }, (_, at) => at));
  const columns = fields.map(({ name, type: kind, values }) => [
    name,
    arrow.vectorFromArray(values, kind === 'text' ? new arrow.Utf8() : new arrow.Int32()),
  ]);
  return new arrow.Table({ row, vector: new arrow.Vector([list]), ...Object.fromEntries(columns) });
}

/** @param {'euclidean' | 'cosine'} metric */
const distanceOf = (metric) => (metric === 'cosine' ? 'cosine' : 'l2');

/** @type {import('../contender.mjs').Contender} */
export const lancedb = {
  key: 'lancedb',
  peer: 'lancedb',
  title: 'LanceDB',
  settings: `IVF_HNSW_SQ, one partition, m ${M}, efConstruction ${EF_CONSTRUCTION}, one thread`,
  package: NAME,
  store: 'lancedb',
  // As few as show both curves: a query takes milliseconds, whatever its effort.
  efforts: [
    ...[10, 16, 32, 64].map((ef) => ({ ef, refine: 0 })),
    ...[32, 64, 128, 256].map((ef) => ({ ef, refine: 2 })),
  ],
  // LANCE_IO_THREADS = 1 would be the fourth, but with it createIndex waits for itself for ever.
  filtering: {
    efforts: [
      ...[16, 64].map((ef) => ({ ef, refine: 0 })),
      ...[32, 64, 128, 256].map((ef) => ({ ef, refine: 2 })),
    ],
    settings:
      'BITMAP of fields that are asked for a value, BTREE of those asked for a range; prefilter; 100 queries',
    queries: 100,
  },
  environment: {
    LANCE_CPU_THREADS: '1',
    TOKIO_WORKER_THREADS: '1',
    RAYON_NUM_THREADS: '1',
    RUST_LOG: 'error',
  },
  load: () => ({ lance: mustRequirePeer(NAME), arrow: mustRequirePeer('apache-arrow') }),
  build: async (rows, { lance, arrow }) => {
    const begun = performance.now();
    const database = await lance.connect(join(rows.folder, 'database'));
    const table = await database.createTable(TABLE, tableOf(rows, arrow));
    const loadSeconds = secondsSince(begun);
    const loaded = performance.now();
    await table.createIndex('vector', {
      config: lance.Index.hnswSq({
        ...{ distanceType: distanceOf(rows.metric), numPartitions: 1, m: M, efConstruction: EF_CONSTRUCTION },
      }),
    });
    for (const { name, asked } of rows.fields)
      await table.createIndex(name, {
        config: asked === 'range' ? lance.Index.btree() : lance.Index.bitmap(),
      });
    return { loadSeconds, buildSeconds: secondsSince(loaded) };
  },
  open: async ({ folder, metric }, { lance }) => {
    const table = await (await lance.connect(join(folder, 'database'))).openTable(TABLE);
    return {
      search: (vector, { ef, refine = 0 }, filter) => {
        const query = table.vectorSearch(vector).distanceType(distanceOf(metric)).ef(ef).limit(K);
        const refined = refine === 0 ? query : query.refineFactor(refine);
        const filtered = filter === undefined ? refined : refined.where(filter);
        return filtered.select(['row', '_distance']).toArray();
      },
      close: () => table.close(),
    };
  },
  found: (records) => records.map((/** @type {{ row: number }} */ { row }) => row),
};
