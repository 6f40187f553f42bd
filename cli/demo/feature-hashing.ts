/**
 * The demo's embedder: feature hashing of words, word pairs and character n-grams (Weinberger et al., 2009). It is
 * lexical: two texts are near where they share words or parts of words. It is not a language model and knows no
 * meaning, no synonyms and no other language. It needs no download, no key and no network, and gives the same
 * vector for the same text everywhere: square roots and sums only, which IEEE 754 rounds exactly.
 */

/** Numbers per vector. */
export const embeddingDimension = 384;

/** Part of what a stored chunk's id is made from: raise it when the same text would get another vector. */
export const embeddingVersion = 2;

const weights = { word: 1, pair: 0.2, gram: 0.12 } as const;
const gramLength = 4;
/** How much of a word's weight is left where it says nothing of the subject. */
const stopWordShare = 0.02;

const stopWords: ReadonlySet<string> = new Set(
  (
    'a about after all also an and any are as at be because been before but by can could did do does each for from ' +
    'had has have how i if in into is it its just may me more most my no nor not of on one only or other our out so ' +
    'some such than that the their them then there these they this those to too under up us use used was we were ' +
    'what when where which while who why will with without would you your'
  ).split(' '),
);

/** A unit vector of `embeddingDimension` numbers. A text without a word gets a fixed one of its own. */
export function embedText(text: string): Float32Array {
  const counts = featureCounts(wordsOf(text));
  const sums = new Float64Array(embeddingDimension);
  for (const [feature, { count, weight }] of counts) {
    // Sub-linear: the tenth mention of a word says less than the first.
    const value = weight * Math.sqrt(count);
    const hash = hashOf(feature);
    // One bit of the hash is the sign, so that two features in one place cancel as often as they add.
    sums[hash % embeddingDimension]! += (hash >>> 31) & 1 ? -value : value;
  }
  return normalised(sums);
}

interface Feature {
  count: number;
  readonly weight: number;
}

function featureCounts(words: readonly string[]): Map<string, Feature> {
  const counts = new Map<string, Feature>();
  const add = (feature: string, weight: number): void => {
    const known = counts.get(feature);
    if (known === undefined) counts.set(feature, { count: 1, weight });
    else known.count += 1;
  };
  let previous = '';
  for (const word of words) {
    const stop = stopWords.has(word);
    const stem = stemOf(word);
    add(`w ${stem}`, stop ? weights.word * stopWordShare : weights.word);
    if (stop) continue;
    if (previous !== '') add(`p ${previous} ${stem}`, weights.pair);
    previous = stem;
    for (const gram of gramsOf(stem)) add(`g ${gram}`, weights.gram);
  }
  return counts;
}

/** `test/log/write.test.ts`: what it is about is the last name. The folders would outshout the sentence around it. */
const path = /(?:[\w.-]+\/)+([\w-]+)(?:\.\w+)*/g;

/** Lower-case runs of letters and digits. `camelCase` and `snake_case` come apart, a path is its last name. */
function wordsOf(text: string): string[] {
  const named = text.normalize('NFKC').replace(path, ' $1 ');
  const apart = named.replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2');
  return apart.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** Takes the commonest endings off, so that `writes`, `writing` and `write` meet. Crude, and enough for a demo. */
function stemOf(word: string): string {
  if (word.length <= 3) return word;
  const bare = word
    .replace(/(?:ies|ied)$/, 'y')
    .replace(/(?<=[^s])s$/, '')
    .replace(/(?<=\p{L}{3})(?:ing|ed)$/u, '');
  return bare.replace(/(?<=\p{L}{3})e$/u, '');
}

function gramsOf(word: string): string[] {
  const marked = `^${word}$`;
  return Array.from({ length: Math.max(0, marked.length - gramLength + 1) }, (_, at) =>
    marked.slice(at, at + gramLength),
  );
}

/** FNV-1a over UTF-16 code units, finished as MurmurHash3 does, so that every bit depends on every unit. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function normalised(sums: Float64Array): Float32Array {
  const norm = Math.sqrt(sums.reduce((sum, value) => sum + value * value, 0));
  const vector = new Float32Array(embeddingDimension);
  // Cosine refuses a zero vector, and a text may be all punctuation.
  if (norm === 0) vector[0] = 1;
  else vector.set(sums.map((value) => value / norm));
  return vector;
}
