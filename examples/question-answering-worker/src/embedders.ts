/** What makes vectors of texts: a language model of Workers AI where the Worker has a binding of it, else hashed words. */

export interface Embedder {
  /** Goes into the name of the collection: a change that gives the same text another vector needs another name. */
  readonly name: string;
  readonly dimension: number;
  embedPassages(texts: readonly string[]): Promise<readonly (readonly number[])[]>;
  embedQuestion(text: string): Promise<readonly number[]>;
}

export function embedderOf(ai: Ai | undefined): Embedder {
  return ai === undefined ? hashedWords : new WorkersAi(ai);
}

const MODEL = '@cf/baai/bge-base-en-v1.5';
/** Texts that one call of the model takes. */
const BATCH = 100;
/** What the model was trained to find before a question, and not before a passage. */
const QUESTION = 'Represent this sentence for searching relevant passages: ';

class WorkersAi implements Embedder {
  readonly name = 'bge-base-en-v1.5-cls';
  readonly dimension = 768;
  readonly #ai: Ai;

  constructor(ai: Ai) {
    this.#ai = ai;
  }

  async embedPassages(texts: readonly string[]): Promise<readonly (readonly number[])[]> {
    const vectors: (readonly number[])[] = [];
    for (let at = 0; at < texts.length; at += BATCH)
      vectors.push(...(await this.#run(texts.slice(at, at + BATCH))));
    return vectors;
  }

  async embedQuestion(text: string): Promise<readonly number[]> {
    const [vector] = await this.#run([QUESTION + text]);
    return vector!;
  }

  async #run(text: string[]): Promise<readonly (readonly number[])[]> {
    const answer = await this.#ai.run(MODEL, { text, pooling: 'cls' });
    const vectors = 'data' in answer ? answer.data : undefined;
    if (vectors?.length !== text.length)
      throw new Error(`the model gave ${vectors?.length ?? 'no'} vectors for ${text.length} texts`);
    return vectors;
  }
}

/**
 * Finds what shares words with the question: each word is a place in the vector. No model, no account, no meaning: to try things
 * out with, and for tests.
 */
const hashedWords: Embedder = {
  name: 'hashed-words-1',
  dimension: 512,
  embedPassages: (texts) => Promise.resolve(texts.map(hashWords)),
  embedQuestion: (text) => Promise.resolve(hashWords(text)),
};

function hashWords(text: string): number[] {
  const vector = new Array<number>(hashedWords.dimension).fill(0);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    // So that `write`, `writes` and `writing` meet.
    const hash = hashOf(word.slice(0, 5));
    // Short words are in every text.
    const weight = word.length < 4 ? 0.05 : 1;
    vector[hash % vector.length]! += hash < 2 ** 31 ? weight : -weight;
  }
  // Cosine knows no angle to a vector of zeros, and a text may be all punctuation.
  if (!vector.some((number) => number !== 0)) vector[0] = 1;
  return vector;
}

/** FNV-1a over the bytes of UTF-8. */
function hashOf(text: string): number {
  return new TextEncoder()
    .encode(text)
    .reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193) >>> 0, 0x811c9dc5);
}
