/**
 * `cairn serve --demo`: a collection with the project's own documentation, so that a first query has something to find.
 * Compares what is there with what should be, by ids made from contents: a second start embeds and writes nothing, a
 * changed page costs its changed chunks, and a load that was cut short is completed.
 */
import type { Collection, CollectionSettings, Database, RecordInput } from '../../core/index.js';
import { isDemoId, readDocumentation } from './documentation.js';
import type { DemoChunk } from './documentation.js';
import { embeddingDimension, embedText } from './feature-hashing.js';
import { demoCollection, demoQuestion } from './question.js';

/** The declared fields also tell this collection from one that a user happens to have called the same. */
const settings: CollectionSettings = {
  dimension: embeddingDimension,
  metric: 'cosine',
  fields: { source: {}, heading: {}, text: { filterable: false } },
};

export interface DemoOptions {
  readonly log: (line: string) => void;
  /** Folder with README.md and docs/. Default: the package's own. */
  readonly root?: URL;
}

export interface DemoLoad {
  readonly chunks: number;
  /** Chunks that had to be embedded and written. */
  readonly written: number;
  readonly deleted: number;
}

/**
 * Undefined, with a line that says why, where the demo could not be loaded: a server serves without it too.
 * Cost where nothing changed: opening the collection, and one scan of its ids.
 */
export async function loadDemo(
  database: Database,
  { log, root }: DemoOptions,
): Promise<DemoLoad | undefined> {
  try {
    const load = await bringUpToDate(database, await readDocumentation(root));
    log(describeLoad(load));
    return load;
  } catch (error) {
    log(`demo not loaded: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

async function bringUpToDate(database: Database, chunks: readonly DemoChunk[]): Promise<DemoLoad> {
  const collection = await database.createCollection(demoCollection, settings);
  const present = await idsOf(collection);
  const wanted = new Set(chunks.map(({ id }) => id));
  const missing = chunks.filter(({ id }) => !present.has(id));
  const stale = [...present].filter((id) => isDemoId(id) && !wanted.has(id));
  const records = missing.map(toRecord);
  if (missing.length > 0 || !present.has(demoQuestion)) records.push(questionRecord());
  if (records.length > 0 || stale.length > 0) {
    // One commit: a query sees the old pages or the new ones.
    await collection.write({
      ...(records.length === 0 ? {} : { upsert: records }),
      ...(stale.length === 0 ? {} : { delete: { ids: stale } }),
    });
  }
  return { chunks: chunks.length, written: missing.length, deleted: stale.length };
}

async function idsOf(collection: Collection): Promise<Set<string>> {
  const ids = new Set<string>();
  let cursor: string | undefined;
  do {
    const page = await collection.scan({
      limit: 10_000,
      include: [],
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const { id } of page.records) ids.add(id);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return ids;
}

/** The headings are embedded with the text: what a chunk is about often stands only there. */
function toRecord({ id, source, heading, text }: DemoChunk): RecordInput {
  return { id, vector: embedText(`${heading}\n${text}`), metadata: { source, heading, text } };
}

/** Its id is the question, so that a query by id asks it. */
function questionRecord(): RecordInput {
  return { id: demoQuestion, vector: embedText(demoQuestion), metadata: { question: demoQuestion } };
}

function describeLoad({ chunks, written, deleted }: DemoLoad): string {
  const what = `demo collection "${demoCollection}": ${chunks} chunks of the documentation`;
  if (written === 0 && deleted === 0) return `${what}, unchanged`;
  const removed = deleted === 0 ? '' : `, ${deleted} removed`;
  return `${what}, ${written} of them embedded now by feature hashing (lexical, not a language model)${removed}`;
}
