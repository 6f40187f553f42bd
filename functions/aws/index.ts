/**
 * AWS Lambda: `handler` for HTTP APIs and function URLs (payload 2.0), `streamed` for function URLs that stream their answers, and
 * `scheduled` for EventBridge.
 */
import process from 'node:process';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { bufferedRequest, Hosted } from '../hosted/index.js';
import type { HttpAnswer, HttpRequest } from '../http/index.js';
import { streamingHandler } from './streaming.js';

/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: of an event and of an answer, as JSON. */
const PAYLOAD_BYTES = 6_291_556;
/** For everything of an answer but its body. */
const HEADER_BYTES = 65_536;
const STREAM_BYTES = 200 * 1024 * 1024;
const CALL_OFF_MS = 15_000;

const common = { environment: () => process.env, log: (line: string): void => console.log(line) };

/** An answer whose quotes would be too many as JSON goes as base64, which takes four thirds of any body. */
const ANSWER_BYTES: number = Math.floor(((PAYLOAD_BYTES - HEADER_BYTES) * 3) / 4);

const buffered = new Hosted({
  platform: { name: 'AWS Lambda', sentBytes: PAYLOAD_BYTES, answerBytes: ANSWER_BYTES },
  ...common,
});
const streaming = new Hosted({
  platform: { name: 'AWS Lambda', sentBytes: PAYLOAD_BYTES, answerBytes: STREAM_BYTES },
  ...common,
});

export async function handler(event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> {
  return resultOf(await buffered.answer(requestOf(event)));
}

export const streamed: unknown = streamingHandler((event) => streaming.answer(requestOf(event)));

/** Ends a while before the function would be ended, so that a compaction under way can be called off. */
export async function scheduled(_event: unknown, context: Context): Promise<void> {
  await buffered.maintain(context.getRemainingTimeInMillis() - CALL_OFF_MS);
}

function requestOf(event: APIGatewayProxyEventV2): HttpRequest {
  const { requestContext, rawPath, rawQueryString, headers, body, isBase64Encoded } = event;
  const { http, domainName, stage } = requestContext;
  const below = `/${stage}`;
  const isStaged = stage !== '$default' && `${rawPath}/`.startsWith(`${below}/`);
  return bufferedRequest({
    method: http.method,
    host: headers['host'] ?? domainName,
    path: isStaged ? rawPath.slice(below.length) || '/' : rawPath,
    query: rawQueryString,
    headers: Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    ),
    // Emulators say null where there is none.
    body: typeof body === 'string' ? Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8') : undefined,
  });
}

function resultOf({ status, headers, body }: HttpAnswer): APIGatewayProxyStructuredResultV2 {
  const answer = { statusCode: status, headers: { ...headers } };
  if (body === null) return answer;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const text = bytes.toString('utf8');
  // Quotes and control characters grow as JSON.
  const isPlain = Buffer.byteLength(JSON.stringify(text)) <= PAYLOAD_BYTES - HEADER_BYTES;
  return isPlain
    ? { ...answer, body: text, isBase64Encoded: false }
    : { ...answer, body: bytes.toString('base64'), isBase64Encoded: true };
}
