/**
 * Answers as a stream, which may be 200 MB long where a whole one ends at 6. What this takes is a global of Lambda's runtime, so
 * elsewhere the handler says so.
 */
import type { Writable } from 'node:stream';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { HttpAnswer } from '../http/index.js';

interface LambdaRuntime {
  streamifyResponse(handle: (event: APIGatewayProxyEventV2, stream: Writable) => Promise<void>): unknown;
  readonly HttpResponseStream: {
    from(
      stream: Writable,
      head: { readonly statusCode: number; readonly headers: Readonly<Record<string, string>> },
    ): Writable;
  };
}

export function streamingHandler(answer: (event: APIGatewayProxyEventV2) => Promise<HttpAnswer>): unknown {
  const runtime = (globalThis as { readonly awslambda?: LambdaRuntime }).awslambda;
  if (runtime === undefined) return notHere;
  return runtime.streamifyResponse(async (event, stream) => {
    const { status, headers, body } = await answer(event);
    const out = runtime.HttpResponseStream.from(stream, { statusCode: status, headers });
    // The head goes with the first `write`, and with no other call: also an answer without a body has to make it.
    out.write(body ?? '');
    out.end();
    await new Promise<void>((resolve, reject) => {
      out.once('finish', resolve);
      out.once('error', reject);
    });
  });
}

function notHere(): never {
  throw new Error(
    'streamed runs on AWS Lambda alone, behind a function URL whose InvokeMode is RESPONSE_STREAM',
  );
}
