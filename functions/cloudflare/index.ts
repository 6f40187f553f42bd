/**
 * Cloudflare Workers: `fetch` and `scheduled` over a bucket of R2 that the Worker has a binding of.
 *
 * Nothing happens at module load. What one isolate's invocations share is in `isolate.ts`.
 */
import { failureLine, misconfigured, problemAnswer, webResponse } from '../http/index.js';
import type { HttpAnswer } from '../http/index.js';
import { Isolate } from './isolate.js';
import type { Environment } from './variables.js';

let isolate: Isolate | undefined;

const worker: ExportedHandler<Environment> = {
  async fetch(request, environment, context): Promise<Response> {
    const answering = answer(request, environment);
    // A caller that leaves would else end it anywhere, and what it holds of the isolate would be held for ever.
    context.waitUntil(answering);
    return webResponse(await answering);
  },

  async scheduled(_event, environment): Promise<void> {
    isolate ??= new Isolate(environment);
    await isolate.maintain();
  },
};

async function answer(request: Request, environment: Environment): Promise<HttpAnswer> {
  try {
    isolate ??= new Isolate(environment);
  } catch (error) {
    const failure = { requestId: crypto.randomUUID(), method: request.method, error: misconfigured(error) };
    console.log(failureLine(failure));
    return problemAnswer(failure.error, failure.requestId);
  }
  return await isolate.answer(request);
}

export { worker as default };
