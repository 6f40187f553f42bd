/**
 * Google Cloud Functions: `cairn` has the signature of HTTP functions, `maintain` that of CloudEvents. Which is which is said at
 * deployment; the framework that calls them is the platform's.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import process from 'node:process';
import { bufferedRequest, Hosted } from '../hosted/index.js';

/** https://cloud.google.com/functions/quotas: of a request and of an answer that is not streamed. */
const MESSAGE_BYTES = 32 * 1024 * 1024;

/** Of the nine minutes that a function for events has. */
const MAINTAIN_MS = 510_000;

const hosted = new Hosted({
  platform: { name: 'Google Cloud Functions', sentBytes: MESSAGE_BYTES, answerBytes: MESSAGE_BYTES },
  environment: () => process.env,
  log: (line) => console.log(line),
});

/** The framework has read a body that says its type, and inflated it; of others it knows nothing. */
interface FrameworkRequest extends IncomingMessage {
  readonly originalUrl: string;
  readonly rawBody?: Buffer<ArrayBuffer>;
}

export async function cairn(request: FrameworkRequest, response: ServerResponse): Promise<void> {
  const { method = 'GET', originalUrl, rawHeaders } = request;
  const [path = '/', ...query] = originalUrl.split('?');
  const names = rawHeaders.flatMap((name, at) =>
    at % 2 === 0 ? [[name, rawHeaders[at + 1]!] as const] : [],
  );
  const answer = await hosted.answer(
    bufferedRequest({
      method,
      host: request.headers.host,
      path,
      query: query.join('?'),
      headers: names.filter(([name]) => name.toLowerCase() !== 'content-encoding'),
      body: request.rawBody ?? (await unreadBody(request)),
    }),
  );
  response.writeHead(answer.status, answer.headers);
  response.end(answer.body ?? undefined);
}

export async function maintain(): Promise<void> {
  await hosted.maintain(MAINTAIN_MS);
}

/** No more of it than is needed to refuse it. */
async function unreadBody(request: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MESSAGE_BYTES) break;
  }
  return Buffer.concat(chunks);
}
