/** The body of POST /documents, checked. */
import type { JsonObject } from 'cairndb';
import { Problem } from './problem.js';

export interface Document {
  /** The caller's own. A document with the same id takes its place. */
  readonly id: string;
  readonly text: string;
  /** Where it is from, for who reads the answer: mostly a URL. */
  readonly source: string | null;
  /** What questions can filter by. */
  readonly metadata: JsonObject;
}

const MOST_DOCUMENTS = 100;
/** Of a body: its passages are embedded in a dozen calls of the model. */
const MOST_CHARACTERS = 1_000_000;

const names = new Set(['id', 'text', 'source', 'metadata']);
/** What a passage is stored with beside the document's metadata. */
const taken = ['document', 'passage', 'source', 'text'];

/** Throws `Problem` 400 or 413. */
export async function documentsOf(request: Request): Promise<readonly Document[]> {
  if (Number(request.headers.get('content-length')) > 4 * MOST_CHARACTERS) throw tooLong();
  const body = await request.text();
  if (body.length > MOST_CHARACTERS) throw tooLong();
  const given = objectOf(parsed(body), 'the body')['documents'];
  if (!Array.isArray(given) || given.length === 0 || given.length > MOST_DOCUMENTS)
    throw invalid(`the body must be {"documents": […]}, of 1 to ${MOST_DOCUMENTS}`);
  const documents = given.map(documentOf);
  if (new Set(documents.map(({ id }) => id)).size < documents.length)
    throw invalid('two documents have the same id');
  return documents;
}

function documentOf(value: unknown, at: number): Document {
  const where = `documents[${at}]`;
  const document = objectOf(value, where);
  const { id, text, source = null, metadata = {} } = document;
  const strange = Object.keys(document).find((name) => !names.has(name));
  if (strange !== undefined) throw invalid(`${where} has no field ${JSON.stringify(strange)}`);
  if (typeof id !== 'string' || id === '') throw invalid(`${where}.id must be a string that is not empty`);
  if (typeof text !== 'string') throw invalid(`${where}.text must be a string`);
  if (source !== null && typeof source !== 'string') throw invalid(`${where}.source must be a string`);
  const own = objectOf(metadata, `${where}.metadata`);
  const clash = taken.find((name) => Object.hasOwn(own, name));
  if (clash !== undefined) throw invalid(`${where}.metadata must not have a field named ${clash}`);
  return { id, text, source, metadata: own as JsonObject };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw invalid('the body is not JSON');
  }
}

function objectOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw invalid(`${what} must be an object`);
}

function invalid(message: string): Problem {
  return new Problem(400, 'invalid_request', message);
}

function tooLong(): Problem {
  return new Problem(413, 'body_too_large', `the body is longer than ${MOST_CHARACTERS} characters`);
}
