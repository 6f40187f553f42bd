/** What a Worker does with its events. What one isolate's invocations share is in `isolate.ts`. */
import { misconfiguredAnswer, webResponse } from '../http/index.js';
import { Isolate } from './isolate.js';
import type { Environment } from './variables.js';

let isolate: Isolate | undefined;

/** Never throws. */
export async function answer(request: Request, environment: Environment): Promise<Response> {
  try {
    isolate ??= new Isolate(environment);
  } catch (error) {
    const failure = { requestId: crypto.randomUUID(), method: request.method, error };
    return webResponse(misconfiguredAnswer(failure, (line) => console.log(line)));
  }
  return webResponse(await isolate.answer(request));
}

/** Throws where anything failed, so that the event counts as failed. */
export async function maintain(environment: Environment): Promise<void> {
  isolate ??= new Isolate(environment);
  await isolate.maintain();
}
