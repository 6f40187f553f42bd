/**
 * Documents in, passages out. Each document is cut into passages, and each passage is a record with its text, its source and the
 * document's own metadata.
 *
 * The collection is named after the embedder and has its dimension, so vectors of two embedders never lie in one collection: a
 * Worker that gets another embedder begins with an empty one, and the documents are sent again.
 */
import { isCairnError } from 'cairndb/r2';
import type { Database, JsonObject } from 'cairndb';
import type { Embedder } from './embedders.js';
import type { Document } from './document.js';
import { passagesOf } from './passages.js';
import { Problem } from './problem.js';

const PREFIX = 'passages.';

export interface Question {
  readonly text: string;
  /** How many passages are wanted. */
  readonly count: number;
  /** On the metadata of documents: `year >= 2020 AND lang = 'en'`. */
  readonly filter: string | undefined;
}

export interface Passage {
  readonly text: string;
  readonly source: string | null;
  readonly document: string;
  /** Cosine similarity to the question: at most 1. */
  readonly score: number;
  readonly metadata: JsonObject;
}

export class Library {
  readonly #database: Database;
  readonly #embedder: Embedder;
  readonly #name: string;

  constructor(database: Database, embedder: Embedder) {
    this.#database = database;
    this.#embedder = embedder;
    this.#name = PREFIX + embedder.name;
  }

  /**
   * Puts documents in, or in the place of those with the same ids, in one commit: a question sees all of a document's old passages
   * or all of its new ones. A document without text leaves none. Answers how many passages there are of them.
   */
  async add(documents: readonly Document[]): Promise<number> {
    const cut = documents.map((document) => ({ document, passages: passagesOf(document.text) }));
    const records = cut.flatMap(({ document: { id, source, metadata }, passages }) =>
      passages.map((text, passage) => ({
        id: `${id}#${passage}`,
        metadata: { ...metadata, document: id, passage, source, text },
      })),
    );
    const vectors = await this.#embedder.embedPassages(records.map(({ metadata: { text } }) => text));
    const collection = await this.#database.createCollection(this.#name, {
      dimension: this.#embedder.dimension,
      metric: 'cosine',
      // Kept out of the filters' columns: nobody asks for an exact text.
      fields: { text: { filterable: false } },
    });
    await collection.write({
      ...(records.length === 0
        ? {}
        : { upsert: records.map((record, at) => ({ ...record, vector: vectors[at]! })) }),
      // What an earlier and longer text left.
      delete: {
        filter: {
          $or: cut.map(({ document: { id }, passages }) => ({
            document: id,
            passage: { $gte: passages.length },
          })),
        },
      },
    });
    return records.length;
  }

  async ask({ text, count, filter }: Question): Promise<readonly Passage[]> {
    const vector = await this.#embedder.embedQuestion(text);
    try {
      const { matches } = await this.#database
        .collection(this.#name)
        .query({ vector, k: count, ...(filter === undefined ? {} : { filter }) });
      return matches.map(({ score, metadata }) => passageOf(score!, metadata!));
    } catch (error) {
      if (isCairnError(error) && error.code === 'collection_not_found') throw await this.#nothingYet();
      throw error;
    }
  }

  async #nothingYet(): Promise<Problem> {
    const { collections } = await this.#database.listCollections({ prefix: PREFIX });
    const others = collections.map(({ name }) => name.slice(PREFIX.length));
    const message = `no document was embedded by ${this.#embedder.name} yet`;
    const hint = `those embedded by ${others.join(', ')} have to be sent again`;
    return new Problem(404, 'no_documents', others.length === 0 ? message : `${message}: ${hint}`);
  }
}

function passageOf(score: number, record: JsonObject): Passage {
  const { text, source, document, passage: _, ...metadata } = record;
  return {
    text: text as string,
    source: source as string | null,
    document: document as string,
    score,
    metadata,
  };
}
