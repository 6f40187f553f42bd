/** One request to the fake, taken apart, with nothing in it that nobody asked for. */
import type { IncomingMessage } from 'node:http';
import { Refusal, strictly } from './refusal.js';

export interface Asked {
  readonly method: string;
  /** Origin that the client used. */
  readonly origin: string;
  /** Decoded, behind the version of the interface: `b`, BUCKET, `o`, OBJECT. */
  readonly within: readonly string[];
  readonly uploading: boolean;
  readonly params: ReadonlyMap<string, string>;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export async function askedOf(incoming: IncomingMessage): Promise<Asked> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const [path = '', query = ''] = incoming.url!.split('?', 2);
  const found = /^(\/upload)?\/storage\/v1\/(.+)$/.exec(path);
  if (found === null) throw new Refusal(404, 'notFound', 'Not Found');
  const params = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    strictly(!params.has(name), `parameter ${name} comes twice`);
    params.set(name, value);
  }
  return {
    method: incoming.method!,
    origin: `http://${incoming.headers.host}`,
    within: found[2]!.split('/').map(decodeURIComponent),
    uploading: found[1] !== undefined,
    params,
    headers: incoming.headers,
    body: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks),
  };
}

export function mustKnow({ params }: Asked, known: readonly string[]): void {
  for (const name of params.keys())
    strictly(known.includes(name) || name === 'userProject', `no such parameter: ${name}`);
}

export function mustHaveNoBody({ body }: Asked): void {
  strictly(body.length === 0, 'this request has no body');
}

/** `a,b(c,d)` of a document: https://cloud.google.com/storage/docs/json_api#partial-response */
export function selected(document: Readonly<Record<string, unknown>>, fields: string | undefined): object {
  if (fields === undefined) return document;
  const chosen: Record<string, unknown> = {};
  for (const [, name = '', inner] of fields.matchAll(/([A-Za-z0-9]+)(?:\(([^)]*)\))?(?:,|$)/g)) {
    strictly(name in document, `Invalid field selection ${name}`);
    const value = document[name];
    const pick = (each: unknown): object => selected(each as Record<string, unknown>, inner);
    if (value !== undefined)
      chosen[name] = inner === undefined ? value : Array.isArray(value) ? value.map(pick) : pick(value);
  }
  return chosen;
}

/** https://cloud.google.com/storage/docs/objects#naming */
export function mustBeName(name: string | undefined): string {
  strictly(name !== undefined && name !== '', 'Required parameter: name');
  const legal =
    Buffer.byteLength(name) <= 1_024 &&
    !/[\r\n]|^\.{1,2}$/.test(name) &&
    !name.startsWith('.well-known/acme-challenge/');
  strictly(legal, `Disallowed unicode characters present in object name '${name}'`);
  return name;
}

const GENERATION = /^\d{1,19}$/;

export function generationOf({ params }: Asked, name: string): string | undefined {
  const value = params.get(name);
  strictly(value === undefined || GENERATION.test(value), `Invalid value for ${name}`);
  return value;
}
