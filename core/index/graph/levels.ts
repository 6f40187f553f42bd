/** How high each row reaches in the graph: drawn from the seed, and laid out as the section graphLevels. */
import { limits } from '../../base/limits.js';
import { randomSource } from '../../base/random-source.js';

const TWO_32 = 4_294_967_296;

/** P(level >= l) = m^-l, as the paper's floor(-ln(u) / ln(m)); by integers, so that every host draws the same. */
export function drawLevels(rows: number, m: number, seed: number): Uint8Array<ArrayBuffer> {
  const next = randomSource(seed);
  const levels = new Uint8Array(rows);
  for (let row = 0; row < rows; row++) {
    const drawn = next();
    let level = 0;
    for (let below = TWO_32 / m; drawn < below && level < limits.graphLevels; below /= m) level++;
    levels[row] = level;
  }
  return levels;
}

/** Room for lists of upper levels: their expected number and far more than chance adds to it. */
export function upperListsMost(rows: number, m: number): number {
  const expected = rows / (m - 1);
  return Math.ceil(expected + 8 * Math.sqrt(2 * expected) + 64);
}

/** Lowers levels, last rows first, until their lists fit. */
export function fitLevels(levels: Uint8Array, lists: number): void {
  let sum = 0;
  for (const level of levels) sum += level;
  for (let row = levels.length - 1; sum > lists && row >= 0; row--) {
    sum -= levels[row]!;
    levels[row] = 0;
  }
}

/** The words of graphLevels. */
export function layOutLevels(levels: Uint8Array): Uint32Array<ArrayBuffer> {
  let nodes = 0;
  for (const level of levels) if (level > 0) nodes++;
  const words = new Uint32Array(2 * nodes + 2);
  let at = 0;
  let lists = 0;
  for (let row = 0; row < levels.length; row++) {
    if (levels[row] === 0) continue;
    words[at++] = row;
    words[at++] = lists;
    lists += levels[row]!;
  }
  words[at + 1] = lists;
  return words;
}
