/**
 * Generated rows in the likeness of a text encoder's embeddings, of any number, none of which need be held: each comes from a seed
 * of its own. 768 numbers, unit length, cosine.
 *
 * - A hundred **themes** lie around a common mean, and each **topic** (one for 250 rows) around one of them, by 256 **directions**
 *   whose weights fall off like a spectrum of embeddings does. Sibling topics overlap: many a query has its nearest rows in several.
 * - Sizes of topics fall off like those of words: of a million rows the largest topic has 9,000, the least 70.
 * - **Within** a topic rows vary along 32 of the directions, topic by topic others, the first of these five times as much as
 *   the last; some topics are three times as wide as others. On top lies noise in all dimensions, a fifth of the variance within.
 * - **Queries** are drawn as rows are, from seeds that no row has.
 */
import { fillNormal, randomFrom } from '../random.mjs';

const DIMENSION = 768;
const THEMES = 100;
const ROWS_PER_TOPIC = 250;
const TOPICS_MIN = 200;
const DIRECTIONS = 256;
const WITHIN = 32;
/** Lengths: of the mean, of themes around it, of topics around these, of rows around these, of the noise. */
const MEAN = 0.5;
const THEME = 0.45;
const TOPIC = 0.45;
const ROW = 0.85;
const NOISE = 0.45;
const SEED = 1_000_768;
/** Seeds of rows lie apart by this, an odd number: all are different. */
const ROW_SEED = 0x9e37_79b1;
/** Queries are rows that are not in the set. */
const FIRST_QUERY = 2 ** 30;

/** @type {import('../kept-collection.mjs').Generator} */
export const embeddings = {
  name: 'embeddings',
  recipe: { THEMES, ROWS_PER_TOPIC, DIRECTIONS, WITHIN, MEAN, THEME, TOPIC, ROW, NOISE, SEED },
  make: (rows) => new EmbeddingSet(rows),
};

/** Adds `weight` times a row of `matrix` to `target`. @param {Float32Array} target @param {Float32Array} matrix @param {number} row @param {number} weight */
function addRow(target, matrix, row, weight) {
  const from = row * target.length;
  for (let d = 0; d < target.length; d++) target[d] = (target[d] ?? 0) + weight * (matrix[from + d] ?? 0);
}

/** Squares that sum to 1, falling off as `(at + offset) ** -power`. @param {number} count @param {number} offset @param {number} power */
function fallingWeights(count, offset, power) {
  const squares = Float32Array.from({ length: count }, (_, at) => (at + offset) ** -power);
  const sum = squares.reduce((total, value) => total + value, 0);
  return squares.map((value) => Math.sqrt(value / sum));
}

class EmbeddingSet {
  dimension = DIMENSION;
  metric = /** @type {const} */ ('cosine');
  #random = randomFrom(SEED);
  #directions = new Float32Array(DIRECTIONS * DIMENSION);
  #spectrum = fallingWeights(DIRECTIONS, 4, 1);
  #within = fallingWeights(WITHIN, 2, 1.2);
  #normal = new Float32Array(WITHIN);
  #noise = new Float32Array(DIMENSION);
  #centres;
  #widths;
  #axes;
  /** Up to which share of the rows each topic goes. */
  #ends;

  /** @param {number} rows */
  constructor(rows) {
    this.rows = rows;
    this.topics = Math.max(TOPICS_MIN, Math.round(rows / ROWS_PER_TOPIC));
    this.#centres = new Float32Array(this.topics * DIMENSION);
    this.#widths = new Float32Array(this.topics);
    this.#axes = new Uint8Array(this.topics * WITHIN);
    this.#ends = new Float64Array(this.topics);
    fillNormal(this.#directions, this.#random);
    for (let at = 0; at < this.#directions.length; at++) {
      this.#directions[at] = (this.#directions[at] ?? 0) / Math.sqrt(DIMENSION);
    }
    this.#makeTopics();
  }

  #makeTopics() {
    const random = this.#random;
    const mean = new Float32Array(DIMENSION);
    fillNormal(mean, random);
    const themes = new Float32Array(THEMES * DIMENSION);
    for (let theme = 0; theme < THEMES; theme++) {
      const centre = themes.subarray(theme * DIMENSION, (theme + 1) * DIMENSION);
      addRow(centre, mean, 0, MEAN / Math.sqrt(DIMENSION));
      this.#addFactors(centre, THEME);
    }
    let end = 0;
    for (let topic = 0; topic < this.topics; topic++) {
      const centre = this.#centres.subarray(topic * DIMENSION, (topic + 1) * DIMENSION);
      addRow(centre, themes, Math.floor(random() * THEMES), 1);
      this.#addFactors(centre, TOPIC);
      this.#widths[topic] = 3 ** (random() - 0.5);
      for (let i = 0; i < WITHIN; i++) this.#axes[topic * WITHIN + i] = Math.floor(random() * DIRECTIONS);
      end += (topic + 10) ** -0.8;
      this.#ends[topic] = end;
    }
    this.#ends = this.#ends.map((value) => value / end);
  }

  /** @param {Float32Array} centre @param {number} length */
  #addFactors(centre, length) {
    const factors = new Float32Array(DIRECTIONS);
    fillNormal(factors, this.#random);
    for (const [at, factor] of factors.entries()) {
      addRow(centre, this.#directions, at, length * factor * (this.#spectrum[at] ?? 0));
    }
  }

  /** @param {number} share */
  #topicAt(share) {
    const ends = this.#ends;
    let [low, high] = [0, ends.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle] ?? 1) > share) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** One that is no row. @param {number} at */
  query(at) {
    return this.vectors(FIRST_QUERY + at, 1);
  }

  /** @param {number} first @param {number} count */
  vectors(first, count) {
    const vectors = new Float32Array(count * DIMENSION);
    for (let i = 0; i < count; i++) {
      this.#fill(vectors.subarray(i * DIMENSION, (i + 1) * DIMENSION), first + i);
    }
    return vectors;
  }

  /** @param {Float32Array} vector @param {number} row */
  #fill(vector, row) {
    const random = randomFrom(Math.imul(row + 1, ROW_SEED) ^ SEED);
    const topic = this.#topicAt(random());
    const width = this.#widths[topic] ?? 1;
    vector.set(this.#centres.subarray(topic * DIMENSION, (topic + 1) * DIMENSION));
    fillNormal(this.#normal, random);
    for (let i = 0; i < WITHIN; i++) {
      const weight = ROW * width * (this.#normal[i] ?? 0) * (this.#within[i] ?? 0);
      addRow(vector, this.#directions, this.#axes[topic * WITHIN + i] ?? 0, weight);
    }
    fillNormal(this.#noise, random);
    addRow(vector, this.#noise, 0, (NOISE * width) / Math.sqrt(DIMENSION));
    let squared = 0;
    for (const value of vector) squared += value * value;
    const scale = 1 / Math.sqrt(squared);
    for (let d = 0; d < DIMENSION; d++) vector[d] = (vector[d] ?? 0) * scale;
  }
}
