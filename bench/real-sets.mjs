/**
 * The two sets of real vectors that search is measured on, and a large generated one (clustered-set.mjs), each with ids, documents, queries and exact neighbours:
 *
 *   fashion   Fashion-MNIST, 60,000 x 784, euclidean, 1,000 queries; no documents
 *   arxiv     20,000 papers, LSA vectors of their abstracts, 256-d, cosine, 500 queries; documents are the papers' data
 *
 * Fewer rows than there are make a set of the first ones, whose neighbours are found anew by comparing all. Where the
 * real data is absent, generated data of the same shape stands in, and a line says so.
 */
import { clusteredSet } from './clustered-set.mjs';
import { fashionMnistQueries, fashionMnistTrain, sayNoRealData, tryReadData } from './data-folder.mjs';
import { idOf } from './ingest-sets.mjs';
import { randomFrom } from './random.mjs';
import { exactNeighbours, NEIGHBOURS } from './true-neighbours.mjs';

/**
 * @typedef {object} BenchSet
 * @property {'fashion' | 'arxiv' | 'clustered'} key
 * @property {string} title
 * @property {boolean} real
 * @property {boolean} whole false where only the first of its rows are there
 * @property {'euclidean' | 'cosine'} metric
 * @property {number} dimension
 * @property {readonly string[]} ids
 * @property {Float32Array} vectors row-major
 * @property {readonly import('../dist/core/index.js').JsonObject[] | undefined} documents
 * @property {Float32Array} queries row-major
 * @property {Int32Array} neighbours rows of the exact `NEIGHBOURS` (true-neighbours.mjs) nearest of each query, nearest first
 */

/** @typedef {Omit<BenchSet, 'neighbours' | 'whole'> & { neighbours?: Int32Array | undefined }} UnprovenSet */

/**
 * @param {string} key
 * @param {{ rows?: number | undefined, queries?: number | undefined }} [less]
 * @returns {BenchSet}
 */
export function realSet(key, { rows = Infinity, queries = Infinity } = {}) {
  const make = Object.hasOwn(makers, key) ? makers[/** @type {keyof typeof makers} */ (key)] : undefined;
  if (make === undefined) throw new Error(`set ${key} is none of ${Object.keys(makers).join(', ')}`);
  const whole = make();
  const { dimension, ids } = whole;
  const asked = whole.queries.subarray(0, Math.min(queries, whole.queries.length / dimension) * dimension);
  const set =
    rows >= ids.length
      ? { ...whole, queries: asked }
      : {
          ...whole,
          title: `${whole.title}, the first ${rows}`,
          ids: ids.slice(0, rows),
          vectors: whole.vectors.slice(0, rows * dimension),
          documents: whole.documents?.slice(0, rows),
          queries: asked,
          neighbours: undefined,
        };
  const known = set.neighbours?.subarray(0, (asked.length / dimension) * NEIGHBOURS);
  const neighbours = known ?? exactNeighbours(set, { queries: asked });
  return { ...set, whole: rows >= ids.length, neighbours };
}

const makers = { fashion, arxiv, clustered: clusteredSet };

/** The vector of a row or of a query. @param {Float32Array} vectors @param {number} dimension @param {number} at */
export function vectorAt(vectors, dimension, at) {
  return vectors.subarray(at * dimension, (at + 1) * dimension);
}

/** @returns {UnprovenSet} */
function fashion() {
  const { vectors, dimension, real } = fashionMnistTrain();
  const rows = vectors.length / dimension;
  const title = `${real ? 'Fashion-MNIST' : 'generated in place of Fashion-MNIST'}, ${rows} x ${dimension}, euclidean`;
  return {
    ...{ key: 'fashion', metric: 'euclidean', title, real, dimension, vectors, documents: undefined },
    ids: Array.from({ length: rows }, (_, row) => idOf(row)),
    queries: fashionMnistQueries().vectors,
    neighbours: real ? neighboursOf('fashion-mnist/gt100-ids.i32') : undefined,
  };
}

/** @returns {UnprovenSet} */
function arxiv() {
  const shape = /** @type {const} */ ({ key: 'arxiv', metric: 'cosine', dimension: 256 });
  const vectors = tryReadData('arxiv-20k/base-lsa256.f32');
  const queries = tryReadData('arxiv-20k/query-lsa256.f32');
  const lines = tryReadData('arxiv-20k/docs.jsonl');
  if (vectors === undefined || queries === undefined || lines === undefined) return generatedPapers(shape);
  const papers = lines
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  return {
    ...shape,
    title: `arxiv-20k, ${papers.length} x ${shape.dimension}, cosine`,
    real: true,
    ids: papers.map(({ id }) => id),
    vectors: floatsOf(vectors),
    documents: papers.map(({ id: _id, ...document }) => document),
    queries: floatsOf(queries),
    neighbours: neighboursOf('arxiv-20k/gt100-ids.i32'),
  };
}

/** @param {Pick<UnprovenSet, 'key' | 'metric' | 'dimension'>} shape @returns {UnprovenSet} */
function generatedPapers(shape) {
  sayNoRealData('arxiv-20k');
  const random = randomFrom(20_000);
  const draw = (/** @type {number} */ rows) =>
    Float32Array.from({ length: rows * shape.dimension }, () => random() + random() + random() - 1.5);
  return {
    ...shape,
    title: `generated in place of arxiv-20k, 20000 x ${shape.dimension}, cosine`,
    real: false,
    ids: Array.from({ length: 20_000 }, (_, row) => idOf(row)),
    vectors: draw(20_000),
    documents: Array.from({ length: 20_000 }, (_, row) => ({ title: `paper ${row}`, listed: '2025-01-01' })),
    queries: draw(500),
  };
}

/** A file of exact neighbours, where it is there. @param {string} name */
export function neighboursOf(name) {
  const bytes = tryReadData(name);
  return bytes === undefined
    ? undefined
    : new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

/** @param {Buffer} bytes */
function floatsOf(bytes) {
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}
