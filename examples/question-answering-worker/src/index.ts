/**
 * A Cloudflare Worker that keeps documents in R2 and answers questions with the passages that fit, by Cairn as a library: there is no
 * other server.
 *
 *     POST /documents   {"documents": [{"id", "text", "source"?, "metadata"?}]}
 *     GET /ask?q=…      also count=5 and filter=year >= 2020
 */
import { waitUntil } from 'cloudflare:workers';
import kernel from 'cairndb/kernel.wasm';
import { openR2 } from 'cairndb/r2';
import type { R2Binding } from 'cairndb/r2';
import type { Database } from 'cairndb';
import { documentsOf } from './document.js';
import { embedderOf } from './embedders.js';
import { Library } from './library.js';
import { mustHaveKey } from './lock.js';
import { Problem, problemAnswer } from './problem.js';

interface Environment {
  readonly BUCKET: R2Binding;
  /** Of Workers AI. */
  readonly AI?: Ai;
  /** A secret. */
  readonly API_KEY?: string;
}

const MOST_PASSAGES = 50;

let database: Database | undefined;

/**
 * One database for all requests of an isolate: it holds what they have loaded. Requests must not wait for each other's promises, so
 * early ones open it each for itself, which asks nothing of the bucket, and the first leaves it to all.
 */
async function openDatabase({ BUCKET }: Environment): Promise<Database> {
  if (database !== undefined) return database;
  const opened = await openR2(BUCKET, { kernel, prefix: 'questions', selfTest: false, waitUntil });
  return (database ??= opened);
}

async function answer(request: Request, environment: Environment): Promise<Response> {
  try {
    return await route(request, environment);
  } catch (error) {
    return problemAnswer(error);
  }
}

async function route(request: Request, environment: Environment): Promise<Response> {
  await mustHaveKey(request, environment.API_KEY);
  const { pathname, searchParams } = new URL(request.url);
  const embedder = embedderOf(environment.AI);
  const library = new Library(await openDatabase(environment), embedder);
  switch (`${request.method} ${pathname}`) {
    case 'POST /documents': {
      const documents = await documentsOf(request);
      const passages = await library.add(documents);
      return Response.json({ documents: documents.length, passages, embedder: embedder.name });
    }
    case 'GET /ask': {
      const question = questionOf(searchParams);
      return Response.json({ embedder: embedder.name, passages: await library.ask(question) });
    }
    default:
      throw new Problem(404, 'route_not_found', 'there are POST /documents and GET /ask?q=…');
  }
}

function questionOf(parameters: URLSearchParams): Parameters<Library['ask']>[0] {
  const text = parameters.get('q')?.trim() ?? '';
  if (text === '') throw new Problem(400, 'invalid_request', 'q must be a question');
  const count = Number(parameters.get('count') ?? 5);
  if (!Number.isInteger(count) || count < 1 || count > MOST_PASSAGES)
    throw new Problem(400, 'invalid_request', `count must be an integer of 1 to ${MOST_PASSAGES}`);
  return { text, count, filter: parameters.get('filter') ?? undefined };
}

const worker: ExportedHandler<Environment> = {
  async fetch(request, environment, context): Promise<Response> {
    const answering = answer(request, environment);
    // A caller that leaves would else end it anywhere, also within what all requests share.
    context.waitUntil(answering);
    return await answering;
  },

  async scheduled(_event, environment): Promise<void> {
    const result = await (await openDatabase(environment)).maintain();
    console.log(JSON.stringify(result));
    // So that Cloudflare counts the run as failed.
    if (result.failures.length > 0) throw new Error('maintenance failed: the line above says of what');
  },
};

export { worker as default };
