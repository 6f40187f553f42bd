/**
 * What a contender of the bench is, and who they are. A contender is a library with an index over the rows of a set; each
 * lives in processes of its own (contender-process.mjs): one builds the index and leaves it in a folder, a fresh one opens
 * that folder and answers queries, so that its memory is what searching takes and not what building left behind.
 */
import { cairn, cairnCodedBy, cairnNode24, cairnTight } from './libraries/cairn.mjs';
import { hnswlibNode } from './libraries/hnswlib-node.mjs';
import { hnswlib } from './libraries/hnswlib.mjs';
import { lancedb } from './libraries/lancedb.mjs';
import { sqliteVec } from './libraries/sqlite-vec.mjs';
import { usearchF32, usearchI8 } from './libraries/usearch.mjs';
import { zvec } from './libraries/zvec.mjs';

/** What a query may take trouble over: `ef`, and whatever else the library has. @typedef {Readonly<Record<string, number>>} Effort */

/**
 * @typedef {object} Shape
 * @property {'euclidean' | 'cosine'} metric
 * @property {number} dimension
 * @property {number} rows
 * @property {string} input the folder of the files that input-files.mjs wrote
 * @property {string} folder for what the build leaves
 */

/**
 * A field that filters ask for, a value for each row.
 * @typedef {object} FilterField
 * @property {string} name
 * @property {'text' | 'integer'} type
 * @property {'equality' | 'range'} asked what its index is for
 * @property {readonly (string | number)[]} values
 */

/**
 * Documents and fields are there in benches that filter. Whole documents are handed to Cairn alone, and hold the fields; peers take
 * the fields.
 * @typedef {Shape & {
 *   vectors: Float32Array,
 *   ids: readonly string[],
 *   documents: readonly import('../../dist/core/index.js').JsonObject[] | undefined,
 *   fields: readonly FilterField[],
 * }} Rows
 */

/**
 * @typedef {object} Built
 * @property {number} [loadSeconds] for handing the rows over, where that and the making of the index are two steps
 * @property {number} buildSeconds
 */

/**
 * @typedef {object} Timed one effort of a sweep
 * @property {Effort} effort
 * @property {number} [rerank]
 * @property {number} qps
 * @property {number} p50us
 * @property {number} p99us
 */

/** @typedef {Timed & { recall: number }} Point */

/** An answer of the process, in which only some answer by themselves how right they are. @typedef {Timed & { recall?: number }} Swept */

/**
 * Either it searches, and others measure, or it is a program that measures itself.
 * @typedef {object} Opened
 * @property {string} [note] what only opening it tells
 * @property {(effort: Effort) => void | Promise<void>} [prepare] before the queries of an effort, outside the clock
 * @property {(query: any, effort: Effort, filter?: string) => any} [search] may answer a promise
 * @property {() => Promise<Point[]>} [sweep]
 * @property {Built} [built]
 * @property {number} [residentBytes]
 * @property {() => Promise<IndexMemory>} [memory] asked once it is warm
 * @property {(query: any, effort: Effort) => Promise<number>} [rerank] raw vectors that such a query compares
 * @property {() => unknown} close
 */

/**
 * What a library says of its own memory.
 * @typedef {object} IndexMemory
 * @property {number} indexBytes
 * @property {number} pageCacheBytes raw vectors and ids that were read
 */

/**
 * @typedef {object} Filtering
 * @property {readonly Effort[]} efforts ascending
 * @property {string} settings
 * @property {number} [queries] at most so many of the set's
 */

/**
 * @typedef {object} Contender
 * @property {string} key
 * @property {string} peer the name for --peers; contenders of one name are variants
 * @property {string} title
 * @property {string} settings
 * @property {string} [package] whose version is told
 * @property {string} [store] the folder of its index; variants of one store are built once
 * @property {readonly Effort[]} [efforts] ascending
 * @property {number} [queries] at most so many of the set's
 * @property {Filtering} [filtering] of those that take filters, as text: `year >= 2020`
 * @property {number} [warmUp] queries before anything is measured, where not WARM_UP
 * @property {Readonly<Record<string, string>>} [environment] of its processes
 * @property {string} [node] the Node that runs them, where it is another one
 * @property {() => void} [ready] compiles what it needs, once, before anything is measured
 * @property {() => any} [load] the library: loaded before memory is looked at, and handed to build and open
 * @property {(rows: Rows, library: any) => Promise<Built> | Built} [build]
 * @property {(vector: Float32Array, metric: Shape['metric']) => any} [asked] the query as the library takes it
 * @property {(shape: Shape, library: any) => Promise<Opened> | Opened} open
 * @property {(answer: any) => readonly (string | number)[]} [found] ids or rows of an answer, outside the clock
 */

/** In the order of their turns. @type {readonly Contender[]} */
export const contenders = [
  cairn,
  cairnNode24,
  cairnTight,
  hnswlib,
  hnswlibNode,
  usearchF32,
  usearchI8,
  zvec,
  lancedb,
  sqliteVec,
];

/** Cairn by what it codes vectors as (quantizers/quantizers.mjs). @type {readonly Contender[]} */
export const quantized = [
  cairnCodedBy('none', 'none'),
  cairnCodedBy('sq8', 'sq8'),
  cairnCodedBy('rabitq', 'rabitq'),
  cairnCodedBy('rabitq 2 bits', { type: 'rabitq', bits: 2 }),
  cairnCodedBy('rabitq 4 bits', { type: 'rabitq', bits: 4 }),
  cairnCodedBy('pq 8x', { type: 'pq', compression: 8 }),
  cairnCodedBy('pq 16x', 'pq'),
  cairnCodedBy('pq 32x', { type: 'pq', compression: 32 }),
];

/** @param {string} key @returns {Contender} */
export function mustBeContender(key) {
  const found = [...contenders, ...quantized].find((contender) => contender.key === key);
  if (found === undefined) throw new Error(`no contender is called ${key}`);
  return found;
}
