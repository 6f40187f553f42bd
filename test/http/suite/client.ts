/**
 * The suite's HTTP client: raw enough to send what a well-behaved one would not, and a judge at once. Every answer is
 * held against the server's own OpenAPI document: status, content type and schema.
 */
import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { resolveRef, violations } from './schema-check.js';
import type { OpenApi, Operation, ResponseObject } from './schema-check.js';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON. */
  readonly json: Json;
}

/** Answers are checked against their schemas already: tests read them freely. */
export type Json = Readonly<Record<string, unknown>>;

/** The records under `key` of an answer. */
export function rowsOf(json: Json, key: string): readonly Json[] {
  return json[key] as readonly Json[];
}

/** One field of each of them. */
export function columnOf(json: Json, key: string, field: string): readonly unknown[] {
  return rowsOf(json, key).map((row) => row[field]);
}

export interface SendOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly body?: string | Uint8Array;
  /** Chunks of a body without a length, with pauses between. */
  readonly chunks?: AsyncIterable<Uint8Array>;
  /** Off for answers that the document cannot describe. */
  readonly judged?: boolean;
}

export class Client {
  readonly url: string;
  readonly #headers: Readonly<Record<string, string>>;
  #document: OpenApi | undefined;

  constructor(url: string, headers: Readonly<Record<string, string>> = {}) {
    this.url = url;
    this.#headers = headers;
  }

  /** The same server with other standing headers. */
  with(headers: Readonly<Record<string, string>>): Client {
    const client = new Client(this.url, headers);
    client.#document = this.#document;
    return client;
  }

  get(path: string, options: SendOptions = {}): Promise<Answer> {
    return this.send('GET', path, options);
  }

  post(path: string, json: unknown, options: SendOptions = {}): Promise<Answer> {
    return this.send('POST', path, { ...options, json });
  }

  put(path: string, json: unknown): Promise<Answer> {
    return this.send('PUT', path, { json });
  }

  async send(method: string, path: string, options: SendOptions = {}): Promise<Answer> {
    const answer = await this.#exchange(method, path, options);
    if (options.judged !== false && answer.status !== 431) await this.#judge(method, path, answer);
    return answer;
  }

  async #exchange(method: string, path: string, options: SendOptions): Promise<Answer> {
    const { json, body = json === undefined ? undefined : JSON.stringify(json) } = options;
    const headers: Record<string, string> = {
      ...this.#headers,
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
      ...options.headers,
    };
    return new Promise((resolve, reject) => {
      const call = request(new URL(this.url), { method, path, headers, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve(answerOf(response.statusCode ?? 0, response.headers, text));
        });
      });
      call.on('error', reject);
      if (options.chunks === undefined) call.end(body);
      else {
        sendChunks(options.chunks, (chunk) => call.write(chunk)).then(
          () => call.end(),
          () => call.destroy(),
        );
      }
    });
  }

  /** Throws where the answer is not one that the document promises. */
  async #judge(method: string, path: string, answer: Answer): Promise<void> {
    if (method === 'OPTIONS') return;
    const document = await this.#openApi();
    const operation = document === undefined ? undefined : operationOf(document, method, path);
    const type = answer.headers['content-type'] ?? '';
    const where = `${method} ${path} ${answer.status}`;
    if (answer.status >= 400)
      must(type === 'application/problem+json', `${where}: a problem of type ${type}`);
    if (method === 'HEAD' || document === undefined) return;
    const { content } = responseOf(document, operation, answer.status);
    if (content === undefined) {
      must(answer.text === '', `${where}: a body that the document does not know`);
      return;
    }
    const described = Object.entries(content).find(([name]) => type.startsWith(name));
    if (described === undefined) throw new Error(`${where}: ${type} is not in the document`);
    if (!type.includes('json')) return;
    const wrong = violations(described[1].schema, JSON.parse(answer.text), document);
    must(wrong.length === 0, `${where} is not as the document says: ${wrong.join('; ')}`);
  }

  async #openApi(): Promise<OpenApi | undefined> {
    if (this.#document === undefined) {
      const { status, text } = await this.#exchange('GET', '/openapi.json', {});
      if (status === 200) this.#document = JSON.parse(text) as OpenApi;
    }
    return this.#document;
  }
}

function must(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

/** What no route answers is still a problem. */
function responseOf(document: OpenApi, operation: Operation | undefined, status: number): ResponseObject {
  const { responses = {} } = operation ?? {};
  const response = responses[String(status)] ?? responses['default'];
  if (response !== undefined && response.$ref === undefined) return response;
  return resolveRef(document, response?.$ref ?? '#/components/responses/Problem') as ResponseObject;
}

function answerOf(status: number, headers: IncomingHttpHeaders, text: string): Answer {
  return {
    status,
    headers,
    text,
    get json() {
      return JSON.parse(text) as Json;
    },
  };
}

async function sendChunks(
  chunks: AsyncIterable<Uint8Array>,
  write: (chunk: Uint8Array) => void,
): Promise<void> {
  for await (const chunk of chunks) write(chunk);
}

function operationOf(document: OpenApi, method: string, path: string): Operation | undefined {
  const bare = path.split('?', 1)[0]!;
  const template = Object.keys(document.paths).find((each) =>
    new RegExp(`^${each.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(bare),
  );
  const verb = method === 'HEAD' ? 'get' : method.toLowerCase();
  return template === undefined ? undefined : document.paths[template]![verb];
}
